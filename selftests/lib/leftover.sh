#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# leftover.sh PROGRAM: is the machine as if no test had run? Groups can be
# opened, no page is pinned (PROGRAM looks), no backend is held (more than
# LEFTOVER_REFS times), no device of a test is there, and the kernel has not
# complained.

fail=0
complain() {
	echo "# left: $*"
	fail=1
}

"$1" || fail=1
refs=0
read -r refs 2>/dev/null </sys/module/vfio_iommu_type1/refcnt
[ "$refs" = "${LEFTOVER_REFS:-0}" ] || complain "vfio_iommu_type1 is held $refs times"
for group in /sys/bus/platform/drivers/vfio_testdev/*/iommu_group; do
	[ ! -e "$group" ] || complain "test device ${group%/iommu_group}"
done
for process in /proc/[0-9]*; do
	command=''
	IFS= read -rd '' command 2>/dev/null <"$process/cmdline"
	[[ $command != "${1%/*}"/* ]] || complain "process ${process##*/}: $command"
done
said=$(dmesg | grep -E -A25 'BUG:|WARNING:|Oops|general protection|refcount_t:|blocked for more')
if [ -n "$said" ]; then
	complain "the kernel complained:"
	head -60 <<<"$said" | sed 's/^/# /'
	dmesg -C
fi
exit $fail
