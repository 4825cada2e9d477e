# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfiosnoop's objects and lines of a client whose every call is known, its
# filters, what it says of errors, what it does when it cannot keep up, and that
# a recording plays back what was seen live.

# Starts vfiosnoop; its pid is in $snoop, its output in $work/NAME.
# snoop_start NAME [OPTION ..]
snoop_start() {
	local name=$1
	shift
	vfiosnoop "$@" >"$work/$name" 2>"$work/$name.err" &
	snoop=$!
}

# Waits until it listens to all: it has so many links that those on type1 (22
# programs on ours), which come a while after the core's, are among them; and no
# program is without one.
snoop_listens() {
	local pid=$1 tries links=0 wanted=19
	[ "$VFIOSCOPE_MODULES" = stock ] || wanted=22
	for ((tries = 0; tries < 240; tries++)); do
		links=$(cat /proc/"$pid"/fdinfo/* 2>/dev/null | grep -c '^link_type')
		[ "$links" -lt $wanted ] || break
		pause 0.25
	done
	[ "$links" -ge $wanted ] && listening '' && return
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

seen_prelude='
with open(name) as f:
    every = [json.loads(line) for line in f]
def rows(event=None):
    return [r for r in every if r.get("pid") == client
            and (not event or r["event"] == "vfio_" + event)]'

# An expression sees the objects of the client in FILE as rows(EVENT), and every
# one. seen FILE EXPRESSION
seen() {
	ask "$seen_prelude" "$work/$1" "$2"
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
	is "beginnings of unmaps" 20 "$(seen $log 'len(rows("dma_unmap_start"))')"
	is "unmaps of nothing are marked" "$(printf '%s' '[(2147483648, 0)] 3')" "$(seen $log '"%s %d" % (sorted({(r["iova"], r["ret"]) for r in rows("dma_unmap") if "unmapped nothing" in r.get("explanation", "")}), sum("explanation" in r for r in rows("dma_unmap")))')"
	is "a failed map names what it overlaps" "EEXIST: overlaps 0x6000-0x6fff of tools_workload/$client" "$(seen $log '[r["explanation"] for r in rows("dma_map") if r["ret"]][1]' | sed 's/, [0-9.]* m\?s old//')"
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
	# The limit is looked up when the container's events are read, of which this
	# is the last: the third container's.
	snoop_saw all.json container_release 3
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

# Maps that fail for a cause each, by a client that stays until it is killed.
reasons_client() {
	exec python3 -c '
import ctypes, fcntl, os, struct, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
def memory(size, flags=0x22, fd=-1, prot=3):
    return libc.mmap(None, size, prot, flags, fd, 0)
container = os.open("/dev/vfio/vfio", os.O_RDWR)
group = os.open("/dev/vfio/'"$group"'", os.O_RDWR)
fcntl.ioctl(group, 0x3b68, struct.pack("i", container))
fcntl.ioctl(container, 0x3b66, 3)
def fails(iova, size, vaddr):
    try:
        fcntl.ioctl(container, 0x3b71, struct.pack("IIQQQ", 32, 3, vaddr, iova, size))
    except OSError:
        pass
fails(0, 8 << 20, memory(8 << 20, 0x22 | 0x40000 | 0x4000))
fd = os.memfd_create("r")
os.ftruncate(fd, 1 << 20)
fails(0, 4 << 20, memory(4 << 20, 1, fd))
fails(0, 4096, memory(4096, prot=1))
gone = memory(1 << 20)
libc.munmap(gone, 1 << 20)
fails(0, 1 << 20, gone)
fails(1 << 55, 4096, memory(4096))
fails(0xfedff000, 0x4000, memory(0x4000))
time.sleep(600)'
}

# Each with the cause that holds, and again from the recording.
test_vfiosnoop_reasons() {
	local reasons
	echo 2 >/proc/sys/vm/nr_hugepages
	snoop_start why.json -j -x -e dma_map -w "$work/why.rec"
	snoop_listens "$snoop"
	reasons_client &
	client=$!
	snoop_saw why.json dma_map 6
	snoop_stop "$snoop"
	kill -KILL "$client"
	wait "$client" 2>/dev/null
	echo 0 >/proc/sys/vm/nr_hugepages
	vfiosnoop --replay "$work/why.rec" -j -x -e dma_map >"$work/again.json"
	cmp "$work/why.json" "$work/again.json"
	ok $? "reasons: the recording says the same" "$(diff "$work/why.json" "$work/again.json" | head -4)"
	reasons=$(seen why.json '";".join(r["explanation"] for r in rows("dma_map"))')
	while IFS='|' read -r nth wanted; do
		cut -d';' -f"$nth" <<<"$reasons" | grep -q "^$wanted"
		ok $? "reasons: $wanted" "$reasons"
	done <<-TXT
		1|EFAULT: no huge page left: 0 of 2 of 2048 KiB free, 4 wanted
		2|EFAULT: the file is shorter than the map: it has 0x100000 bytes, 0x400000 are wanted
		3|EFAULT: the memory at 0x[0-9a-f]* is read-only
		4|EFAULT: the process has nothing mapped at 0x
		5|EINVAL: beyond the [0-9]* bits that the IOMMU of 0000:00:10.0 translates
		6|EINVAL: overlaps the reserved region 0xfee00000-0xfeefffff (msi)
	TXT
}

# The lines of the client, but for what differs from run to run and what one
# source alone has: LINE is COMM CT EVENT DETAILS RET.
normal_text() {
	vfiosnoop --replay "$work/all.rec" -p "$client" | awk -v first='' '
		NR == 1 || / (group_get|group_put|dma_map_start|dma_unmap_start) / { next }
		/^    `- / { sub(/ of [^ ]*, [0-9.]* m?s old$/, ""); print; next }
		{
			ret = length($0) == 80 ? substr($0, 77) + 0 : ""
			line = substr($0, 18, 49) # without LAT and RET
			if (ret == "") line = substr($0, 18)
			sub(/ lived .*/, "", line)
			gsub(/ +/, " ", line)
			sub(/ $/, "", line)
			split(line, word, " ")
			if (word[2] ~ /^[0-9]+$/ && first == "") first = word[2]
			if (word[2] == first) sub(" " first " ", " 1 ", line)
			print line (ret == "" ? "" : " " ret)
		}'
}

