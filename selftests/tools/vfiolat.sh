# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfiolat's counts against the client's, however they are split, and its verdict
# on a map of memory that nobody has touched.

# The type1 module's last program, of either source.
lat_start() {
	local log=$1
	shift
	vfiolat --json "$@" >"$log" 2>"$work/lat.err" &
	lat=$!
	listening "$lat_last"
	ok $? "vfiolat $* listens" "$(cat "$work/lat.err"; bpftool prog show)"
}

lat_stop() {
	interrupted 60 "$lat"
	is "vfiolat ends when it is interrupted" 0 $?
}

# of OP: the histograms of this operation.
lat_of() {
	echo "[r for r in rows(name) if r.get('op') == '$1']"
}

lat_sane='[r for r in rows(name) if "op" in r and not
	(sum(b["count"] for b in r["buckets"]) == r["count"] and
	(r["count"] == 0 or [r[k + u] for u in ["_ns" if "sum_ns" in r else "_bytes"]
	for k in ["p50", "p99", "max"]] == sorted(r[k + u] for u in ["_ns" if "sum_ns" in r else "_bytes"]
	for k in ["p50", "p99", "max"])))]'

test_vfiolat_counts() {
	local log=$work/lat.json
	lat_start "$log"
	client_start
	go held
	go busy
	client_end
	lat_stop
	is "maps" "[(56, 7)]" "$(json "$log" "[(r['count'], r['failed']) for r in $(lat_of map)]")"
	is "unmaps" "[(20, 0)]" "$(json "$log" "[(r['count'], r['failed']) for r in $(lat_of unmap)]")"
	is "attachments" "[1]" "$(json "$log" "[r['count'] for r in $(lat_of attach)]")"
	is "opened devices" "[1]" "$(json "$log" "[r['count'] for r in $(lat_of open)]")"
	is "pins of maps" "[56]" "$(json "$log" "[r['count'] for r in $(lat_of pin)]")"
	is "IOMMU parts of maps" "[56]" "$(json "$log" "[r['count'] for r in $(lat_of iommu)]")"
	is "waits of maps" "[56]" "$(json "$log" "[r['count'] for r in $(lat_of lock)]")"
	# 4 KiB are one run; of the large ones some are 2 MiB, if THP has them.
	is "run lengths" True "$(json "$log" "[(r['count'], r['buckets'][0]['le_bytes'], r['buckets'][0]['count'] >= 54) for r in $(lat_of run)] == [(56, 8191, True)]")"
	is "parts do not exceed the whole" True "$(json "$log" "sum(sum(r['sum_ns'] for r in rows(name) if r.get('op') == op) for op in ('pin', 'iommu', 'lock')) <= sum(r['sum_ns'] for r in $(lat_of map))")"
	is "buckets add up, percentiles are in order" "[]" "$(json "$log" "$lat_sane")"
	is "nothing was lost" 0 "$(json "$log" 'max(r["lost"] for r in rows(name))')"
	is "one verdict" True "$(json "$log" '[("56 maps" in r["verdict"], r["count"]) for r in rows(name) if "verdict" in r] == [(True, 56)]')"
	if [ "$VFIOSCOPE_MODULES" = stock ]; then
		is "no parts of unmaps on stock" "[]" "$(json "$log" "$(lat_of unpin)")"
	else
		is "parts of unmaps" "[17]" "$(json "$log" "[r['count'] for r in $(lat_of unpin)]")"
	fi
}

