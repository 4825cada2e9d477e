# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154 # run-all sets work and bin
# vfioholders against each way to hold a group; tools_holders says what it must
# find, line by line.

edu=0000:00:10.0
nic=0000:00:11.0

# stage NAME: what NAME holds is in $work/wanted until stage_end; what it holds of
# the NIC's group in $work/wanted_other.
stage() {
	local line
	rm -f "$work"/{in,out}
	mkfifo "$work/in" "$work/out"
	"$bin/selftests/tools_holders" "$1" <"$work/in" >"$work/out" &
	client=$!
	exec 7>"$work/in" 8<"$work/out"
	while read -r -t 60 line <&8 && [ "$line" != ready ]; do
		echo "$line"
	done | LC_ALL=C sort >"$work/said"
	grep -v '^other ' "$work/said" >"$work/wanted"
	sed -n 's/^other //p' "$work/said" >"$work/wanted_other"
	grep -q '^users' "$work/wanted"
	ok $? "$1: staged"
}

stage_end() {
	(echo >&7) 2>/dev/null # a client that failed is not there to read it
	ended 60 "$client"
	ok $? "$1: the client ended well"
	exec 7>&- 8<&-
}

group_of() {
	basename "$(realpath "/sys/bus/pci/devices/$1/iommu_group")"
}

# What a JSON line holds, as tools_holders writes it, sorted, joined by semicolons.
holders_prelude='
def s(v):
    return "-" if v is None else str(v)
def lines(stage, device, group):
    with open(name) as f:
        g = json.loads(f.readline())
    for h in g["holders"]:
        comm = h["comm"]
        kernel = (comm or "").startswith("vhost-") and h["kind"] == "mm"
        assert kernel or comm == ("tools_holders" if h["pid"] else None), comm
    assert g["accounted"] == g["container_users"] - g["unaccounted"]
    assert g["devices"] == [device] or stage in ("external_unbound", "removed"), g["devices"]
    assert (g["container"] is None) == (g["container_users"] == 0)
    assert g["group"] == group
    held = [" ".join(["holder"] + [s(h[k]) for k in "kind pid fd what device via".split()])
            for h in g["holders"]]
    held.append("users %d unaccounted %d" % (g["container_users"], g["unaccounted"]))
    return ";".join(sorted(held))'

# found STAGE DEVICE WANTED EXIT: what the tool says of that device's group.
found() {
	local seen
	vfioholders --json "$2" >"$work/holders.json" 2>"$work/holders.err"
	is "$1: exits" "$4" $?
	seen=$(ask "$holders_prelude" "$work/holders.json" "lines('$1', '$2', $(group_of "$2"))")
	echo "${seen//;/$'\n'}" >"$work/seen"
	cmp -s "$3" "$work/seen"
	ok $? "$1: every holder and no other" "$(diff "$3" "$work/seen"; cat "$work/holders.err")"
}

# staged NAME [EXIT]: the stage, what the tool finds in it, and its words.
staged() {
	stage "$1"
	found "$1" $edu "$work/wanted" "${2-0}"
	[ ! -s "$work/wanted_other" ] || found "$1, the other group" $nic "$work/wanted_other" 0
}

# words STAGE: what the tool says in words, for `has STAGE WORDS`.
words() {
	vfioholders "/dev/vfio/$group" >"$work/$1.txt" 2>&1
	is "$1: no line is longer than 80" 0 "$(awk 'length > 80' "$work/$1.txt" | wc -l)"
}

has() {
	local text
	mapfile -t text <"$work/$1.txt"
	read -ra text <<<"${text[*]}"
	[[ ${text[*]} == *"$2"* ]]
	ok $? "$1: says '$2'" -- "$work/$1.txt"
}

test_vfioholders_stages() {
	local name file=''
	[ "$VFIOSCOPE_MODULES" != stock ] || [[ $(uname -r) != 6.1.* ]] || file=' file'
	for name in plain attached twice inherited in_flight in_flight_deep mapped shared_memory vhost kvm kvm_two_vms kvm_two_groups unbound removed; do
		staged $name
		case $name in plain | in_flight | mapped | vhost | kvm | unbound | removed) words $name ;; esac
		case $name in
		plain) has plain "2 users = 1 attachment + 1 open device$file; all accounted for" ;;
		in_flight) has in_flight "group, in flight over a socket" ;;
		mapped) has mapped "device $edu, 4 KiB, fd closed" ;;
		vhost) has vhost "device $edu, in memory that this vhost device keeps" ;;
		kvm) has kvm "group's file, by its VM" ;;
		removed) has removed "(its devices are gone)" ;;
		unbound) has unbound "waits for $edu to be closed" ;;
		esac
		stage_end $name
	done
	staged io_uring 1
	words io_uring
	has io_uring "2 users = 1 attachment + 1 open device$file; 1 NOT ACCOUNTED FOR"
	has io_uring "device $edu, open 1 time, of which 0 found"
	has io_uring "io_uring (instances: $client tools_holders)"
	stage_end io_uring
	if grep -qw vfio_file_is_valid /proc/kallsyms; then
		staged kvm_device
		words kvm_device
		has kvm_device "$edu's file, by its VM"
		stage_end kvm_device
	fi
	if [ "$VFIOSCOPE_MODULES" = ours ]; then
		for name in external external_unbound; do
			staged $name
			words $name
			has $name "group, by code in the kernel, 2 users"
			stage_end $name
		done
	fi
}

