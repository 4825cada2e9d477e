# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfiotop's rows in JSON and as text, its screen in a terminal, and what it
# leaves behind when it is killed.

test_vfiotop_rows() {
	local log=$work/top.json group
	group=$(basename "$(realpath /sys/bus/pci/devices/0000:00:10.0/iommu_group)")
	client_start
	go held
	# What was there before it started, from the snapshot alone.
	vfiotop --json -1 >"$log" 2>"$work/top.err"
	is "vfiotop -1 exits" 0 $?
	is "snapshot: comm" tools_workload "$(json "$log" 'mine(name)["comm"]')"
	is "snapshot: groups" "[$group]" "$(json "$log" 'mine(name)["groups"]')"
	is "snapshot: devices" "['0000:00:10.0']" "$(json "$log" 'mine(name)["devices"]')"
	is "snapshot: users" 2 "$(json "$log" 'mine(name)["users"]')"
	is "snapshot: maps" 24 "$(json "$log" 'mine(name)["maps"]')"
	is "snapshot: pinned bytes" $((23 * 4096 + (2 << 20))) "$(json "$log" 'mine(name)["pinned_bytes"]')"

	rm "$log"
	vfiotop --json --drill 1 >"$log" 2>"$work/top.err" &
	local pid=$! rows tries
	listening "$last"
	ok $? "vfiotop listens" "$(cat "$work/top.err"; bpftool prog show)"
	go busy
	# One row may have been on its way; the next one begins after it.
	rows=$(wc -l <"$log")
	for ((tries = 0; tries < 300; tries++)); do
		[ "$(wc -l <"$log")" -ge $((rows + 2)) ] && break
		pause 0.2
	done
	interrupted 60 $pid
	is "vfiotop ends when it is interrupted" 0 $?
	is "events: maps" 39 "$(json "$log" 'mine(name)["maps"]')"
	is "events: pinned bytes" $((37 * 4096 + (8 << 20))) "$(json "$log" 'mine(name)["pinned_bytes"]')"
	is "events: errors" 7 "$(json "$log" 'mine(name)["errors"]')"
	is "events: none lost" 0 "$(json "$log" 'mine(name)["lost"]')"
	is "every key of the contract" "[]" "$(json "$log" '[k for k in "container pid comm vm groups devices users kvm maps dma_entry_limit pinned_bytes memlock_limit map_rate map_bytes_rate unmap_rate map_p50_ns map_p99_ns map_max_ns errors lost inflight".split() if k not in mine(name)]')"
	drill_is "$log"
	is "a latency was measured" True "$(json "$log" 'max(r["map_max_ns"] or 0 for r in all_mine(name)) > 1000')"

	exec 9<>/dev/vfio/vfio
	vfiotop -b 0.2 2 >"$work/top.wide" 2>"$work/top.err" &
	pid=$!
	vfiotop -C -D -c "$(json "$log" 'mine(name)["container"]')" 0.2 2 >"$work/top.txt" 2>&1
	exec 9<&-
	grep -q tools_wor "$work/top.txt"
	ok $? "vfiotop -C has the client's row" -- "$work/top.txt"
	ended 60 $pid
	ok $? "vfiotop -b runs" -- "$work/top.err"
	grep -q tools_wor "$work/top.wide"
	ok $? "vfiotop -b has the client's row" -- "$work/top.wide"
	is "vfiotop -C keeps to 80 columns" 0 "$(awk 'length > 80 && !/attaching to/' "$work/top.txt" | wc -l)"
	is "-c shows it alone" 2 "$(grep -c '^1 of 2 containers' "$work/top.txt")"
	is "-D shows its mappings by size" 2 "$(grep -c '^by size, bytes: 4K+: 37, 2M+: 1, 4M+: 1$' "$work/top.txt")"
	client_end
}

drill_prelude="$rows_prelude
d = mine(name)
m, e = d['mappings'], d['last_errors']"

