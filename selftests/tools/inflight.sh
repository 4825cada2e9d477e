# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfiotop and what takes long: a map that began before it, an unmap, and a client's
# end by SIGKILL. For vm/run --slow alone: where an instruction does not always take
# the same time there is no pace by which to tell the time left.

test_inflight() {
	counted "the story of a large map was told to its end" \
		python3 "$here/inflight.py" "$bin/selftests/tools_coldmap" 3072
}
