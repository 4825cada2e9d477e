# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfiosnoop's objects and lines of a client whose every call is known, its
# filters, what it says of errors, and what it does when it cannot keep up.

# Starts vfiosnoop; its pid is in $snoop, its output in $work/NAME.
# snoop_start NAME [OPTION ..]
snoop_start() {
	local name=$1
	shift
	vfiosnoop "$@" >"$work/$name" 2>"$work/$name.err" &
	snoop=$!
}

# Waits until it listens to all: it has a link for each program, those on type1
# (ours has 22 programs) a while after the core's.
snoop_listens() {
	local pid=$1 tries links=0 last=-1 still=0 wanted=20
	[ "$VFIOSCOPE_MODULES" = stock ] || wanted=22
	for ((tries = 0; tries < 240; tries++)); do
		links=$(cat /proc/"$pid"/fdinfo/* 2>/dev/null | grep -c '^link_type')
		[ "$links" = "$last" ] && still=$((still + 1)) || still=0
		[ "$links" -ge $wanted ] && [ $still -ge 2 ] && return
		last=$links
		sleep 0.25
	done
	ok 1 "vfiosnoop listens" "$links links; $(cat "$work"/*.err)"
}

snoop_stop() {
	kill -TERM "$1"
	ended 60 "$1"
	is "vfiosnoop ends by SIGTERM" 0 $?
}

# The client from its beginning to its end.
client_run() {
	client_start
	go held
	go busy
	client_end
}

# Another run of it, that fails at its first map too many. The pid is $client.
client_fail() {
	"$@" "$bin/selftests/tools_workload" </dev/null >/dev/null 2>&1 &
	client=$!
	wait $client
	[ $? -ne 0 ]
	ok $? "the client hit its limit"
}

# Python sees the objects of the client in FILE as rows(EVENT), and every one.
# seen FILE EXPRESSION
seen() {
	CLIENT=$client python3 -c '
import json, os, sys
with open(sys.argv[1]) as f:
    every = [json.loads(line) for line in f]
def rows(event=None):
    return [r for r in every if r.get("pid") == int(os.environ["CLIENT"])
            and (not event or r["event"] == "vfio_" + event)]
print(eval(sys.argv[2]))' "$work/$1" "$2" 2>&1 | tail -1
}

# What the client did, by object.
test_vfiosnoop_client() {
	local log=all.json event
	for event in container_open container_release group_open group_release \
		container_attach container_detach container_set_iommu \
		device_open device_close; do
		is "events of $event" 1 "$(seen $log "len(rows('$event'))")"
	done
	is "events of container_users" "[1, 1, -1, -1]" "$(seen $log '[r["delta"] for r in rows("container_users")]')"
	is "users after each" "[1, 2, 1, 0]" "$(seen $log '[r["users"] for r in rows("container_users")]')"
	is "reasons" "['attach', 'device_open', 'device_open', 'attach']" "$(seen $log '[r["reason"] for r in rows("container_users")]')"
	is "driver and type" "('vfio-iommu-type1', 3)" "$(seen $log '[(r["driver"], r["type"]) for r in rows("container_set_iommu")][0]')"
	is "device and its group" "('0000:00:10.0', $group)" "$(seen $log '[(r["device"], r["group"]) for r in rows("device_open")][0]')"
	is "maps that worked" 56 "$(seen $log 'sum(r["ret"] == 0 for r in rows("dma_map"))')"
	is "maps that failed, all by EEXIST" "[-17, -17, -17, -17, -17, -17, -17]" "$(seen $log '[r["ret"] for r in rows("dma_map") if r["ret"]]')"
	is "the small maps' iova" True "$(seen $log '[r["iova"] for r in rows("dma_map") if r["size"] == 4096 and not r["ret"]] == [i * 8192 for i in range(54)]')"
	is "the large maps" "[(0x40000000, 0x200000), (0x40200000, 0x600000)]" "$(seen $log '"[" + ", ".join("(%s, %s)" % (hex(r["iova"]), hex(r["size"])) for r in rows("dma_map") if r["size"] > 4096) + "]"')"
	is "pages of the maps" $((54 + 4 * 512)) "$(seen $log 'sum(r["pages"] for r in rows("dma_map"))')"
	is "each took some time" True "$(seen $log 'all(r["duration_ns"] > 0 for r in rows("dma_map") + rows("dma_unmap"))')"
	is "the protection" "{3}" "$(seen $log '{r["prot"] for r in rows("dma_map")}')"
	is "the vaddr is the client's" True "$(seen $log 'len({r["vaddr"] - r["iova"] // 2 for r in rows("dma_map") if r["size"] == 4096 and not r["ret"]}) == 1')"
	is "unmaps, and what they unmapped" "[4096, 0]" "$(seen $log '[r["unmapped"] for r in rows("dma_unmap")][16:18]')"
	is "unmaps" 20 "$(seen $log 'len(rows("dma_unmap"))')"
	is "unmaps of nothing are marked" "$(printf '%s' '[(2147483648, 0)] 3')" "$(seen $log '"%s %d" % (sorted({(r["iova"], r["ret"]) for r in rows("dma_unmap") if "unmapped nothing" in r.get("explanation", "")}), sum("explanation" in r for r in rows("dma_unmap")))')"
	is "a failed map names what it overlaps" "EEXIST: overlaps 0x2000-0x2fff mapped by tools_workload/$client" "$(seen $log '[r["explanation"] for r in rows("dma_map") if r["ret"]][1]' | sed 's/ [0-9.]* s ago//')"
	is "none was lost" 0 "$(seen $log 'sum("lost" in r for r in every)')"
	is "one container" 1 "$(seen $log 'len({r["container"] for r in rows() if "container" in r})')"
	if [ "$VFIOSCOPE_MODULES" = ours ]; then
		is "references of the group" 2 "$(seen $log 'len(rows("group_get"))')"
		is "runs are told" True "$(seen $log 'all("runs" in r for r in rows("dma_map"))')"
	else
		is "what stock does not know is absent" "[]" "$(seen $log '[r for r in rows() if {"runs", "pin_ns", "iommu_ns", "unpin_ns", "refs"} & set(r)]')"
	fi
}

# Limits: each error in words.
test_vfiosnoop_limits() {
	local limit=/sys/module/vfio_iommu_type1/parameters/dma_entry_limit
	client_fail prlimit --memlock=65536 setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock
	memlock_client=$client
	echo 11 >$limit
	client_fail env
	echo 65535 >$limit
	entry_client=$client
}

test_vfiosnoop_explained() {
	client=$memlock_client
	is "ENOMEM in words" "ENOMEM: 1 pages wanted, 0 left under RLIMIT_MEMLOCK" "$(seen all.json '[r["explanation"] for r in rows("dma_map") if r["ret"]][0]')"
	is "after so many maps" 16 "$(seen all.json 'sum(r["ret"] == 0 for r in rows("dma_map"))')"
	[ "$VFIOSCOPE_MODULES" = stock ] ||
		is "the refused charge" "[(1, 16, 16)]" "$(seen all.json '[(r["pages"], r["locked"], r["limit"]) for r in rows("locked_vm")]')"
	client=$entry_client
	is "ENOSPC in words" "ENOSPC: 11 of 11 mappings used (dma_entry_limit)" "$(seen all.json '[r["explanation"] for r in rows("dma_map") if r["ret"]][0]')"
}

# The filters, and a reader that sleeps; all watch one run of the client.
test_vfiosnoop_filters() {
	local pids='' before failed few slow total
	total=$(seen all.json 'len(rows())')
	before=$(programs)
	snoop_start failed.txt -x
	failed=$snoop
	snoop_start few.json -j -e vfio_dma_unmap -e device -m 0.000001
	few=$snoop
	snoop_start slow.json -j --buffer 4
	slow=$snoop
	pids="$failed $few $slow"
	for snoop in $pids; do snoop_listens "$snoop"; done
	kill -STOP "$slow"
	client_run
	kill -CONT "$slow"
	snoop_stop "$failed"
	snoop_stop "$slow"
	is "-x: lines of what failed" 7 "$(grep -c 'dma_map .* -17$' "$work/failed.txt")"
	is "-x: each with its reason" 7 "$(grep -c '^    `- EEXIST: overlaps 0x[0-9a-f]*-0x[0-9a-f]* mapped [0-9.]* s ago by tools_workload/' "$work/failed.txt")"
	is "-x: and the header" 15 "$(wc -l <"$work/failed.txt")"
	is "lines keep to 80 columns" 0 "$(awk 'length > 80' "$work/failed.txt" | wc -l)"
	is "-e: the events" "['vfio_device_close', 'vfio_device_open', 'vfio_dma_unmap']" "$(seen few.json 'sorted({r["event"] for r in every} | {"vfio_device_close"})')"
	is "-e: how many unmaps" 20 "$(seen few.json 'len(rows("dma_unmap"))')"
	is "lost and seen are all" "$total" "$(seen slow.json 'len(rows()) + sum(r.get("lost", 0) for r in every)')"
	is "some were lost" True "$(seen slow.json 'any(r["event"] == "lost" for r in every)')"
	grep -q 'events were lost: the buffer was full' "$work/slow.json.err"
	ok $? "and it was said at the end" "$(cat "$work/slow.json.err")"
	kill -KILL "$few"
	ended 30 "$few"
	sleep 1
	is "killed, it leaves no program" "$before" "$(programs)"
}

test_vfiosnoop_usage() {
	is "an unknown event is a usage error" 2 "$(vfiosnoop -e no_such >/dev/null 2>&1; echo $?)"
	vfiosnoop | head -1 >/dev/null
	is "a closed pipe ends it quietly" 0 "${PIPESTATUS[0]}"
}

test_vfiosnoop() {
	local group memlock_client entry_client
	group=$(basename "$(realpath /sys/bus/pci/devices/0000:00:10.0/iommu_group)")
	snoop_start all.json --json
	snoop_listens "$snoop"
	client_run
	local whole=$client
	test_vfiosnoop_limits
	snoop_stop "$snoop"
	client=$whole
	test_vfiosnoop_client
	test_vfiosnoop_explained
	client=$whole
	test_vfiosnoop_filters
	test_vfiosnoop_usage
}
