# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Machines that the VM is not: folders with what theirs have in /sys and /proc.

# put FILE [TEXT]
put() {
	mkdir -p "$tree/$(dirname "$1")"
	printf '%s\n' "${2-}" >"$tree/$1"
}

# device BDF VENDOR DEVICE CLASS [DRIVER]: in group 7.
device() {
	local at=sys/devices/pci0000:00/$1
	put "$at/vendor" "0x$2"
	put "$at/device" "0x$3"
	put "$at/class" "0x$4"
	put "$at/power_state" D0
	put "$at/power/runtime_status" active
	head -c 256 /dev/zero >"$tree/$at/config"
	mkdir -p "$tree/sys/bus/pci/devices" "$tree/sys/kernel/iommu_groups/7/devices"
	ln -s "../../../devices/pci0000:00/$1" "$tree/sys/bus/pci/devices/$1"
	ln -s "../../../../devices/pci0000:00/$1" "$tree/sys/kernel/iommu_groups/7/devices/$1"
	ln -s ../../../kernel/iommu_groups/7 "$tree/$at/iommu_group"
	[ -z "${5-}" ] || {
		mkdir -p "$tree/sys/bus/pci/drivers/$5"
		ln -s "../../../bus/pci/drivers/$5" "$tree/$at/driver"
	}
}

tree_new() {
	rm -rf "$tree"
	mkdir -p "$tree"
	put sys/kernel/iommu_groups/7/reserved_regions '0x00000000fee00000 0x00000000feefffff msi'
	put proc/cpuinfo "flags		: fpu vmx"
}

test_tree_machines() {
	tree_new
	rm -r "$tree/sys/kernel/iommu_groups"
	diagnose FAIL iommu "none, and the firmware offers none" --root "$tree"
	is "a host's firmware is what to set up" "systemctl reboot --firmware-setup" "$(cat "$work/fix")"
	put proc/cpuinfo "flags		: fpu vmx hypervisor"
	put sys/class/dmi/id/sys_vendor QEMU
	put sys/module/vfio/refcnt 1
	diagnose FAIL iommu "this is a VM (QEMU) that its host gives no virtual IOMMU, and its kernel has no noiommu mode" --root "$tree"
	is "nothing that a VM can do" 0 "$(grep -vc '^#' "$work/fix")"
	put sys/module/vfio/parameters/enable_unsafe_noiommu_mode N
	diagnose FAIL iommu "its kernel has the noiommu mode" --root "$tree"
	put proc/xen/capabilities control_d
	rm "$tree/sys/class/dmi/id/sys_vendor"
	diagnose FAIL iommu "none, and the firmware offers none" --root "$tree"
	put sys/firmware/acpi/tables/VIOT
	diagnose FAIL iommu "this VM has a virtio-iommu (VIOT), the kernel does not use it" --root "$tree"
}

test_tree_devices() {
	local bdf=0000:00:02.0 at=sys/devices/pci0000:00/0000:00:02.0
	tree_new
	device $bdf 8086 37c8 0b4000 c6xx
	diagnose FAIL device "vfio-pci refuses devices of this kind (8086:37c8, EINVAL)" --root "$tree" $bdf
	put sys/module/vfio_pci/parameters/disable_denylist Y
	diagnose FAIL device "bound to c6xx, not to vfio-pci" --root "$tree" $bdf

	tree_new
	device $bdf 8086 1521 020000 vfio-pci
	device 0000:00:03.0 8086 1520 020000 vfio-pci
	ln -s ../0000:00:02.0 "$tree/sys/devices/pci0000:00/0000:00:03.0/physfn"
	diagnose WARN token "it is a VF, and vfio-pci has its PF $bdf: it opens only with the VF token" --root "$tree" 0000:00:03.0
	examine --root "$tree" $bdf
	is "a PF needs none" 0 "$(grep -c '"check":"token"' "$work/doctor.json")"

	put $at/power_state D3cold
	diagnose FAIL answers "without power (D3cold), and it is not asleep" --root "$tree" $bdf
	put $at/power/runtime_status suspended
	diagnose WARN answers "sleeps without power (D3cold): not asked" --root "$tree" $bdf
	put $at/power_state D0
	put $at/power/runtime_status active
	head -c 256 /dev/zero | tr '\0' '\377' >"$tree/$at/config"
	diagnose FAIL answers "its configuration space is all ones" --root "$tree" $bdf
	rm "$tree/$at/config"
	mkfifo "$tree/$at/config"
	diagnose FAIL answers "does not end within 3 s" --root "$tree" $bdf

	# An ISA bridge beside it is not taken from its driver.
	tree_new
	device $bdf 8086 1521 020000 vfio-pci
	device 0000:00:1f.0 8086 2918 060100 lpc_ich
	diagnose FAIL group "not viable, opening its devices fails: lpc_ich has 0000:00:1f.0" --root "$tree" $bdf
	is "no command for a bridge" 0 "$(grep -vc '^#' "$work/fix")"
	diagnose FAIL device "an ISA bridge, with lpc_ich" --root "$tree" 0000:00:1f.0
}