test_vfioholders_many() {
	local before without with
	before=$(date +%s%N)
	vfioholders --json "$edu" >/dev/null
	without=$(($(date +%s%N) - before))
	staged many
	words many
	before=$(date +%s%N)
	vfioholders --json "$edu" >/dev/null
	with=$(($(date +%s%N) - before))
	echo "# $((without / 1000000)) ms, with 10007 more open files $((with / 1000000)) ms"
	[ $with -lt 20000000000 ]
	ok $? "many: looked at in time"
	is "it chooses by process" "$group" "$(vfioholders --json -p "$client" | python3 -c 'import json,sys; print(*[json.loads(l)["group"] for l in sys.stdin])')"
	is "and by group" "$(wc -l <"$work/many.txt")" "$(vfioholders -g "$group" | wc -l)"
	is "a process that holds nothing has no group" 0 "$(vfioholders -p 1 2>/dev/null | wc -l)"
	vfioholders -i 0.1 -c 50 -j | head -1 >/dev/null
	is "a closed pipe ends it quietly" 0 "${PIPESTATUS[0]}"
	is "looks as often as it is told" 3 "$(vfioholders -i 0.1 -c 3 -j "$edu" | wc -l)"
	stage_end many
}

# A VM's owner may duplicate an fd as often as the limit allows: prints what a look
# then takes of the CPU, in ms, and how many holders it finds.
# held_often COUNT
held_often() {
	python3 - "/dev/vfio/$group" "$1" "$group" <<'PY'
import json, os, resource, subprocess, sys
name, count, group = sys.argv[1], int(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
first = os.open(name, os.O_RDWR)
for _ in range(count - 1):
    os.dup(first)
out = subprocess.run(["vfioholders", "--json", "-g", group], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(int((used.ru_utime + used.ru_stime) * 1000), len(json.loads(out.stdout)["holders"]))
PY
}

test_vfioholders_duplicates() {
	local few few_found many many_found
	read -r few few_found < <(held_often 5003)
	read -r many many_found < <(held_often 40009)
	echo "# 5003 duplicates: $few ms, 40009: $many ms"
	is "duplicates: all are found" "5003 40009" "$few_found $many_found"
	[ "${few:-0}" -gt 0 ] && [ "$many" -lt $((few * 8)) ]
	ok $? "duplicates: eight times as many take less than eight times as long" "$few and $many ms"
}

# What anybody may do: 600 containers in flight over a socket of his own, and one of
# them 500 times.
test_vfioholders_flood() {
	local flood said
	mkfifo "$work/flood" "$work/flooded"
	python3 -c 'import os, socket, sys
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one = os.open("/dev/vfio/vfio", os.O_RDWR)
for _ in range(2):
    socket.send_fds(a, [b"x"], [one] * 250)
for _ in range(3):
    fds = [os.open("/dev/vfio/vfio", os.O_RDWR) for _ in range(200)]
    socket.send_fds(a, [b"x"], fds)
    for fd in fds:
        os.close(fd)
print("flooded", flush=True)
sys.stdin.readline()' <"$work/flood" >"$work/flooded" &
	flood=$!
	exec 9>"$work/flood"
	read -r -t 120 said <"$work/flooded"
	is "a socket is full of files" flooded "$said"
	staged plain
	stage_end plain
	vfioholders >/dev/null 2>"$work/flood.txt"
	is "a socket full of files: exits" 0 $?
	has flood "more files in flight than are looked at (256)"
	vfioholders -i 0.1 -c 3 >/dev/null 2>"$work/flood.txt"
	is "and it is said once" 1 "$(grep -c 'in flight' "$work/flood.txt")"
	exec 9>&-
	ended 60 $flood
}

test_vfioholders_nobody() {
	vfioholders "$edu" >"$work/nobody.txt"
	is "a group that nobody has: exits" 0 $?
	has nobody "nobody holds it"
	is "every group of the machine (five with vfio-pci)" 5 "$(vfioholders --json | wc -l)"
	no_program_left "it leaves no program"
	is "what is neither group nor device: usage" 2 "$(vfioholders nonsense >/dev/null 2>&1; echo $?)"
	is "without root it says so" 2 "$(setpriv --reuid=65534 --clear-groups --bounding-set=-all --inh-caps=-all vfioholders 2>"$work/user.txt" >&2; echo $?)"
	has user "needs root"
}

test_vfioholders_without_vfio() {
	devices_release
	ok $? "modules unload"
	vfioholders >"$work/absent.txt" 2>&1
	is "without vfio: exits" 2 $?
	has absent "vfio is not loaded"
	devices_bind
	ok $? "and load again"
}

# A mediated device is called by a UUID.
test_vfioholders_mediated() {
	local uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1003 devices=/sys/bus/mdev/devices
	modprobe vfio_testparent
	echo $uuid >/sys/class/mdev_bus/vfio_testparent.0/mdev_supported_types/vfio_testparent-one/create
	vfioholders --json "$(basename "$(realpath $devices/$uuid/iommu_group)")" >"$work/mediated.json"
	is "a mediated device by all of its name" "['$uuid']" "$(json "$work/mediated.json" 'rows(name)[0]["devices"]')"
	echo 1 >$devices/$uuid/remove
	modprobe -r vfio_testparent
	ok $? "and its parent goes"
}

test_vfioholders() {
	local group
	group=$(group_of $edu)
	test_vfioholders_nobody
	modprobe -q kvm_amd || modprobe -q kvm_intel
	modprobe vhost_net
	test_vfioholders_stages
	test_vfioholders_many
	test_vfioholders_duplicates
	test_vfioholders_flood
	test_vfioholders_mediated
	test_vfioholders_without_vfio
}
