# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the client tests share: TAP, binding a device to vfio-pci, what a VM holds,
# and the three questions asked when a client is gone: can its groups be opened
# again, is every pinned page given back, do the modules unload?
#
# Sourced by a test that runs as root in the VM. A check runs a command; its
# output is shown only when the command's answer is not the wanted one.

# shellcheck source=selftests/lib/wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/wait.sh"

clients=$(realpath "$(dirname "${BASH_SOURCE[0]}")")

EDU=0000:00:10.0
NIC=0000:00:11.0
NIC2=0000:00:13.0
NVME=0000:00:12.0
# An edu too; two functions of a slot that can be taken away, in one group.
HOT=0000:01:00.0
HOT2=0000:01:00.1
pages_file=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
work=$(mktemp -d /tmp/client-XXXXXX)
tests=0 failures=0

# check DESCRIPTION COMMAND ..: ok if the command succeeds. Its lines that begin with
# "# " are shown always.
check() {
	local description=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$work/check.log" 2>&1; then
		grep '^# ' "$work/check.log"
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

guest_speaks_or_ended() {
	grep -q 'NESTED up' "$2/console" || ! kill -0 "$1"
}

# guest_up VARIABLE DIR START ..: soon a guest's init says that it is up. START
# starts it, if there is no pid yet in VARIABLE, and puts it there; its console and
# what QEMU said are in DIR. One more attempt is made if the guest was reset before
# its first word, and QEMU ended well: the emulated machine does that now and then.
guest_up() {
	local -n pid=$1
	local dir=$2
	shift 2
	for _ in 1 2; do
		[ -n "$pid" ] || "$@"
		wait_for 400 guest_speaks_or_ended "$pid" "$dir"
		grep -q 'NESTED up' "$dir/console" && return
		tail -n 20 "$dir/console" "$dir/qemu"
		! kill -0 "$pid" && wait "$pid" && [ ! -s "$dir/console" ] || return
		echo "# $dir: the guest was reset before its first word"
		pid=
	done
	return 1
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
	bind "$1" vfio-pci && wait_for 60 test -c "/dev/vfio/$(group_of "$1")"
}

# bind_hot: the slot's functions share a group, so both.
bind_hot() {
	bind_vfio "$HOT" && bind_vfio "$HOT2"
}

# The kernel gives as many as it can.
reserve_hugepages() {
	echo "$1" >$pages_file
	[ "$(cat $pages_file)" -eq "$1" ]
}

hugepages_free() {
	[ "$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)" -eq "$1" ]
}

# kvm_ready: KVM, and its first VM, which must be made in peace: see there.
kvm_ready() {
	[ -e /run/kvm-holder ] || "$clients/../vm/kvm-holder" start && modprobe kvm_amd
}

# nested_said DIR WORDS: the guest whose console is in DIR did.
nested_said() {
	grep -qE "NESTED $2" "$1/console" || {
		tail -20 "$1/console"
		false
	}
}

# nested_used DIR: it saw the device, and what the device computed is right.
nested_used() {
	nested_said "$1" 'device .* 1234:11e8' && nested_said "$1" 'id 0x010000ED' &&
		nested_said "$1" 'inverse 0xEDCBA987' && nested_said "$1" 'factorial 5040'
}

# held_by_vm BDF PID: vfioholders finds QEMU's three files, the BAR it has mapped,
# its VM, and nobody else, and accounts for every user.
held_by_vm() {
	"$VFIOSCOPE_BUILD/bin/vfioholders" --json "$1" >"$work/holders.json" &&
		cat "$work/holders.json" && kill -0 "$2" &&
		python3 - "$work/holders.json" "$2" <<-'PY'
			import json, sys
			group = json.load(open(sys.argv[1]))
			seen = sorted((h["kind"], h["what"], h["pid"]) for h in group["holders"])
			qemu = int(sys.argv[2])
			assert seen == sorted([("process", "container", qemu), ("process", "group", qemu),
			    ("process", "device", qemu), ("mmap", "device", qemu), ("kvm", "kvm_vfio", qemu)]), seen
			assert group["unaccounted"] == 0 and group["container_users"] == 2, group
		PY
}

# pinned_for_vm PID BACKING: a VM's 256 MiB are mapped and pinned, and are of that
# kind. Its firmware and its devices' BARs are not.
pinned_for_vm() {
	"$VFIOSCOPE_BUILD/bin/vfiomaps" --json -p "$1" >"$work/maps.json" &&
		cat "$work/maps.json" && python3 - "$work/maps.json" "$2" <<-'PY'
			import json, sys
			rows = [r for r in map(json.loads, open(sys.argv[1])) if "ledger" not in r]
			ram = sum(r["size"] for r in rows if r["pinned"] and r["backing"] == sys.argv[2])
			assert ram == 256 << 20, ram
		PY
}

nvme_kernel() {
	bind "$NVME" nvme && wait_for 60 test -b /dev/nvme0n1
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

# nvme_bench REQUESTS [OPTION ..]: a session of as many 64 KiB, eight at a time.
nvme_bench() {
	local requests=$1
	shift
	nvme_prepare && timeout 200 qemu-img bench -f raw -c "$requests" -s 64k -d 8 "$@" \
		"nvme://$NVME/1"
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

# nothing_left BDF ..: checks; the devices have no driver afterwards.
nothing_left() {
	local device
	for device; do
		check "group $(group_of "$device") can be opened again" \
			group_is_free "$(group_of "$device")"
	done
	check "every pinned page was given back" pins_balanced
	for device; do
		bind "$device" ''
	done
	check "the modules unload" unload_vfio
}
