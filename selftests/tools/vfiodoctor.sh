# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfiodoctor: each failure is staged, must be found, and must be gone after the
# commands that it names were run.

doctor_bdf=0000:00:10.0

for doctor_part in "$here"/vfiodoctor/*.sh; do
	. "$doctor_part"
done

# examine ARGS..: leaves the answer in $work/doctor.json.
examine() {
	"${doctor_as[@]}" vfiodoctor --json "$@" >"$work/doctor.json" 2>"$work/doctor.err"
	doctor_exit=$?
}

# finds STATUS CHECK WORDS: that the check ended so and found that. Leaves the
# commands that it named in $work/fix.
finds() {
	local line seen='' fix
	while IFS= read -r line; do
		[[ $line == *"\"check\":\"$2\",\"status\":\"$1\""*"$3"* ]] || continue
		seen=$line
		break
	done <"$work/doctor.json"
	[ -n "$seen" ]
	ok $? "$2: $1, $3" -- "$work/doctor.json" "$work/doctor.err"
	: >"$work/fix"
	if [[ $seen == *'"fix":"'* ]]; then
		fix=${seen##*'"fix":"'}
		fix=${fix%'"}'}
		fix=${fix//'\n'/$'\n'}
		echo "${fix//'\"'/'"'}" >"$work/fix"
	fi
	# One that fails has a way out, and makes the whole fail.
	[ "$1" != FAIL ] || {
		is "$2: exits" 1 "$doctor_exit"
		[ -s "$work/fix" ]
		ok $? "$2: says what to do" "$seen"
	}
}

diagnose() {
	examine "${@:4}"
	finds "$1" "$2" "$3"
}

# Runs the commands that the last diagnosis named.
treat() {
	bash -e "$work/fix" >"$work/treat.out" 2>&1
	ok $? "the fix can be run" -- "$work/fix" "$work/treat.out"
}

test_doctor_healthy() {
	vfiodoctor "$doctor_bdf" --memory 1G >"$work/doctor.txt" 2>&1
	is "a healthy device: exits" 0 $?
	is "a healthy device: nothing fails" 0 "$(grep -c '^FAIL' "$work/doctor.txt")"
	is "a healthy device: checks that are fine" 16 "$(grep -c '^OK\|^WARN reset' "$work/doctor.txt")"
	is "80 columns" 0 "$(awk 'length > 80' "$work/doctor.txt" | wc -l)"
	sed 's/^/# /' "$work/doctor.txt"
	examine -g "$(basename "$(realpath /sys/bus/pci/devices/$doctor_bdf/iommu_group)")"
	finds OK modules "$([ "$VFIOSCOPE_MODULES" = ours ] && echo "vfioscope's" || echo "the kernel's")"
	finds OK interrupts remapped
	finds OK memlock CAP_IPC_LOCK
	finds OK device "bound to vfio-pci"
}

test_doctor_nothing_there() {
	diagnose FAIL device "there is no PCI device 0000:77:00.0" -d 0000:77:00.0 -g 997
	finds FAIL group "there is no IOMMU group 997"
	is "no such process" 2 "$(vfiodoctor -p 4194303 >/dev/null 2>&1; echo $?)"
	is "a word that is no check" 2 "$(vfiodoctor --only device,nonsense >/dev/null 2>&1; echo $?)"
	is "a word that is no device" 2 "$(vfiodoctor nonsense >/dev/null 2>&1; echo $?)"
}

test_doctor_driver() {
	local bdf=0000:00:11.0 device=/sys/bus/pci/devices/0000:00:11.0
	modprobe e1000e
	echo $bdf >$device/driver/unbind
	echo e1000e >$device/driver_override
	echo $bdf >/sys/bus/pci/drivers_probe
	diagnose FAIL group "not viable, opening its devices fails: e1000e has $bdf" $bdf
	finds FAIL device "bound to e1000e, not to vfio-pci"
	treat
	diagnose OK device "bound to vfio-pci" $bdf
	is "after the fix all is well" 0 "$doctor_exit"
	echo $bdf >$device/driver/unbind
	diagnose FAIL device "no driver has it" $bdf
	treat
	[ -e /sys/bus/pci/drivers/vfio-pci/$bdf ]
	ok $? "and it is bound again"
	modprobe -r e1000e
}

test_doctor_users() {
	client_start
	go held
	diagnose FAIL holders "busy (EBUSY): pid $client (tools_workload) has" "$doctor_bdf"
	grep -q '^vfioholders [0-9]*$' "$work/fix"
	ok $? "who else holds it is vfioholders' matter" -- "$work/fix"
	diagnose OK holders "pid $client alone has it" -p "$client"
	finds OK entries "uses 24 of "

	echo "$doctor_bdf" >/sys/bus/pci/drivers/vfio-pci/unbind &
	local waiting=$! tries
	for ((tries = 0; tries < 300; tries++)); do
		grep -q vfio_unregister_group_dev /proc/$waiting/stack 2>/dev/null && break
		pause 0.2
	done
	diagnose FAIL unbind "pid $waiting (" "$doctor_bdf"
	go busy
	client_end
	ended 60 $waiting
	is "the unbinding ends with the client" 0 $?
	examine "$doctor_bdf"
	finds OK unbind "nobody waits"
	finds FAIL device "no driver has it"
	treat
}

test_doctor_limits() {
	local doctor_as limit=/sys/module/vfio_iommu_type1/parameters/dma_entry_limit before
	doctor_as=(prlimit --memlock=$((64 << 20)) setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
	diagnose OK memlock "64.0 MiB, 0.0 of it locked, 61.0 more needed" -m 61M
	diagnose FAIL memlock "67.0 MiB needed, RLIMIT_MEMLOCK is 64.0" -m 67M
	is "the fix is in KiB" "ulimit -l $((67 << 10))" "$(head -1 "$work/fix")"
	doctor_as=()

	client_start backings limited
	go held
	diagnose FAIL memlock "1.0 MiB needed, RLIMIT_MEMLOCK is 0.2, 0.1 of it is locked already" -p "$client" -m 1M
	treat
	diagnose OK memlock "1.0 more needed" -p "$client" -m 1M
	go more
	client_end

	before=$(cat $limit)
	echo 89 >$limit
	client_start backings many 83
	go held
	diagnose WARN entries "uses 83 of 89 mappings" "$doctor_bdf"
	client_end
	client_start backings many 89
	go held
	diagnose FAIL entries "pid $client (tools_backings) uses 89 of 89 mappings: mapping fails (ENOSPC)" "$doctor_bdf"
	treat
	is "the limit is raised" 65535 "$(cat $limit)"
	client_end
	echo "$before" >$limit
}

test_doctor_addresses() {
	diagnose OK addresses "none in the guest's memory" "$doctor_bdf" -m 61G
	diagnose FAIL addresses "a guest of 1048576.0 GiB needs addresses up to" "$doctor_bdf" -m 1024T
}

# As the kernel words them, on VT-d and AMD's; of another device; suppressed.
test_doctor_faults() {
	local i
	for ((i = 0; i < 7; i++)); do
		echo "DMAR: [DMA Read NO_PASID] Request device [00:10.0] fault addr 0x${i}000 [fault reason 0x06] PTE Read access is not set"
	done >"$work/faults"
	echo "vfio-pci 0000:00:10.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0001 address=0x7000 flags=0x0000]" >>"$work/faults"
	echo "DMAR: [DMA Write NO_PASID] Request device [00:11.0] fault addr 0x1000 [fault reason 0x05]" >>"$work/faults"
	echo "dmar_fault: 1013 callbacks suppressed" >>"$work/faults"
	while read -r i; do echo "$i" >/dev/kmsg; done <"$work/faults"
	diagnose WARN faults "8 IOMMU faults in the kernel's log, and 1013 that were not logged" "$doctor_bdf" 0000:00:11.0 0000:00:12.0
	finds WARN faults "1 IOMMU faults"
	finds OK faults "no IOMMU fault"
}

# Two devices behind one conventional bridge, edu and e1000.
test_doctor_shared_group() {
	local first=0000:02:01.0 second=0000:02:02.0
	modprobe e1000
	[ ! -e "/sys/bus/pci/devices/$first/driver" ] ||
		echo "$first" >"/sys/bus/pci/devices/$first/driver/unbind"
	echo vfio-pci >/sys/bus/pci/devices/"$first"/driver_override
	echo "$first" >/sys/bus/pci/drivers_probe
	diagnose FAIL group "not viable, opening its devices fails: e1000 has $second" "$first"
	treat
	diagnose OK group "none is another driver's" "$first"
	echo "$first" >/sys/bus/pci/drivers/vfio-pci/unbind
	echo "$second" >/sys/bus/pci/drivers/vfio-pci/unbind
}

test_doctor_not_loaded() {
	devices_release
	diagnose FAIL modules "not loaded: vfio vfio_iommu_type1 vfio_pci"
	treat
	diagnose OK modules "loaded"
	devices_bind
}

# A machine without an IOMMU, or one that the kernel does not use.
# test_doctor_no_iommu WORDS FIX
test_doctor_no_iommu() {
	diagnose FAIL iommu "$1" "$doctor_bdf"
	is "the fix" "$2" "$(head -2 "$work/fix")"
	finds FAIL device "in no IOMMU group: vfio-pci does not take it (EINVAL)"
	finds n/a interrupts "there is no IOMMU"
	echo vfio-pci >/sys/bus/pci/devices/$doctor_bdf/driver_override
	local refused
	refused=$( (echo $doctor_bdf >/sys/bus/pci/drivers/vfio-pci/bind) 2>&1)
	grep -q 'Invalid argument' <<<"$refused"
	ok $? "and so it is" "$refused"
	echo >/sys/bus/pci/devices/$doctor_bdf/driver_override
}

test_doctor_amd() {
	diagnose OK iommu "ivhd0" "$doctor_bdf"
	finds OK interrupts "remapped by the IOMMU"
	finds OK device "bound to vfio-pci"
	# What the width is AMD's driver does not say.
	finds OK addresses "width not known"
	is "a healthy device behind AMD's: exits" 0 "$doctor_exit"
	client_start
	go held
	diagnose FAIL holders "busy (EBUSY): pid $client (tools_workload) has" "$doctor_bdf"
	go busy
	client_end
}

# Booted with intremap=off.
test_doctor_interrupts() {
	grep -q intremap=off /proc/cmdline || return 0
	diagnose FAIL interrupts "not remapped: attaching a group fails (EPERM)"
	treat
	diagnose WARN interrupts "not remapped, allowed all the same"
}

test_doctor_staged() {
	test_permission_staged
	test_doctor_bridge
	test_doctor_network_in_use
	test_doctor_disk_in_use
	test_doctor_bars
	test_doctor_dead
	test_doctor_hostile
	test_doctor_memory
	test_doctor_viommu
}

test_vfiodoctor() {
	local doctor_as=() doctor_exit
	if grep -q intremap=off /proc/cmdline; then
		test_doctor_interrupts
		return
	fi
	case $VFIOSCOPE_IOMMU in
	none)
		test_doctor_trees
		test_doctor_no_iommu "that its host gives no virtual IOMMU, and its kernel has no noiommu mode" \
			"$(printf '%s\n' "# on its host, QEMU: -machine q35,kernel-irqchip=split" \
				"#   -device intel-iommu,intremap=on,caching-mode=on, before all other devices")"
		return
		;;
	off)
		test_doctor_no_iommu "the firmware offers one (DMAR), the kernel does not use it" \
			"$(printf '%s\n' "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&intel_iommu=on /' /etc/default/grub" "update-grub && reboot")"
		return
		;;
	amd)
		test_doctor_amd
		test_doctor_shared_group
		return
		;;
	esac
	test_doctor_healthy
	test_doctor_nothing_there
	test_doctor_driver
	test_doctor_users
	test_doctor_limits
	test_doctor_permission
	# These do not touch what differs: once on each kernel and each source.
	case $VFIOSCOPE_KERNEL-$VFIOSCOPE_MODULES in 6.1-stock | 6.12-ours) test_doctor_staged ;; esac
	test_doctor_addresses
	test_doctor_faults
	test_doctor_not_loaded
	no_program_left "vfiodoctor leaves no program"
}