expected_text() {
	local i
	cat <<TXT
tools_work 1 container_open
tools_work - group_open group $group 0
tools_work 1 container_users group $group users 1 +1 attach
tools_work 1 container_attach group $group 0
tools_work 1 container_set_iommu type1v2 0
tools_work 1 container_users group $group users 2 +1 device_open
tools_work - device_open 0000:00:10.0 0
TXT
	for ((i = 0; i < 54; i++)); do
		printf 'tools_work 1 dma_map 0x%x 4K rw 0\n' $((i * 8192))
		[ $i != 22 ] || echo 'tools_work 1 dma_map 0x40000000 2M rw 0'
	done
	for ((i = 0; i < 7; i++)); do
		printf 'tools_work 1 dma_map 0x%x 4K rw -17\n' $((3 * i * 8192))
		printf '    `- EEXIST: overlaps 0x%x-0x%x\n' $((3 * i * 8192)) $((3 * i * 8192 + 4095))
	done
	for ((i = 0; i < 17; i++)); do
		printf 'tools_work 1 dma_unmap 0x%x 4K 0\n' $((i * 8192))
	done
	for ((i = 0; i < 3; i++)); do
		echo 'tools_work 1 dma_unmap 0x80000000 4K 0'
		echo '    `- returned 0 and unmapped nothing: no mapping begins in this range'
	done
	cat <<TXT
tools_work 1 dma_map 0x40200000 6M rw 0
tools_work 1 container_users group $group users 1 -1 device_open
tools_work - device_close 0000:00:10.0 0
tools_work 1 container_users group $group users 0 -1 attach
tools_work 1 container_detach group $group 0
tools_work - group_release group $group 0
tools_work 1 container_release
TXT
}

# What was recorded, as nobody: no root, no BPF, no vfio are needed.
replay_as_nobody() {
	setpriv --reuid=65534 --clear-groups --bounding-set=-all --inh-caps=-all "$@"
}

