# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A device that is a bridge, that is in use, that does not answer, or whose memory
# somebody else holds.

test_doctor_bridge() {
	local bridge=0000:00:15.0
	diagnose FAIL device "a PCI bridge, with pcieport" --only device $bridge
	grep -q unbind "$work/fix"
	is "no fix takes a bridge from its driver" 1 $?
	is "what is below it is named" "vfiodoctor 0000:01:00.0" "$(head -1 "$work/fix")"
	treat_knows
	is "and it has its driver yet" pcieport "$(basename "$(realpath /sys/bus/pci/devices/$bridge/driver)")"
}

# The fix is a question to the doctor, who may find something else.
treat_knows() {
	bash "$work/fix" >"$work/treat.out" 2>&1
	[ $? -lt 2 ]
	ok $? "the fix can be asked" -- "$work/fix" "$work/treat.out"
}

# Commands that would take what the host uses are not printed.
careful() {
	is "no command: $1" 0 "$(grep -vc '^#' "$work/fix")"
	grep -q "^# careful, the host uses it: $2" "$work/fix"
	ok $? "the fix warns: $2" -- "$work/fix"
	grep -q '^# until the next boot; for good: driverctl set-override' "$work/fix"
	ok $? "and says what lasts" -- "$work/fix"
}

test_doctor_network_in_use() {
	local bdf=0000:00:11.0 device=/sys/bus/pci/devices/0000:00:11.0 name
	modprobe e1000e
	echo $bdf >$device/driver/unbind
	echo e1000e >$device/driver_override
	echo $bdf >/sys/bus/pci/drivers_probe
	name=$(ls $device/net)
	echo 1 >/proc/sys/net/ipv6/conf/"$name"/disable_ipv6
	diagnose FAIL device "bound to e1000e, not to vfio-pci, which runs $name" --only device $bdf
	grep -q '^echo .*/driver/unbind$' "$work/fix"
	ok $? "an interface that is down: the command" -- "$work/fix"
	ip addr add 192.0.2.7/24 dev "$name"
	diagnose FAIL device "bound to e1000e, not to vfio-pci" --only device $bdf
	careful "an interface with an address" "$name has the address 192.0.2.7"
	ip addr flush dev "$name"
	ip link add name doctorbr type bridge 2>/dev/null && {
		ip link set "$name" master doctorbr
		diagnose FAIL device "bound to e1000e, not to vfio-pci" --only device $bdf
		careful "a port of a bridge" "$name is part of doctorbr"
		ip link del doctorbr
	}
	ip link set "$name" up
	soon up cat "$device/net/$name/operstate"
	diagnose FAIL device "bound to e1000e, not to vfio-pci" --only device $bdf
	careful "an interface that is up" "$name is up"
	ip link set "$name" down
	diagnose FAIL device "bound to e1000e, not to vfio-pci" --only device $bdf
	treat
	diagnose OK device "bound to vfio-pci" --only device $bdf
	modprobe -r e1000e
}

test_doctor_disk_in_use() {
	local bdf=0000:00:12.0 device=/sys/bus/pci/devices/0000:00:12.0 disk=nvme0n1
	modprobe nvme
	echo $bdf >$device/driver/unbind
	echo nvme >$device/driver_override
	echo $bdf >/sys/bus/pci/drivers_probe
	soon yes eval "[ -b /dev/$disk ] && echo yes"
	mkfs.ext4 -q /dev/$disk
	mkdir -p "$work/disk"
	mount /dev/$disk "$work/disk"
	diagnose FAIL device "bound to nvme, not to vfio-pci" --only device,group $bdf
	careful "a mounted disk" "$disk is mounted"
	finds FAIL group "not viable, opening its devices fails: nvme has $bdf"
	careful "a mounted disk of the group" "$disk is mounted"
	umount "$work/disk"
	mkswap /dev/$disk >/dev/null 2>&1
	swapon /dev/$disk
	diagnose FAIL device "bound to nvme, not to vfio-pci" --only device $bdf
	careful "swap" "$disk is swapped to"
	swapoff /dev/$disk
	diagnose FAIL device "bound to nvme, not to vfio-pci" --only device $bdf
	treat
	diagnose OK device "bound to vfio-pci" --only device $bdf
	modprobe -r nvme
}

# As the firmware's framebuffer holds a part of a graphics card.
test_doctor_bars() {
	local bdf=0000:00:14.0 start
	start=$(awk 'NR == 3 { print $1 }' /sys/bus/pci/devices/$bdf/resource)
	diagnose OK bars "nobody else holds them" --only bars $bdf
	modprobe ramoops mem_address="$start" mem_size=0x100000 record_size=0x10000
	diagnose FAIL bars "BAR 2, $(printf %#x "$start")-" --only bars $bdf
	finds FAIL bars "is held by ramoops:dm"
	treat
	diagnose OK bars "nobody else holds them" --only bars $bdf
}

# What is below a bridge whose bus has another number does not answer.
test_doctor_dead() {
	local bdf=0000:01:00.1 bridge=00:15.0 began
	diagnose OK answers "it does" --only answers $bdf
	setpci -s $bridge SECONDARY_BUS=7f SUBORDINATE_BUS=7f
	began=$SECONDS
	diagnose FAIL answers "its configuration space is all ones" --only answers $bdf
	[ $((SECONDS - began)) -lt 20 ]
	ok $? "and it took no time"
	setpci -s $bridge SECONDARY_BUS=01 SUBORDINATE_BUS=01
	diagnose OK answers "it does" --only answers $bdf
}
