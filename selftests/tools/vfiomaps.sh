# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# vfiomaps: every mapping of the clients, what is behind it, and the ledger.

# Reads lines "NAME | WANTED | EXPRESSION". An expression of python3 sees m, the
# client's mappings, l, the ledgers of its containers with the most needed first,
# and at(IOVA). One process for all: it takes long to start in the VM.
maps_are() {
	local wanted seen name
	while IFS='|' read -r name wanted seen; do
		is "$name" "$wanted" "$seen"
	done < <(CLIENT=$client python3 -c '
import json, os, sys
client = int(os.environ["CLIENT"])
with open(sys.argv[1]) as f:
    rows = [json.loads(line) for line in f]
m = [r for r in rows if "ledger" not in r and r["pid"] == client]
l = [r["ledger"] for r in rows if "ledger" in r and r["ledger"]["pid"] == client]
l.sort(key=lambda x: -x["needed_bytes"])
def at(iova):
    return [r for r in m if r["iova"] == iova][0]
for line in sys.stdin:
    name, wanted, expression = (part.strip() for part in line.split(" | ", 2))
    try:
        seen = eval(expression)
    except Exception as e:
        seen = repr(e)
    print(name, wanted, seen, sep="|")' "$1")
	wait $! || ok 1 "the mappings can be read" -- "$1"
}

status_bytes() {
	awk -v field="$1:" '$1 == field { print $2 * 1024 }' "/proc/$client/status"
}

test_vfiomaps_workload() {
	local log=$work/maps.json page=4096 huge=$((2 << 20))
	client_start
	go held
	vfiomaps --json >"$log" 2>"$work/maps.err"
	is "vfiomaps exits" 0 $?
	is "nothing else is said" "" "$(cat "$work/maps.err")"
	maps_are "$log" <<-TXT
		held: mappings | 24 | len(m)
		held: their addresses | True | [r["iova"] for r in m] == [i * 8192 for i in range(23)] + [1 << 30]
		held: of 4 KiB | 23 | sum(r["size"] == 4096 for r in m)
		held: of 2 MiB | 1 | sum(r["size"] == 2 << 20 for r in m)
		held: protection | {3} | {r["prot"] for r in m}
		held: all pinned | {True} | {r["pinned"] for r in m}
		held: who | {'tools_workload'} | {r["comm"] for r in m}
		held: vaddr steps by a page | {4096} | {b["vaddr"] - a["vaddr"] for a, b in zip(m[:22], m[1:23])}
		held: every key | [] | [k for k in "container pid comm iova size vaddr prot backing page_size runs".split() if k not in m[0]]
		held: the ledger's mappings | 24 | l[0]["maps"]
		held: the ledger's limit | $(cat /sys/module/vfio_iommu_type1/parameters/dma_entry_limit) | l[0]["dma_entry_limit"]
		held: VmLck | $(status_bytes VmLck) | l[0]["vmlck_bytes"]
		held: VmPin | $(status_bytes VmPin) | l[0]["vmpin_bytes"]
		held: charged | $((23 * page + huge)) | l[0]["locked_vm_bytes"]
		held: root is not limited | (True, None, True) | (l[0]["ipc_lock"], l[0]["memlock_left"], l[0]["one_more_fits"])
	TXT
	go busy
	vfiotop --json -1 >"$work/top.json"
	vfiomaps --json >"$log"
	maps_are "$log" <<-TXT
		busy: of 4 KiB | 37 | sum(r["size"] == 4096 for r in m)
		busy: sum | $((37 * page + 4 * huge)) | sum(r["size"] for r in m)
		busy: as vfiotop has it | $(json "$work/top.json" '(mine(name)["maps"], mine(name)["pinned_bytes"])') | (len(m), l[0]["locked_vm_bytes"])
	TXT
	vfiomaps --json -m 2M -s size >"$log"
	maps_are "$log" <<<"of 2 MiB and more, by size | [$((3 * huge)), $huge] | [r['size'] for r in m]"
	vfiomaps --json --fold -m 2M >"$log"
	maps_are "$log" <<<"folded, the two large ones are one | [(2, $((4 * huge)))] | [(r['maps'], r['size']) for r in m]"
	vfiomaps -p "$client" >"$work/maps.txt"
	is "text: 39 rows" 39 "$(grep -c '^ *0x' "$work/maps.txt")"
	is "text: 80 columns" 0 "$(awk 'length > 80' "$work/maps.txt" | wc -l)"
	grep -q 'a second container: fits' "$work/maps.txt"
	ok $? "text: the ledger says whether one more fits" "$(tail -5 "$work/maps.txt")"
	is "another pid has none" "no container of those asked for" "$(vfiomaps -p 1)"
	client_end
}

test_vfiomaps_kinds() {
	local log=$work/maps.json base=0x100000000 apart=0x10000000 kind
	echo 8 >/proc/sys/vm/nr_hugepages
	client_start backings kinds
	go held
	vfiomaps --json >"$log"
	{
		while read -r nth kind size page prot; do
			echo "$kind: kind, size, page, protection | ('$kind', $size, $page, $prot) | (lambda r: (r['backing'], r['size'], r['page_size'], r['prot']))(at($base + $nth * $apart))"
		done <<-TXT
			0 anon $((13 * 4096)) 4096 3
			1 thp $((6 << 20)) $((2 << 20)) 3
			2 hugetlb $((10 << 20)) $((2 << 20)) 3
			3 memfd $((17 * 4096)) 4096 3
			4 shmem $((7 * 4096)) 4096 3
			5 file $((3 * 4096)) 4096 1
			6 device $((1 << 20)) 4096 3
			7 none $((11 * 4096)) None 3
			8 hugetlb $((2 << 20)) $((2 << 20)) 3
			9 anon $((2 * 4096)) 4096 3
		TXT
		echo "huge pages' share | (0, 100) | (at($base)['huge_percent'], at($base + $apart)['huge_percent'])"
		echo "a BAR is not charged | $(status_bytes VmLck) | l[0]['locked_vm_bytes']"
		if [ "$VFIOSCOPE_MODULES" = ours ]; then
			echo "hugetlb's runs | True | 1 <= at($base + 2 * $apart)['runs'] <= 5"
			echo "anonymous pages' runs | True | 1 <= at($base)['runs'] <= 13"
			echo "a huge page is one run | 1 | at($base + 8 * $apart)['runs']"
			echo "a BAR is one run | 1 | at($base + 6 * $apart)['runs']"
		else
			echo "runs are not known | {None} | {r['runs'] for r in m}"
		fi
	} >"$work/wanted"
	maps_are "$log" <"$work/wanted"
	vfiomaps -g "$(basename "$(realpath /sys/bus/pci/devices/0000:00:10.0/iommu_group)")" >"$work/maps.txt"
	for kind in anon thp hugetlb memfd shmem file device none; do
		is "text: $kind in its rows and a total" \
			$([ $kind = hugetlb ] || [ $kind = anon ] && echo 3 || echo 2) "$(grep -v 'container: \|one more' "$work/maps.txt" | grep -cw "$kind")"
	done
	client_end
	echo 0 >/proc/sys/vm/nr_hugepages
}

test_vfiomaps_many() {
	local log=$work/maps.json limit start took
	limit=$(cat /sys/module/vfio_iommu_type1/parameters/dma_entry_limit)
	client_start backings many "$limit"
	go held
	start=$(date +%s%N)
	vfiomaps --json --fold >"$log"
	took=$((($(date +%s%N) - start) / 1000000))
	maps_are "$log" <<-TXT
		many: complete | ($limit, 0, True) | (l[0]["maps"], l[0]["dma_avail"], l[0]["complete"])
		many: sum | $((limit * 4096)) | l[0]["mapped_bytes"]
		many: all follow each other | [($limit, $((limit * 4096)), 0)] | [(r["maps"], r["size"], r["iova"]) for r in m]
	TXT
	[ $took -lt 30000 ]
	ok $? "many: within seconds" "$took ms"
	echo "# $limit mappings read in $took ms"
	client_end
}

test_vfiomaps_limited() {
	local log=$work/maps.json page=4096
	client_start backings limited
	go held
	vfiomaps --json -l >"$log"
	is "limited: 27 pages are locked" $((27 * page)) "$(status_bytes VmLck)"
	maps_are "$log" <<-TXT
		limited: VmLck | {$((27 * page))} | {x["vmlck_bytes"] for x in l}
		limited: RLIMIT_MEMLOCK | {$((47 * page))} | {x["memlock_limit"] for x in l}
		limited: of two containers | [($((19 * page)), $((3 * page))), ($((3 * page)), $((19 * page)))] | [(x["locked_vm_bytes"], x["other_containers_bytes"]) for x in l]
		limited: by other means | {$((5 * page))} | {x["elsewhere_bytes"] for x in l}
		limited: one more fits either way | [True, True] | [x["one_more_fits"] for x in l]
	TXT
	go more
	vfiomaps --json -l >"$log"
	maps_are "$log" <<-TXT
		more: the larger one fits no more | [False, True] | [x["one_more_fits"] for x in l]
		more: left | {$((16 * page))} | {x["memlock_left"] for x in l}
	TXT
	vfiomaps -l >"$work/maps.txt"
	grep -q "prlimit --pid $client --memlock=$(((31 + 23) * page))" "$work/maps.txt"
	ok $? "more: the fix as a command" -- "$work/maps.txt"
	client_end
}

test_vfiomaps() {
	test_vfiomaps_workload
	test_vfiomaps_kinds
	test_vfiomaps_many
	test_vfiomaps_limited
	is "an interval repeats" 3 "$(vfiomaps 0.2 3 | grep -c 'no container')"
	is "a closed pipe ends it quietly" 0 "$(vfiomaps 0.1 9 | head -1 >/dev/null; echo "${PIPESTATUS[0]}")"
	is "an unknown size is a usage error" 2 "$(vfiomaps -m big >/dev/null 2>&1; echo $?)"
	is "without root it says so" 2 "$(setpriv --reuid=65534 --clear-groups --bounding-set=-all --inh-caps=-all vfiomaps >/dev/null 2>&1; echo $?)"
	no_program_left "it leaves no program"
}
