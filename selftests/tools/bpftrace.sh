# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Each script of tools/bt. They are on our trace events.

# What a script on a tracepoint must say after one run of the client.
bt_expected() {
	case $1 in
	attachers) [ "$(grep -c ' tools_workload .* attach  0 ' "$2")" = 1 ] &&
		[ "$(grep -c ' tools_workload .* detach  0 ' "$2")" = 1 ] ;;
	deviceopens) [ "$(grep -c 'tools_workload .* 0000:00:10.0 .*open  0 ' "$2")" = 1 ] &&
		[ "$(grep -c 'tools_workload .* 0000:00:10.0 .*close 0 ' "$2")" = 1 ] ;;
	external) head -1 "$2" | grep -q CALLER || grep -q CALLER "$2" ;;
	grouprefs) grep -q '@held\[[0-9]*, file\]: 0' "$2" && grep -q '@held\[[0-9]*, container\]: 0' "$2" ;;
	longestmap) grep -q ' tools_workload ' "$2" ;;
	mapbytes) [ "$(sed -n 's/^@mapped\[tools_workload\]: //p' "$2" | tail -1)" = $((54 * 4096 + (8 << 20))) ] ;;
	mapfail) [ "$(grep -c ' tools_workload .* map  *-17 ' "$2")" = 7 ] ;;
	maplat) grep -q '^@map_us\[tools_workload\]' "$2" &&
		[ "$(awk '/^\[/ { sub(/\|.*/, ""); s += $NF } END { print s + 0 }' "$2")" = 56 ] ;;
	pins) grep -q 'Counting pins' "$2" ;;
	unmapsize) grep -q '@nothing\[tools_workload\]: 3' "$2" ;;
	*) return 1 ;;
	esac
}

# All scripts listen at once: a bpftrace takes long to start in the VM.
test_bpftrace() {
	[ "$VFIOSCOPE_MODULES" = ours ] || return 0
	local script name pids='' tries
	for script in "$top"/tools/bt/*.bt; do
		name=$(basename "$script" .bt)
		bpftrace "$script" >"$work/$name.out" 2>"$work/$name.err" &
		pids="$pids$! "
	done
	# A script listens once each of its tracepoints has its program.
	local wanted
	wanted=$(cat "$top"/tools/bt/*.bt | grep -c '^tracepoint:')
	for ((tries = 0; tries < 60; tries++)); do
		[ "$(bpftool perf show | grep -c ' tracepoint ')" -ge "$wanted" ] && break
		pause 3
	done
	[ $tries -lt 60 ]
	ok $? "the scripts are listening" "$(bpftool perf show)"
	client_start
	go held
	go busy
	client_end
	pause 2
	# shellcheck disable=SC2086 # a list of pids
	kill -INT $pids
	for script in "$top"/tools/bt/*.bt; do
		name=$(basename "$script" .bt)
		gone 5 "${pids%% *}"
		interrupted 60 "${pids%% *}"
		ok $? "$name.bt ends when it is interrupted" -- "$work/$name.err"
		pids=${pids#* }
		bt_expected "$name" "$work/$name.out"
		ok $? "$name.bt says what the client did" -- "$work/$name.out" "$work/$name.err"
	done
}
