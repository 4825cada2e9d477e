# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A process that looks like QEMU: its arguments, its memory, its limits.

# pretend ARG ..: a process with these arguments, in $other.
pretend() {
	"${pretend_as[@]}" python3 -c 'import time; time.sleep(60)' "$@" &
	other=$!
	soon yes eval "grep -q time.sleep /proc/$other/cmdline && echo yes"
}

pretend_end() {
	kill "$other"
	wait "$other" 2>/dev/null
}

# What the process says of itself reaches neither a terminal nor a shell.
test_doctor_hostile() {
	local other text pretend_as=()
	pretend -device $'vfio-pci,host=\e]0;owned\a' -device 'vfio-pci,host=../../tmp/x;id;#' \
		-device 'vfio-pci,host=$(id):00.0' -device "vfio-pci,host=$doctor_bdf" -m 64M
	text=$(vfiodoctor -p "$other" 2>&1)
	is "no byte of a terminal's" 0 "$(LC_ALL=C grep -c '[^ -~]' <<<"$text")"
	is "no fix runs what it says" 0 "$(grep -c '^  .*;id' <<<"$text")"
	examine -p "$other"
	finds FAIL arguments "3 vfio-pci in its arguments with what is no PCI address: host="
	is "no command of it" 0 "$(grep -vc '^#' "$work/fix")"
	is "devices that are looked at" 1 "$(grep -c '"check":"device"' "$work/doctor.json")"
	finds OK device "bound to vfio-pci"
	pretend_end
	is "nor in an argument of ours" 2 "$(vfiodoctor -d '0000:00:$(id)' >/dev/null 2>&1; echo $?)"

	pretend -device '{"driver":"vfio-pci","host":"0000:00:11.0"}' -device vfio-pci-nohotplug,id=a,host=00:12.0 \
		-object '{"qom-type":"memory-backend-memfd","id":"m","size":1,"hugetlb":true,"hugetlbsize":2097152}' -m size=48M
	examine -p "$other"
	is "devices as libvirt names them" "0000:00:11.0 0000:00:12.0" \
		"$(echo $(sed -n 's/.*"target":"\([^"]*\)","check":"device".*/\1/p' "$work/doctor.json"))"
	finds FAIL memory "24 more huge pages of 2048 KiB needed, 0 of 0 are free"
	treat
	diagnose OK memory "24 huge pages of 2048 KiB free, 24 more needed" --only memory -p "$other"
	pretend_end
	pretend -mem-path /dev/hugepages -m 50
	diagnose FAIL memory "25 more huge pages of 2048 KiB needed, 24 of 24 are free" --only memory -p "$other"
	pretend_end
	echo 0 >/proc/sys/vm/nr_hugepages
}

test_doctor_memory() {
	local available other pretend_as=() group=/sys/fs/cgroup/doctor
	available=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
	diagnose OK memory "available, " --only memory "$doctor_bdf" -m 23M
	diagnose FAIL memory "GiB more needed, " --only memory "$doctor_bdf" -m $((available / 1024 * 2))M
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || {
		echo "# SKIP: no memory cgroup"
		return
	}
	mkdir -p $group
	echo +memory >$group/cgroup.subtree_control
	mkdir -p $group/box
	echo 97M >$group/memory.max
	pretend -m 60M
	echo $other >$group/box/cgroup.procs
	diagnose OK memory "available, 0.0" --only memory -p "$other"
	pretend_end
	pretend -m 211M
	echo $other >$group/box/cgroup.procs
	diagnose FAIL memory "its memory cgroup /doctor may have 0.09 GiB" --only memory -p "$other"
	treat
	diagnose OK memory "available, 0." --only memory -p "$other"
	pretend_end
	rmdir $group/box $group
}

# QEMU gives each group behind a virtual IOMMU a container of its own.
test_doctor_viommu() {
	local other devices=(-device "vfio-pci,host=$doctor_bdf" -device vfio-pci,host=0000:00:11.0 -m 61M)
	local pretend_as=(prlimit --memlock=$((100 << 20)) setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
	pretend "${devices[@]}"
	diagnose OK memlock "100.0 MiB, 0.0 of it locked, 61.0 more needed" --only memlock -p "$other"
	pretend_end
	pretend -device intel-iommu,intremap=on "${devices[@]}"
	diagnose FAIL memlock "122.0 MiB needed, RLIMIT_MEMLOCK is 100.0" --only memlock -p "$other"
	finds FAIL memlock "for each of 2 groups: it has a virtual IOMMU"
	treat
	diagnose OK memlock "122.0 more needed" --only memlock -p "$other"
	pretend_end
}