# The details after the phase busy, of a vfiotop that listened to all of it.
drill_is() {
	local name wanted expression
	while IFS='|' read -r name wanted expression; do
		is "${name% }" "$(sed 's/^ //; s/ $//' <<<"$wanted")" "$(ask "$drill_prelude" "$1" "${expression# }")"
	done <<-TXT
		drill: mappings and bytes | (True, 39, $((37 * 4096 + (8 << 20)))) | (m["complete"], m["maps"], m["bytes"])
		drill: by size | [(8191, 37), (4194303, 1), (8388607, 1)] | [(s["le_bytes"], s["count"]) for s in m["sizes"]]
		drill: the kinds are all of it | (39, $((37 * 4096 + (8 << 20)))) | (sum(k["maps"] for k in m["kinds"]), sum(k["size"] for k in m["kinds"]))
		drill: run lengths | $([ "$VFIOSCOPE_MODULES" = ours ] && echo "(39, True)" || echo "(None, None)") | (m["run_lengths"] and sum(s["count"] for s in m["run_lengths"]), m["runs"] and 39 <= m["runs"] < 39 + 2048)
		drill: holders | [('container', None), ('device', '0000:00:10.0'), ('group', None)] | sorted((h["what"], h["device"]) for h in d["holders"] if h["kind"] == "process" and h["pid"] == client)
		drill: their groups | True | {h["group"] for h in d["holders"]} == {None, $group}
		drill: every user is accounted for | (2, 2, 0) | (d["container_users"], d["accounted"], d["unaccounted"])
		drill: maps that were timed | 32 | sum(b["count"] for b in d["map_buckets"])
		drill: the last errors, the last first | True | [x["iova"] for x in e] == [3 * i * 8192 for i in range(6, -1, -1)]
		drill: what they were | {('vfio_dma_map', 4096, -17, 'EEXIST')} | {(x["event"], x["size"], x["ret"], x["error"]) for x in e}
		drill: what is still in the way | EEXIST: overlaps 0x24000-0x24fff of tools_workload/$client | e[0]["explanation"]
		drill: what is not any more | {'EEXIST: overlapped what is not mapped any more'} | {x["explanation"] for x in e[1:]}
		drill: who tried it | {('tools_workload', $client)} | {(x["comm"], x["pid"]) for x in e}
	TXT
}

# A container whose last group leaves and comes back; and many without a group, of
# which the earlier go first: whoever had to make way for one keeps its place.
test_vfiotop_comings() {
	local log=$work/comings.json text=$work/comings.txt pids many left
	vfiotop --json 0.5 >"$log" 2>"$work/top.err" &
	pids=$!
	vfiotop -b 0.5 >"$text" 2>&1 &
	pids+=" $!"
	listening "$last" 2
	client_start backings again
	go held
	soon "(13, 1)" comings "$log"
	is "mapped" "(13, 1)" "$(comings "$log")"
	go left
	soon "(0, 0)" comings "$log"
	is "without a group nothing is" "(0, 0)" "$(comings "$log")"
	go again
	soon "(5, 1)" comings "$log"
	is "and with one again what is mapped since" "(5, 1)" "$(comings "$log")"
	client_end

	mkfifo "$work/many"
	python3 -c 'import os, sys
fds = [os.open("/dev/vfio/vfio", os.O_RDWR) for _ in range(300)]
for half in fds[:150], fds[150:]:
    sys.stdin.readline()
    for fd in half:
        os.close(fd)
sys.stdin.readline()' <"$work/many" &
	many=$!
	exec 9>"$work/many"
	for left in 300 150 0; do
		soon "$left" containers_now "$text"
		is "so many containers are there, and no other" "$left" "$(containers_now "$text")"
		echo >&9
	done
	exec 9>&-
	ended 60 $many
	is "no rate is beyond belief" True "$(json "$log" 'all(0 <= (r[k] or 0) < 1e6 for r in rows(name) for k in ("map_rate", "unmap_rate"))')"
	for many in $pids; do
		interrupted 60 "$many"
		is "and vfiotop ends" 0 $?
	done
}

# The pages that the client has pinned, and its mappings, by its last row.
comings() {
	json "$1" '(lambda r: (r["pinned_bytes"] // 4096, r["maps"]))(mine(name))'
}

# How many there are, by the last title.
containers_now() {
	sed -n 's/^[0-9]* of \([0-9]*\) containers.*/\1/p' "$1" | tail -1
}

# typed KEY ..
typed() {
	tmux -L vfiotop send-keys "$@"
}

# shows NAME PATTERN: the screen, soon; it stays in $screen.
shows() {
	local tries
	for ((tries = 0; tries < 200; tries++)); do
		screen=$(tmux -L vfiotop capture-pane -p)
		grep -Eq -- "$2" <<<"$screen" && break
		pause 0.2
	done
	grep -Eq -- "$2" <<<"$screen"
	ok $? "$1" "$screen"
}

# lines NAME COUNT PATTERN: so many lines of the screen are like that, soon.
lines() {
	local tries
	for ((tries = 0; tries < 200; tries++)); do
		screen=$(tmux -L vfiotop capture-pane -p)
		[ "$(grep -Ec -- "$3" <<<"$screen")" -eq "$2" ] && break
		pause 0.2
	done
	[ "$(grep -Ec -- "$3" <<<"$screen")" -eq "$2" ]
	ok $? "$1: $2" "$screen"
}

# The row that stands out: its colours are swapped, as the heading's are.
marked() {
	tmux -L vfiotop capture-pane -e -p | python3 -c '
import re, sys
swapped, found = False, []
for line in sys.stdin:
    for part in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b]+)", line):
        for code in part[0].split(";") if not part[1] else []:
            swapped = code == "7" or swapped and code not in ("", "0", "27")
        if part[1].strip() and swapped:
            found.append(part[1].split())