test_vfiolat_split() {
	local by log group pids=''
	group=$(basename "$(realpath /sys/bus/pci/devices/0000:00:10.0/iommu_group)")
	for by in container pid group size; do
		vfiolat --json --by $by >"$work/lat.$by" 2>>"$work/lat.err" &
		pids="$pids$! "
	done
	vfiolat -T -u us -o map >"$work/lat.txt" 2>>"$work/lat.err" &
	pids="$pids$! "
	vfiolat --json -p 1 >"$work/lat.other" 2>>"$work/lat.err" &
	pids="$pids$!"
	listening "$lat_last" 6
	ok $? "they all listen" -- "$work/lat.err"
	client_start
	go held
	go busy
	local container
	container=$(vfiotop --json -1 2>/dev/null | sed -n 's/.*"container":\([0-9]*\).*/\1/p')
	client_end
	for pid in $pids; do
		interrupted 60 "$pid"
		ok $? "vfiolat ends well" -- "$work/lat.err"
	done
	log=$work/lat.size
	# 54 of 4 KiB, one of 2 MiB and one of 6 MiB.
	is "maps by size" "[(4096, 54, 7), (2097152, 1, 0), (4194304, 1, 0)]" "$(json "$log" "[(r['key'], r['count'], r['failed']) for r in $(lat_of map)]")"
	is "unmaps by size" "[(4096, 20)]" "$(json "$log" "[(r['key'], r['count']) for r in $(lat_of unmap)]")"
	is "an open has no size" "[(None, 1)]" "$(json "$log" "[(r['key'], r['count']) for r in $(lat_of open)]")"
	log=$work/lat.pid
	is "maps by process" "[($client, 56, 'tools_workload')]" "$(json "$log" "[(r['key'], r['count'], r['comm']) for r in $(lat_of map)]")"
	log=$work/lat.container
	is "maps by container" "[($container, 56)]" "$(json "$log" "[(r['key'], r['count']) for r in $(lat_of map)]")"
	is "opens by container" "[($container, 1)]" "$(json "$log" "[(r['key'], r['count']) for r in $(lat_of open)]")"
	log=$work/lat.group
	is "maps by group" "[($group, 56)]" "$(json "$log" "[(r['key'], r['count']) for r in $(lat_of map)]")"
	is "opens by group" "[($group, 1)]" "$(json "$log" "[(r['key'], r['count']) for r in $(lat_of open)]")"
	is "nothing of another process" "['no maps']" "$(json "$work/lat.other" '[r["verdict"] for r in rows(name)] + [r["op"] for r in rows(name) if "op" in r]')"
	grep -q '^count 56, 7 failed; usecs: sum ' "$work/lat.txt"
	ok $? "the text has the counts" -- "$work/lat.txt"
	! grep -q '^unmap' "$work/lat.txt"
	ok $? "-o leaves out the others" -- "$work/lat.txt"
	grep -q '^of .*s in 56 maps: [0-9]* % ' "$work/lat.txt"
	ok $? "the text ends with a verdict" -- "$work/lat.txt"
	is "it keeps to 80 columns, but for the verdict" 0 "$(grep -v '^of ' "$work/lat.txt" | awk 'length > 80' | wc -l)"
	no_program_left "they leave no program"
}

test_vfiolat_backing() {
	local log=$work/lat.json
	echo 8 >/proc/sys/vm/nr_hugepages
	lat_start "$log" --by backing
	client_start backings kinds
	go held
	client_end
	lat_stop
	echo 0 >/proc/sys/vm/nr_hugepages
	# By the area that memory is in: private copies of a file count as the file.
	is "maps by backing" "[('anon', 3), ('hugetlb', 2), ('shmem', 2), ('file', 2), ('device', 1)]" "$(json "$log" "[(r['key'], r['count']) for r in $(lat_of map)]")"
}

test_vfiolat_cold() {
	local log=$work/lat.json
	lat_start "$log" 1
	client_start coldmap 512
	local said
	read -r -t 120 said <&8
	read -r -t 120 said <&8
	is "the client mapped" mapped "${said% *}"
	# The interval with the map is over.
	soon 1 json "$log" "sum(r['count'] for r in $(lat_of map))"
	client_end eof
	lat_stop
	is "a cold map is faulting or pinning" True "$(json "$log" '[r["largest"] in ("fault", "pin") for r in rows(name) if "verdict" in r and r["count"]] == [True]')"
	is "which is most of it" True "$(json "$log" '[((r["fault_ns"] or 0) + r["pin_ns"]) / r["sum_ns"] > 0.6 for r in rows(name) if "verdict" in r and r["count"]] == [True]')"
	is "samples tell faulting from pinning" True "$(json "$log" '[r["samples"] > 0 and r["fault_ns"] > r["pin_ns"] for r in rows(name) if "verdict" in r and r["count"]] == [True]')"
	is "an interval that is over is not told again" 1 "$(json "$log" "sum(r['count'] for r in $(lat_of map))")"
	json "$log" '[r["verdict"] for r in rows(name) if "verdict" in r and r["count"]]' | sed 's/^/# /'
}

test_vfiolat() {
	local lat lat_last='tp__type1__dma_map\>'
	[ "$VFIOSCOPE_MODULES" = ours ] || lat_last=st__type1__run_e
	modprobe vfio_iommu_type1
	test_vfiolat_counts
	test_vfiolat_split
	test_vfiolat_backing
	test_vfiolat_cold
	is "an operation that is not known is a usage error" 2 "$(vfiolat -o nothing >/dev/null 2>&1; echo $?)"
}
