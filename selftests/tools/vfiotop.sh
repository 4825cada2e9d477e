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
	vfiotop --json 1 8 >"$log" 2>"$work/top.err" &
	local pid=$!
	listening "$last"
	ok $? "vfiotop listens" "$(cat "$work/top.err"; bpftool prog show)"
	go busy
	ended 60 $pid
	is "vfiotop 1 8 exits" 0 $?
	is "events: maps" 39 "$(json "$log" 'mine(name)["maps"]')"
	is "events: pinned bytes" $((37 * 4096 + (8 << 20))) "$(json "$log" 'mine(name)["pinned_bytes"]')"
	is "events: errors" 7 "$(json "$log" 'mine(name)["errors"]')"
	is "events: none lost" 0 "$(json "$log" 'mine(name)["lost"]')"
	is "every key of the contract" "[]" "$(json "$log" '[k for k in "container pid comm vm groups devices users kvm maps dma_entry_limit pinned_bytes memlock_limit map_rate map_bytes_rate unmap_rate map_p50_ns map_p99_ns map_max_ns errors lost inflight".split() if k not in mine(name)]')"
	is "a latency was measured" True "$(json "$log" 'max(r["map_max_ns"] or 0 for r in all_mine(name)) > 1000')"

	vfiotop -b 1 2 >"$work/top.wide" 2>"$work/top.err" &
	pid=$!
	vfiotop -C 1 2 >"$work/top.txt" 2>&1
	grep -q tools_wor "$work/top.txt"
	ok $? "vfiotop -C has the client's row" "$(cat "$work/top.txt")"
	ended 60 $pid
	ok $? "vfiotop -b runs" "$(cat "$work/top.err")"
	grep -q tools_wor "$work/top.wide"
	ok $? "vfiotop -b has the client's row" "$(cat "$work/top.wide")"
	is "vfiotop -C keeps to 80 columns" 0 "$(awk 'length > 80' "$work/top.txt" | wc -l)"
	client_end
}

test_vfiotop_screen() {
	tmux -L vfiotop new-session -d -x 100 -y 30 "vfiotop 1"
	client_start
	go held
	local screen tries
	for ((tries = 0; tries < 30; tries++)); do
		screen=$(tmux -L vfiotop capture-pane -p)
		grep -q tools_wor <<<"$screen" && break
		sleep 1
	done
	grep -q tools_wor <<<"$screen"
	ok $? "the screen shows the client's row" "$screen"
	tmux -L vfiotop send-keys h
	sleep 2
	screen=$(tmux -L vfiotop capture-pane -p)
	grep -qi 'sort' <<<"$screen"
	ok $? "h shows the keys" "$screen"
	tmux -L vfiotop send-keys h
	tmux -L vfiotop send-keys q
	for ((tries = 0; tries < 30; tries++)); do
		pgrep -x vfiotop >/dev/null || break
		sleep 1
	done
	! pgrep -x vfiotop >/dev/null
	ok $? "q ends it"
	tmux -L vfiotop kill-server 2>/dev/null
	go busy
	client_end
}

test_vfiotop_leaves_nothing() {
	local before termed killed tries
	before=$(programs)
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
	for ((tries = 0; tries < 50; tries++)); do
		[ "$(programs)" -gt "$before" ] || break
		sleep 0.2
	done
	is "killed or ended they leave no program" "$before" "$(programs)"
	vfiotop -b 1 5 | head -1 >/dev/null
	is "a closed pipe ends it quietly" 0 "${PIPESTATUS[0]}"
	is "an unknown option is a usage error" 2 "$(vfiotop --no-such-option >/dev/null 2>&1; echo $?)"
	is "without root it says so" 2 "$(setpriv --reuid=65534 --clear-groups --bounding-set=-all --inh-caps=-all vfiotop -1 >/dev/null 2>&1; echo $?)"
}

# What is missing is said, in words that help.
test_vfiotop_errors() {
	local said screen tries
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
		sleep 1
	done
	grep -q PID <<<"$screen"
	ok $? "a terminal of 40 columns shows what fits" "$screen"
	tmux -L narrow send-keys q
	gone 30 "$(pgrep -nx vfiotop || echo none)"
	ok $? "and q ends it there as well"
	tmux -L narrow kill-server 2>/dev/null
}

# A long map that began before the tool, and its client's end by SIGKILL.
test_vfiotop_inflight() {
	local line
	while read -r line; do
		case $line in
		"ok "*) ok 0 "${line#ok }" ;;
		"not ok "*) ok 1 "${line#not ok }" ;;
		*) echo "$line" ;;
		esac
	done < <(timeout 400 python3 "$here/vfiotop_inflight.py" "$bin/selftests/tools_coldmap" 3072 2>&1 ||
		echo "not ok the story of a large map was told to its end")
}

test_vfiotop() {
	local last=tp__type1__dma_m
	[ "$VFIOSCOPE_MODULES" = ours ] || last=st__vfio__dma_ma
	test_vfiotop_rows
	test_vfiotop_screen
	test_vfiotop_inflight
	test_vfiotop_errors
	test_vfiotop_leaves_nothing
}