print(*[row[1] for row in found if row[0] != "CT"])'
}

# The client's container, and one of this shell without a group.
test_vfiotop_screen() {
	local screen group key
	group=$(basename "$(realpath /sys/bus/pci/devices/0000:00:10.0/iommu_group)")
	client_start
	go held
	tmux -L vfiotop new-session -d -x 80 -y 24 "vfiotop 0.5"
	exec 9<>/dev/vfio/vfio
	shows "the screen shows the client's row" "^ *[0-9]+ +$client tools_wor"
	shows "and the other one's" "^ *[0-9]+ +$$ run-all"
	typed h
	shows "h shows the keys" 'sort'
	typed h
	shows "and any key the rows" "^ *[0-9]+ +$client tools_wor"
	# Both keys for each direction; wherever they were at first.
	typed k Up
	grep -Eq "^ *[0-9]+ +$client tools_wor" <<<"$(tail -n +3 <<<"$screen" | head -1)" || typed j
	typed r Enter
	shows "enter opens the row that was chosen, wherever it is" "container [0-9]+: pid $client tools_workload"
	shows "who holds it" "^held, group $group: 2 users = 1 attachment .*; all accounted for"
	lines "each with a line" 3 "^process +$client tools_workload +[0-9]+ (container|group|device 0000:00:10.0)$"
	lines "the mappings by size" 1 '^by size, bytes: 4K\+: 23, 2M\+: 1$'
	listening "$last"
	ok $? "it listens"
	go busy
	shows "what fails is in words" '`- EEXIST: overlaps 0x24000-0x24fff of tools_workload/'"$client"
	shows "and what was mapped" '^by size, bytes: 4K\+: 37, 2M\+: 1, 4M\+: 1$'
	shows "how long that took" '^maps since vfiotop began: 32, by how'
	lines "what there is no room for is counted" 1 '^  and [4-6] more$'
	tmux -L vfiotop resize-window -x 40 -y 24
	shows "a terminal of 40 columns has all parts" "^process +$client device 0000:00:10.0$"
	lines "and no room is wasted there" 4 '^(by size|held|maps since|failed since)'
	tmux -L vfiotop resize-window -x 80 -y 24
	typed Escape
	shows "escape goes back" '2 of 2 containers'
	soon "$client" marked
	is "to the same row, which stands out" "$client" "$(marked)"
	typed f
	shows "f leaves its process alone" '1 of 1 containers|1 of 2 containers'
	typed f
	shows "and all again" '2 of 2 containers'
	typed Enter
	shows "enter opens it again" "container [0-9]+: pid $client tools_workload"
	client_end
	shows "when it goes, that is said" 'container that was shown has gone'
	shows "and what is left is shown" "^ *[0-9]+ +$$ run-all"
	key=$(pgrep -nx vfiotop)
	typed Enter q
	[ -n "$key" ] && gone 30 "$key"
	ok $? "q ends it, in the details as well"
	exec 9<&-
	tmux -L vfiotop kill-server 2>/dev/null
}

