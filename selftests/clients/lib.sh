# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the client tests share: TAP, binding a device to vfio-pci, and the three
# questions asked when a client is gone: can its groups be opened again, is
# every pinned page given back, do the modules unload?
#
# Sourced by a test that runs as root in the VM. A check runs a command; its
# output is shown only when the command's answer is not the wanted one.

# shellcheck source=selftests/lib/wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/wait.sh"

EDU=0000:00:10.0
NIC=0000:00:11.0
NVME=0000:00:12.0
work=$(mktemp -d /tmp/client-XXXXXX)
tests=0 failures=0

# check DESCRIPTION COMMAND ..: ok if the command succeeds.
check() {
	local description=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$work/check.log" 2>&1; then
		echo "ok $tests - $description"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $tests - $description"
	sed 's/^/#   /' "$work/check.log" | tail -20
	return 1
}

# A check must be able to fail: `check .. refused WORDS COMMAND ..` wants the
# command to fail with those words, not for a reason of its own.
refused() {
	local words=$1 text
	shift
	text=$("$@" 2>&1) && return 1
	echo "$text"
	grep -qiE "$words" <<<"$text"
}

# finish [REASON]: everything that a test does stands between its first line and
# this one; the reason why the client itself cannot be tested here.
finish() {
	rm -rf "$work"
	echo "1..$tests${1:+ # SKIP $1}"
	exit $((failures != 0))
}

# wait_for SECONDS COMMAND ..: until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		pause 0.5
	done
}

group_of() {
	basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")"
}

driver_of() {
	basename "$(readlink "/sys/bus/pci/devices/$1/driver")"
}

# bind BDF DRIVER: takes the device from whoever has it. An empty DRIVER leaves
# it without one.
bind() {
	local device=/sys/bus/pci/devices/$1
	[ ! -e "$device/driver" ] || echo "$1" >"$device/driver/unbind"
	echo "$2" >"$device/driver_override"
	[ -n "$2" ] || return 0
	modprobe "$2" && echo "$1" >/sys/bus/pci/drivers_probe
	[ "$(driver_of "$1")" = "$2" ]
}

# bind_vfio BDF: and the group's file is there.
bind_vfio() {
	bind "$1" vfio-pci && wait_for 5 test -c "/dev/vfio/$(group_of "$1")"
}

nvme_kernel() {
	bind "$NVME" nvme && wait_for 10 test -b /dev/nvme0n1
}

# nvme_prepare: the disk to vfio-pci, ready for one session of QEMU's driver.
#
# That driver enables the controller first and MSI-X after it. QEMU's emulated
# disk (7.2) raises an MSI-X vector only if MSI-X was on when a queue began to
# use it, so the interrupts of the first commands are lost, and the driver
# waits for ever unless it happens to see the answer at once: with stock vfio
# too. The kernel's driver leaves its use of the vector behind, and a session
# ends by giving one up: so one turn of the kernel's driver, one session.
nvme_prepare() {
	nvme_kernel && bind_vfio "$NVME"
}

open_group() {
	# shellcheck disable=SC2188 # to open it is all that is wanted
	(exec 9<>"/dev/vfio/$1")
}

# A group may be open once: so the second open must fail, or the first one
# said nothing.
group_is_free() {
	open_group "$1" || return 1
	(exec 9<>"/dev/vfio/$1" && refused busy open_group "$1")
}

# The counters lie in per-CPU parts until they are folded together.
pins_balanced() {
	cat /proc/sys/vm/stat_refresh
	awk '/^nr_foll_pin_/ { print; n[$1] = $2 }
	     END { exit n["nr_foll_pin_acquired"] != n["nr_foll_pin_released"] }' \
		/proc/vmstat
}

unload_vfio() {
	modprobe -r vfio_pci && modprobe -r vfio_iommu_type1 && modprobe -r vfio &&
		! lsmod | grep -E '^(vfio|vfio_pci|vfio_pci_core|vfio_iommu_type1) '
}

# Whether the modules in use are those that the VM was told to take.
modules_as_asked() {
	local where=kernel
	[ "$VFIOSCOPE_MODULES" = stock ] || where=updates
	modinfo -n vfio vfio_iommu_type1 | tee /dev/stderr |
		grep -c "/$where/" | grep -qx 2
}

# nothing_left BDF: three checks; the device has no driver afterwards.
nothing_left() {
	check "group $(group_of "$1") can be opened again" \
		group_is_free "$(group_of "$1")"
	check "every pinned page was given back" pins_balanced
	bind "$1" ''
	check "the modules unload" unload_vfio
}