test_vfiosnoop_replay() {
	local size whole
	chmod 755 "$work"
	chmod 644 "$work"/*.rec
	replay_as_nobody vfiosnoop --replay "$work/all.rec" --json >"$work/again.json" 2>"$work/again.err"
	is "a recording is played" 0 $?
	cmp "$work/all.json" "$work/again.json"
	ok $? "and gives the same objects" "$(diff "$work/all.json" "$work/again.json" | head -4)"
	is "with nothing to say" "" "$(cat "$work/again.err")"
	diff <(expected_text) <(normal_text) >"$work/text.diff"
	ok $? "the text is the same for every source" -- "$work/text.diff"
	is "-d finds the device in the recording" 63 "$(vfiosnoop --replay "$work/all.rec" -j -d 0000:00:10.0 >"$work/again.json"; seen again.json 'len(rows("dma_map"))')"
	is "-d of another is an error" 2 "$(vfiosnoop --replay "$work/all.rec" -d 0000:00:1f.0 >/dev/null 2>&1; echo $?)"

	# No two clients are in one tick of that length.
	replay_as_nobody vfiotop --replay "$work/all.rec" --json 0.02 >"$work/top.json" 2>"$work/top.err"
	is "vfiotop plays it" 0 $?
	is "vfiotop: maps" 56 "$(json "$work/top.json" 'round(sum(r["map_rate"] for r in all_mine(name)) * 0.02)')"
	is "vfiotop: unmaps" 20 "$(json "$work/top.json" 'round(sum(r["unmap_rate"] for r in all_mine(name)) * 0.02)')"
	is "vfiotop: errors" 7 "$(json "$work/top.json" 'max(r["errors"] for r in all_mine(name))')"
	is "vfiotop: what is in no event is null" "[(None, None)]" "$(json "$work/top.json" 'sorted({(r["dma_entry_limit"], r["memlock_limit"]) for r in all_mine(name)})')"

	size=$(stat -c %s "$work/all.rec")
	whole=$(wc -l <"$work/all.json")
	head -c $((size / 2)) "$work/all.rec" >"$work/cut.rec"
	vfiosnoop --replay "$work/cut.rec" -j >"$work/cut.json" 2>"$work/cut.err"
	is "one that is cut off is played" 0 $?
	grep -q 'cut.rec .*cut' "$work/cut.err"
	ok $? "and it is said" -- "$work/cut.err"
	[ "$(wc -l <"$work/cut.json")" -gt $((whole / 4)) ] &&
		cmp -s "$work/cut.json" <(head -"$(wc -l <"$work/cut.json")" "$work/all.json")
	ok $? "up to there" "$(wc -l "$work/cut.json")"
	is "what is no recording is refused" 2 "$(vfiosnoop --replay "$work/all.json" 2>"$work/no.err"; echo $?)"
	grep -q 'is not a recording' "$work/no.err"
	ok $? "in words" -- "$work/no.err"
}

# The recordings of the filters' run: one of failures, as text, and one whose
# writer was killed.
test_vfiosnoop_replay_filters() {
	vfiosnoop --replay "$work/failed.rec" -x >"$work/again.txt" 2>&1
	cmp "$work/failed.txt" "$work/again.txt"
	ok $? "-x plays back the same lines" "$(diff "$work/failed.txt" "$work/again.txt" | head)"
	is "and all the rest was recorded" 20 "$(vfiosnoop --replay "$work/failed.rec" -j -e dma_unmap | grep -c vfio_dma_unmap)"
	vfiosnoop --replay "$work/few.rec" -j -e vfio_dma_unmap -e device -m 0.000001 --stack >"$work/again.json" 2>"$work/again.err"
	is "one whose writer was killed is played" 0 $?
	grep -q 'no end mark' "$work/again.err"
	ok $? "and it is said" -- "$work/again.err"
	cmp "$work/few.json" "$work/again.json"
	ok $? "and gives the same objects, and stacks" "$(diff "$work/few.json" "$work/again.json" | head -4)"
}

# A disk that is full: what is on it is whole.
test_vfiosnoop_full() {
	local i
	mkdir "$work/full"
	mount -t tmpfs -o size=8k none "$work/full"
	snoop_start full.json -j -w "$work/full/rec"
	snoop_listens "$snoop"
	for ((i = 0; i < 100; i++)); do : <>/dev/vfio/vfio; done
	ended 60 "$snoop"
	is "a full disk ends it" 2 $?
	grep -q 'No space left on device' "$work/full.json.err"
	ok $? "and it is said" -- "$work/full.json.err"
	is "what is there is whole" 0 "$(vfiosnoop --replay "$work/full/rec" -j >"$work/again.json" 2>"$work/again.err"; echo $?)"
	[ "$(wc -l <"$work/again.json")" -gt 20 ] && ! grep -q 'cut off' "$work/again.err"
	ok $? "and is played" "$(wc -l "$work/again.json") $(cat "$work/again.err")"
	umount "$work/full"
}

# The filters, and a reader that sleeps; all watch one run of the client.
test_vfiosnoop_filters() {
	local pids='' refused few slow total
	total=$(seen all.json 'len(rows())')
	snoop_start failed.txt -x -w "$work/failed.rec"
	refused=$snoop
	snoop_start few.json -j -e vfio_dma_unmap -e device -m 0.000001 --stack -w "$work/few.rec"
	few=$snoop
	snoop_start slow.json -j --buffer 4
	slow=$snoop
	pids="$refused $few $slow"
	for snoop in $pids; do snoop_listens "$snoop"; done
	kill -STOP "$slow"
	client_run
	kill -CONT "$slow"
	snoop_stop "$refused"
	snoop_stop "$slow"
	# It goes on, and the kernel's symbols take it seconds on a busy machine.
	snoop_saw few.json device_close 1
	snoop_recorded few.rec device_close 1
	is "-x: lines of what failed" 7 "$(grep -c 'dma_map .* -17$' "$work/failed.txt")"
	is "-x: each with its reason" 7 "$(grep -c '^    `- EEXIST: overlaps 0x[0-9a-f]*-0x[0-9a-f]* of tools_workload/[0-9]*, [0-9.]* m\?s old$' "$work/failed.txt")"
	is "-x: and the header" 15 "$(wc -l <"$work/failed.txt")"
	is "lines keep to 80 columns" 0 "$(awk 'length > 80' "$work/failed.txt" | wc -l)"
	is "-e: the events" "['vfio_device_close', 'vfio_device_open', 'vfio_dma_unmap']" "$(seen few.json 'sorted({r["event"] for r in every})')"
	is "-e: how many unmaps" 20 "$(seen few.json 'len(rows("dma_unmap"))')"
	is "--stack: whence they came" 20 "$(seen few.json 'sum("ioctl" in " ".join(r["stack"]) for r in rows("dma_unmap"))')"
	is "lost and seen are all" "$total" "$(seen slow.json 'len(rows()) + sum(r.get("lost", 0) for r in every)')"
	is "some were lost" True "$(seen slow.json 'any(r["event"] == "lost" for r in every)')"
	grep -q 'events were lost: the buffer was full' "$work/slow.json.err"
	ok $? "and it was said at the end" -- "$work/slow.json.err"
	kill -KILL "$few"
	ended 30 "$few"
	no_program_left "killed, it leaves no program"
}

# Waits until FILE has so many events of KIND: the reader looks now and then.
# snoop_saw FILE KIND COUNT
snoop_saw() {
	local tries
	for ((tries = 0; tries < 150; tries++)); do
		[ "$(grep -c "\"event\":\"vfio_$2\"" "$work/$1")" -ge "$3" ] && return
		pause 0.2
	done
	ok 1 "$1 has $3 events of $2" "$(tail -3 "$work/$1")"
}

# Waits until a recording that is being written has so many events of KIND.
# snoop_recorded FILE KIND COUNT
snoop_recorded() {
	local tries
	for ((tries = 0; tries < 60; tries++)); do
		vfiosnoop --replay "$work/$1" -j -e "$2" >"$work/so-far" 2>/dev/null
		[ "$(grep -c "\"event\":\"vfio_$2\"" "$work/so-far")" -ge "$3" ] && return
		pause 0.2
	done
	ok 1 "$1 has $3 events of $2" "$(tail -3 "$work/so-far")"
}

# Which of two clients that run at the same time is shown: one in a cgroup, with
# edu; the other beside it, with e1000e.
test_vfiosnoop_whose() {
	local cgroup=/sys/fs/cgroup/vfiosnoop inside outside pids='' by
	mkdir -p "$cgroup/below"
	snoop_start by-cgroup.json -j --cgroup $cgroup
	pids=$snoop
	snoop_start by-device.json -j -d 0000:00:10.0
	pids+=" $snoop"
	for snoop in $pids; do snoop_listens "$snoop"; done
	# Who is started from a cgroup is in it.
	echo $BASHPID >$cgroup/below/cgroup.procs
	client_start
	echo $BASHPID >/sys/fs/cgroup/cgroup.procs
	inside=$client
	go held
	snoop_start by-pid.json -j -p "$inside"
	pids+=" $snoop"
	snoop_listens "$snoop"
	"$bin/selftests/tools_workload" 0000:00:11.0 < <(printf '\n\n') >/dev/null &
	outside=$!
	wait $outside
	ok $? "another client runs from its beginning to its end"
	go busy
	# A process that is gone is in no cgroup; a map is the last that it does.
	snoop_saw by-cgroup.json dma_unmap 20
	snoop_saw by-cgroup.json dma_map 63
	client_end
	for snoop in $pids; do snoop_stop "$snoop"; done
	for by in cgroup device pid; do
		is "by $by: its maps" $([ $by = pid ] && echo 39 || echo 63) "$(seen by-$by.json 'len(rows("dma_map"))')"
		is "by $by: its unmaps" 20 "$(seen by-$by.json 'len(rows("dma_unmap"))')"
		is "by $by: nobody else's" "[$inside]" "$(seen by-$by.json 'sorted({r["pid"] for r in every if "pid" in r})')"
	done
	rmdir $cgroup/below $cgroup
}

# It ends by itself, when its time is over and not before.
test_vfiosnoop_duration() {
	local began status opener
	began=$(date +%s%N)
	(while pause 0.1; do : <>/dev/vfio/vfio; done) &
	opener=$!
	timeout 200 vfiosnoop -j -e container_open --duration 1.7 >"$work/for.json" 2>"$work/for.err"
	status=$?
	is "--duration: ends by itself" 0 $status
	[ $(($(date +%s%N) - began)) -ge 1700000000 ]
	ok $? "--duration: not before its time"
	kill $opener
	wait $opener 2>/dev/null
	is "--duration: events until then" True "$(seen for.json 'len(every) > 0 and {r["event"] for r in every} == {"vfio_container_open"}')"
}

# Events that come faster than who reads them wants them: it hears that it has to end.
test_vfiosnoop_overload() {
	local opener reader
	mkfifo "$work/slowly"
	(while read -r _; do pause 0.01; done) <"$work/slowly" &
	reader=$!
	vfiosnoop -j --buffer 64 >"$work/slowly" 2>"$work/slowly.err" &
	snoop=$!
	snoop_listens "$snoop"
	(while :; do : <>/dev/vfio/vfio; done) &
	opener=$!
	pause 10
	snoop_stop "$snoop"
	grep -q 'events were lost: the buffer was full' "$work/slowly.err"
	ok $? "it was too much" -- "$work/slowly.err"
	kill $opener
	wait $opener 2>/dev/null
	ended 60 $reader
	is "who read it sees its end" 0 $?
}

test_vfiosnoop_usage() {
	is "an unknown event is a usage error" 2 "$(vfiosnoop -e no_such >/dev/null 2>&1; echo $?)"
	vfiosnoop | head -1 >/dev/null
	is "a closed pipe ends it quietly" 0 "${PIPESTATUS[0]}"
}

test_vfiosnoop() {
	local group memlock_client entry_client
	group=$(basename "$(realpath /sys/bus/pci/devices/0000:00:10.0/iommu_group)")
	snoop_start all.json --json -w "$work/all.rec"
	snoop_listens "$snoop"
	client_run
	local whole=$client
	# The next container may get the address of this one, which stock makes its
	# id of; not within one tick of what is played back.
	pause 0.1
	test_vfiosnoop_limits
	snoop_stop "$snoop"
	# Kept: it can be played without a VM.
	cp "$work/all.rec" /share/
	client=$whole
	test_vfiosnoop_client
	test_vfiosnoop_explained
	client=$whole
	test_vfiosnoop_replay
	test_vfiosnoop_filters
	test_vfiosnoop_replay_filters
	test_vfiosnoop_full
	test_vfiosnoop_whose
	test_vfiosnoop_reasons
	test_vfiosnoop_duration
	test_vfiosnoop_overload
	test_vfiosnoop_usage
}