test_vfiotop_leaves_nothing() {
	local termed killed
	vfiotop --json 1 >"$work/top.json" &
	termed=$!
	vfiotop --json 1 >"$work/top.json" &
	killed=$!
	listening "$last" 2
	ok $? "two of them listen"
	kill -KILL $killed
	kill -TERM $termed
	ended 30 $termed
	is "ended by SIGTERM it exits" 0 $?
	ended 30 $killed
	no_program_left "killed or ended they leave no program"
	vfiotop -b 1 5 | head -1 >/dev/null
	is "a closed pipe ends it quietly" 0 "${PIPESTATUS[0]}"
	is "an unknown option is a usage error" 2 "$(vfiotop --no-such-option >/dev/null 2>&1; echo $?)"
	is "without root it says so" 2 "$(setpriv --reuid=65534 --clear-groups --bounding-set=-all --inh-caps=-all vfiotop -1 >/dev/null 2>&1; echo $?)"
}

# What is missing is said, in words that help.
test_vfiotop_errors() {
	local said screen tries narrow
	: >"$work/empty"
	mount --bind "$work/empty" /sys/kernel/btf/vfio
	said=$(timeout 60 vfiotop -1 2>&1)
	is "without the module's BTF it exits" 2 $?
	umount /sys/kernel/btf/vfio
	grep -q "module vfio has no BTF" <<<"$said"
	ok $? "and says what is missing" "$said"
	mount --bind "$work" /sys/kernel/btf
	said=$(timeout 60 vfiotop -1 2>&1)
	is "without the kernel's BTF it exits" 2 $?
	umount /sys/kernel/btf
	grep -q "CONFIG_DEBUG_INFO_BTF" <<<"$said"
	ok $? "and says what to do" "$said"
	if [ "$VFIOSCOPE_MODULES" = ours ]; then
		said=$(timeout 60 vfiotop --source stock -1 2>&1)
	else
		said=$(timeout 60 vfiotop --source tracepoint -1 2>&1)
	fi
	is "a source that is not there is refused" 2 $?
	tmux -L narrow new-session -d -x 40 -y 12 "vfiotop 1"
	for ((tries = 0; tries < 60; tries++)); do
		screen=$(tmux -L narrow capture-pane -p)
		grep -q PID <<<"$screen" && break
		pause 1
	done
	grep -q PID <<<"$screen"
	ok $? "a terminal of 40 columns shows what fits" "$screen"
	narrow=$(pgrep -nx vfiotop)
	tmux -L narrow send-keys q
	[ -n "$narrow" ] && gone 30 "$narrow"
	ok $? "and q ends it there as well"
	tmux -L narrow kill-server 2>/dev/null
}

test_vfiotop() {
	local last='tp__type1__dma_map\>'
	[ "$VFIOSCOPE_MODULES" = ours ] || last=st__vfio__attac
	test_vfiotop_rows
	test_vfiotop_comings
	test_vfiotop_screen
	test_vfiotop_errors
	test_vfiotop_leaves_nothing
}
