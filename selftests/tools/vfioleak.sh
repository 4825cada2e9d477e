# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfioleak against a client that leaves behind one thing after the other, and
# what it says of a client that was there before.

leaks() {
	vfioleak --json -- "$bin/selftests/tools_leaks" "$@" >"$work/leak.json" 2>"$work/leak.err"
}

# What was left behind is given back by the end of who has it.
leak_end() {
	local pid
	pid=$(cat "$work/leak.pid") && kill "$pid"
	ok $? "$1: something has it"
	[ -n "$pid" ] || return
	gone 30 "$pid"
	ok $? "$1: who has it ends"
	rm "$work/leak.pid"
}

# planted CASE KIND COUNT BYTES: one of that kind is left, with how many, and
# with stacks into vfio and the client.
planted() {
	local log=$work/leak.json of="[r for r in rows(name) if r['kind'] == '$2']"
	local before=$failed
	rm -f "$work/leak.pid"
	leaks "$1" "$work/leak.pid"
	is "$1: exits" 1 $?
	is "$1: kind, count, bytes" "[('$2', $3, $4)]" "$(json "$log" "[(r['kind'], sum(q['count'] for q in $of), None if r['bytes'] is None else sum(q['bytes'] for q in $of)) for r in $of][:1]")"
	is "$1: the stack leads into vfio" True "$(json "$log" "all(any('vfio' in f for f in r['stack']) for r in $of)")"
	# glibc's open() keeps no frame pointer: there the way ends.
	is "$1: the user's stack leads into the client" True "$(json "$log" "all(any(f.startswith('libc.so' if '$2' in ('container', 'group') else 'tools_leaks+0x') for f in r['ustack']) for r in $of)")"
	is "$1: taken by the client, not long ago" "[True]" "$(json "$log" "list({r['comm'] == 'tools_leaks' and 0 < r['age_ns'] < 120e9 for r in $of})")"
	[ "$failed" -eq "$before" ] || cut -c -400 "$log" "$work/leak.err" | head -20 | sed 's/^/# /'
	leak_end "$1"
}

test_vfioleak_planted() {
	leaks clean
	is "a clean client: exits" 0 $?
	is "a clean client: nothing is told" 0 "$(wc -c <"$work/leak.json")"
	planted container container 1 None
	planted group group 1 None
	planted device device 1 None
	planted mappings mapping 7 $((5 * 4096 + 2 * (2 << 20)))
	planted bar device 1 None
	planted in-flight group 1 None
	modprobe -q kvm_amd || modprobe -q kvm_intel
	planted kvm kvm 1 None
	if [ "$VFIOSCOPE_MODULES" = ours ]; then
		planted external external 1 None
		planted pins pin 1 $((3 * 4096))
		"$bin/selftests/tools_leaks" destroy
		ok $? "the emulated device goes"
	fi
}

test_vfioleak_command() {
	vfioleak -- /no/such/program >"$work/leak.txt" 2>"$work/leak.none" &
	local none=$!
	vfioleak -- bash -c 'exit 7' >"$work/leak.txt" 2>"$work/leak.err"
	is "a command that fails: exits" 2 $?
	ended 60 $none
	is "a command that cannot be run: exits" 2 $?
	grep -q 'cannot run /no/such/program: No such file' "$work/leak.none"
	ok $? "and says why" -- "$work/leak.none"
	grep -q 'bash exited with status 7' "$work/leak.err"
	ok $? "the one that fails is said" -- "$work/leak.err"

	# What was there before is nobody's fault.
	client_start
	go held
	vfioleak -- true >"$work/leak.txt" 2>"$work/leak.err"
	is "what was there before is not blamed: exits" 0 $?
	grep -q '^0 outstanding, lost 0' "$work/leak.txt"
	ok $? "and says so" -- "$work/leak.txt" "$work/leak.err"
	vfioleak --json 1 1 >"$work/leak.json" 2>"$work/leak.err"
	is "without a command: exits" 0 $?
	is "it is told, without an age" "[('attachment', 1, None), ('container', 1, None), ('device', 1, None), ('group', 1, None), ('mapping', 24, None)]" "$(json "$work/leak.json" "sorted((r['kind'], r['count'], r['age_ns']) for r in all_mine(name))")"
	is "no stack is made up" "[None]" "$(json "$work/leak.json" "list({r['stack'] and 1 for r in rows(name)} | {r['ustack'] and 1 for r in rows(name)})")"
	go busy
	client_end
}