# A graphics card, and who may have its memory.
test_tree_bars() {
	local bdf=0000:00:02.0 at=sys/devices/pci0000:00/0000:00:02.0 name fix
	tree_new
	device $bdf 10de 1b80 030000 vfio-pci
	put $at/resource '0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200
0x00000000e0000000 0x00000000efffffff 0x000000000014220c'
	while read -r name fix; do
		put proc/iomem "80000000-febfffff : PCI Bus 0000:00
  e0000000-efffffff : $bdf
    e0000000-e02fffff : $name
  f6000000-f6ffffff : $bdf
    f6000000-f6ffffff : vfio-pci"
		diagnose FAIL bars "BAR 1, 0xe0000000-0xefffffff, is held by $name: mapping it fails" --root "$tree" $bdf
		grep -q "$fix" "$work/fix"
		ok $? "$name: $fix" -- "$work/fix"
	done <<'TXT'
efifb video=efifb:off
BOOTFB initcall_blacklist=sysfb_init
simplefb initcall_blacklist=sysfb_init
vesafb video=vesafb:off
TXT
	put proc/iomem "80000000-febfffff : PCI Bus 0000:00
  e0000000-efffffff : $bdf
    e0000000-e02fffff : \$(id);x"
	diagnose FAIL bars "is held by" --root "$tree" $bdf
	is "a name that is no module's is in no command" 0 "$(grep -vc '^#' "$work/fix")"
	put $at/resource '0x0000000000000000 0x0000000fffffffff 0x0000000000140204'
	diagnose FAIL bars "BAR 0 (0x1000000000 bytes) got no addresses" --root "$tree" $bdf
	put proc/iomem '00000000-00000000 : PCI Bus 0000:00'
	diagnose n/a bars "needs root" --root "$tree" $bdf
}

test_tree_addresses() {
	local bdf=0000:00:02.0
	tree_new
	device $bdf 8086 1521 020000 vfio-pci
	put sys/class/iommu/dmar0/intel-iommu/cap d2008c222f0686
	put sys/kernel/iommu_groups/7/reserved_regions '0x000000007f000000 0x000000007f0fffff direct
0x00000000fee00000 0x00000000feefffff msi'
	diagnose FAIL addresses "the firmware keeps 0x7f000000-0x7f0fffff for itself (RMRR)" --root "$tree" $bdf
	examine --root "$tree" $bdf -m 1024T
	finds FAIL addresses "(RMRR): such a device cannot be given away, attaching fails; a guest of 1048576.0 GiB needs"
	put sys/kernel/iommu_groups/7/reserved_regions '0x000000007f000000 0x000000007f0fffff direct-relaxable'
	diagnose OK addresses "1 reserved regions" --root "$tree" $bdf
}

test_doctor_trees() {
	local tree=$work/tree
	test_tree_machines
	test_tree_devices
	test_tree_bars
	test_tree_addresses
	rm -rf "$tree"
}
