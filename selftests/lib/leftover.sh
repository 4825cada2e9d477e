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
refs=$(cat /sys/module/vfio_iommu_type1/refcnt 2>/dev/null || echo 0)
[ "$refs" = "${LEFTOVER_REFS:-0}" ] || complain "vfio_iommu_type1 is held $refs times"
for driver in /sys/bus/platform/drivers/vfio_testdev/*/iommu_group; do
	[ ! -e "$driver" ] || complain "test device $(basename "$(dirname "$driver")")"
done
left=$(pgrep -af "^$(dirname "$1")/")
[ -z "$left" ] || complain "processes: $left"
if dmesg | grep -Eq 'BUG:|WARNING:|Oops|general protection|refcount_t:|blocked for more'; then
	complain "the kernel complained:"
	dmesg | grep -E -A25 'BUG:|WARNING:|Oops|general protection|refcount_t:|blocked for more' | head -60 | sed 's/^/# /'
	dmesg -C
fi
exit $fail