# Whether in some interval there were so many mappings of so many bytes. An
# interval's rows begin with its container.
leak_had='(lambda all: any(
	(sum(r["count"] for r in t), sum(r["bytes"] for r in t)) == wanted
	for i, q in enumerate(all) if q["kind"] == "container"
	for wanted in [WANTED] for t in [[r for r in
	all[i:i + 1 + ([p["kind"] for p in all[i + 1:]] + ["container"]).index("container")]
	if r["kind"] == "mapping"]]))(rows(name))'

test_vfioleak_live() {
	vfioleak --json 1 >"$work/leak.json" 2>"$work/leak.err" &
	local live=$!
	vfioleak -O 1000 1 >"$work/leak.old" 2>>"$work/leak.err" &
	local old=$!
	vfioleak -t >"$work/leak.raw" 2>>"$work/leak.err" &
	local raw=$!
	local last='tp__type1__dma_map\>'
	[ "$VFIOSCOPE_MODULES" = ours ] || last=st__vfio__attac
	listening $last 3
	ok $? "they listen" "$(cat "$work/leak.err"; bpftool prog show)"
	client_start
	go held
	go busy
	local told tries had
	told=$(wc -l <"$work/leak.old")
	had="${leak_had/WANTED/(39, $((37 * 4096 + (8 << 20))))}"
	soon True json "$work/leak.json" "$had"
	for ((tries = 0; tries < 300; tries++)); do
		[ "$(wc -l <"$work/leak.old")" -gt "$told" ] && break
		pause 0.2
	done
	[ $tries -lt 300 ]
	ok $? "-O has told an interval as well" -- "$work/leak.old" "$work/leak.err"
	client_end
	soon 1 grep -c ' - container .* tools_work' "$work/leak.raw"
	for pid in $live $old $raw; do
		interrupted 60 "$pid"
		ok $? "vfioleak ends well" -- "$work/leak.err"
	done
	is "mappings that are outstanding" True "$(json "$work/leak.json" "$had")"
	is "a user for the device" True "$(json "$work/leak.json" "any(r['kind'] == 'users' and r['reason'] == 'device_open' for r in all_mine(name))")"
	is "all the pids are the client's" "[True]" "$(json "$work/leak.json" "list({r['pid'] == $client for r in rows(name)})")"
	! grep -q tools_wor "$work/leak.old"
	ok $? "-O leaves out the young" -- "$work/leak.old"
	is "-t: maps" 56 "$(grep -c ' + mapping .* tools_work' "$work/leak.raw")"
	is "-t: unmaps that did" 17 "$(grep -c ' - mapping .* tools_work' "$work/leak.raw")"
	is "-t: a container taken and given back" "1 1" "$(grep -c ' + container .* tools_work' "$work/leak.raw") $(grep -c ' - container .* tools_work' "$work/leak.raw")"
	is "-t: users taken and given back" "2 2" "$(grep -c ' + users .* tools_work' "$work/leak.raw") $(grep -c ' - users .* tools_work' "$work/leak.raw")"
	is "it keeps to 80 columns" 0 "$(awk 'length > 80' "$work/leak.old" | wc -l)"
	no_program_left "it leaves no program"
}

test_vfioleak() {
	test_vfioleak_planted
	test_vfioleak_command
	test_vfioleak_live
}
