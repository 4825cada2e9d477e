# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfiofaults with a device that reaches where it may not (faults.c).

faults_prelude='
with open(name) as f:
    all = [r for r in map(json.loads, f) if r.get("device") == "0000:00:10.0"]
def of(verdict):
    return [r for r in all if r["verdict"] == verdict]'

# An expression sees the rows of the device as all, and of(VERDICT).
faults_json() {
	ask "$faults_prelude" "$@"
}

# Until the log of the tool says so much of a kind.
faults_wait() {
	local tries
	for ((tries = 0; tries < 120; tries++)); do
		[ "$(faults_json "$work/faults.json" "sum(r['count'] for r in of('$1'))")" -ge "$2" ] 2>/dev/null && return
		pause 0.5
	done
}

# Of the device, by the kernel's log.
faults_logged() {
	dmesg | grep -c 'DMAR: \[DMA.*00:10.0'
}

# Those that the kernel has logged after the first so many, and the tool has not
# told.
faults_missing() {
	local told
	told=$(faults_json "$work/faults.json" 'sum(r["count"] for r in all)')
	[[ $told =~ ^[0-9]+$ ]] && echo $(($(faults_logged) - $1 - told))
}

# Until the kernel has logged the last, and the tool has counted all after the
# first so many.
faults_settle() {
	local last=-1 now tries
	for ((tries = 0; tries < 20; tries++)); do
		now=$(faults_logged)
		[ "$now" != "$last" ] || break
		last=$now
		pause 1
	done
	soon 0 faults_missing "$1"
}

# clock_pace TICK: how long CLOCK_MONOTONIC takes a tick to be, 10000 us as it is; the
# clock of the kernel's log goes its own way.
clock_pace() {
	python3 -c 'import ctypes, struct, sys
timex = bytearray(208)
struct.pack_into("<I", timex, 0, 0x4000)  # ADJ_TICK
struct.pack_into("<q", timex, 88, int(sys.argv[1]))
got = ctypes.CDLL(None).adjtimex((ctypes.c_char * 208).from_buffer(timex))
sys.exit(got < 0)' "$1"
}

test_vfiofaults() {
	clock_pace 11000
	ok $? "the clocks go apart, a second in ten"
	pause 15
	test_vfiofaults_verdicts
	clock_pace 10000
	ok $? "and no more"
}

test_vfiofaults_verdicts() {
	local log=$work/faults.json group pid phase began took last
	group=$(basename "$(realpath /sys/bus/pci/devices/0000:00:10.0/iommu_group)")
	client_start faults
	go held
	# The log is full of faults from before; only new ones count.
	vfiofaults --json 0.5 >"$log" 2>"$work/faults.err" &
	pid=$!
	vfiofaults 0.5 >"$work/faults.txt" 2>&1 &
	local text=$!
	last=tp__type1__dma_unmap
	[ "$VFIOSCOPE_MODULES" = ours ] || last=st__vfio__container_ioctl_end
	listening $last 2
	ok $? "they listen" "$(cat "$work/faults.err" "$work/faults.txt"; bpftool prog show)"
	local before
	before=$(faults_logged)
	for phase in "never not_mapped 1" "read_only read_only 1" "unmapped unmapped 1" "flood not_mapped 2"; do
		# shellcheck disable=SC2086 # words
		set -- $phase
		# The kernel logs ten lines in five seconds, two a fault.
		[ "$1" != flood ] || pause 6
		began=$(date +%s%N)
		go "$1"
		[ "$1" != unmapped ] || took=$(($(date +%s%N) - began))
		faults_wait "$2" "$3"
	done
	faults_settle "$before"
	kill -INT $pid $text
	ended 60 $pid
	is "it ends with 1: there were faults" 1 $?
	ended 60 $text
	# An IOMMU merges faults that come while one is not handled; what was logged
	# must be counted.
	is "as many as were logged" "$(($(faults_logged) - before))" "$(faults_json "$log" 'sum(r["count"] for r in all)')"
	is "never mapped: of the flood as well" True "$(faults_json "$log" 'sum(r["count"] for r in of("not_mapped")) >= 2')"
	is "for reading only" 1 "$(faults_json "$log" 'sum(r["count"] for r in of("read_only"))')"
	is "unmapped before" 1 "$(faults_json "$log" 'sum(r["count"] for r in of("unmapped"))')"
	is "the address of what was unmapped" $((0x20000000)) "$(faults_json "$log" 'of("unmapped")[0]["iova"]')"
	is "the address that is for reading only" $((0x20001000)) "$(faults_json "$log" 'of("read_only")[0]["iova"]')"
	is "the flood's addresses are among those" True "$(faults_json "$log" '0x30200000 <= max(r["last_iova"] for r in of("not_mapped")) <= 0x30e00000')"
	is "who unmapped it" "$client" "$(faults_json "$log" 'of("unmapped")[0]["unmapped_by"]["pid"]')"
	is "when: less than a second before, but for what the client took" True "$(faults_json "$log" "0 <= of('unmapped')[0]['unmapped_by']['ago_ns'] < 1e9 + $took")"
	is "every fault is a write, of this group and client" "{('write', $group, $client)}" "$(faults_json "$log" '{(r["op"], r["group"], r["pid"]) for r in all}')"
	grep -q "unmapped .* s before by tools_faults/$client" "$work/faults.txt"
	ok $? "the text says who unmapped it" -- "$work/faults.txt"
	is "the text keeps to 80 columns" 0 "$(awk 'length > 80' "$work/faults.txt" | wc -l)"
	vfiofaults -a --json 1 1 >"$work/faults.all" 2>&1
	is "-a finds them in the log" 1 "$(faults_json "$work/faults.all" 'int(sum(r["count"] for r in all) >= 4)')"
	client_end
	vfiofaults 1 1 >"$work/faults.txt" 2>&1
	is "without faults it exits" 0 $?
}
