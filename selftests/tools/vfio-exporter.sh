# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154 # run-all sets work, bin, here and sanitized
# vfio-exporter's figures against clients whose every figure is known, both of its
# formats, what hostile clients may do to it, and the modules' going and coming.
# One exporter runs through all of it.

. "$here/../lib/prometheus.sh"
. "$here/vfioholders.sh" # its stages

url=http://127.0.0.1:18346

# scrape [CURL-OPTION ..]: into $work/prom.
scrape() {
	curl -sS -m 120 -o "$work/prom" "$@" $url/metrics 2>"$work/curl.err" ||
		cat "$work/curl.err"
}

prom_prelude='
import re
s = {}
with open(name) as f:
    for line in f:
        if not line.startswith("#"):
            sample, value = line.rsplit(None, 1)
            s[sample] = float(value) if "." in value or "I" in value else int(value)
def of(metric):
    return {k: v for k, v in s.items() if k.split("{")[0] == metric}
def one(metric):
    return [v for v in of(metric).values()]'

# prom EXPRESSION: of the last scrape; s[SAMPLE], of(METRIC), one(METRIC).
prom() {
	ask "$prom_prelude" "$work/prom" "$1"
}

# prom_are: lines of a name, what is wanted, and an expression, with bars between.
prom_are() {
	local name wanted expression
	while IFS='|' read -r name wanted expression; do
		is "${name% }" "$(sed 's/^ //; s/ $//' <<<"$wanted")" "$(prom "${expression# }")"
	done
}

# soon NAME EXPRESSION: scraped until it is True; what no event tells is looked at
# every ten seconds.
soon() {
	local tries
	for ((tries = 0; tries < 120; tries++)); do
		scrape
		[ "$(prom "$2")" != True ] || break
		pause 0.5
	done
	is "$1" True "$(prom "$2")"
}

exporter_start() {
	vfio-exporter >"$work/exporter.out" 2>&1 &
	exporter=$!
	listening "$last"
	ok $? "vfio-exporter listens to vfio" -- "$work/exporter.out"
}

test_exporter_workload() {
	local group bdf
	group=$(group_of "$edu")
	client_start
	go held
	go busy
	scrape
	prom_are <<-TXT
		maps | 56 | s['vfio_dma_map_duration_seconds_count']
		in the last bucket are all | 56 | s['vfio_dma_map_duration_seconds_bucket{le="+Inf"}']
		buckets rise | True | sorted(one('vfio_dma_map_duration_seconds_bucket')) == one('vfio_dma_map_duration_seconds_bucket')
		their time is theirs | True | 0 < s['vfio_dma_map_duration_seconds_sum'] < 30
		unmaps | 20 | s['vfio_dma_unmap_duration_seconds_count']
		mapped bytes | $((54 * 4096 + (8 << 20))) | s['vfio_dma_mapped_bytes_total']
		failures | {'vfio_dma_map_failures_total{errno="EEXIST"}': 7} | {k: v for k, v in of('vfio_dma_map_failures_total').items() if v}
		the usual errors are there | True | s['vfio_dma_map_failures_total{errno="ENOMEM"}'] == s['vfio_dma_map_failures_total{errno="ENOSPC"}'] == 0
		pinned bytes | [$((37 * 4096 + (8 << 20)))] | one('vfio_pinned_bytes')
		mappings | [39] | one('vfio_mappings')
		their limit | [$(cat /sys/module/vfio_iommu_type1/parameters/dma_entry_limit)] | one('vfio_mappings_limit')
		root has no limit to locked memory | [] | one('vfio_locked_vm_limit_bytes')
		no map is in flight | [0.0] | one('vfio_inflight_map_seconds')
		users | [2] | one('vfio_container_users')
		none is unaccounted for | 0 | s['vfio_unaccounted_users{group="$group"}']
		holders | [3, 0, 0, 0, 0, 0] | [s['vfio_holders{group="$group",kind="%s"}' % k] for k in "process mmap mm kvm external unbind".split()]
		the device is open | 1 | s['vfio_device_opens{device="$edu",group="$group"}']
		the group is viable | 1 | s['vfio_group_viable{group="$group"}']
		every group of vfio | $(for bdf in $DEVICES; do group_of "$bdf"; done | sort -u | wc -l) | len(of('vfio_group_viable'))
		external users | $([ "$VFIOSCOPE_MODULES" = ours ] && echo 0 || echo None) | s.get('vfio_external_users{group="$group"}')
		nothing is lost | 0 | sum(one('vfio_events_lost_total'))
		every look worked | [1, 1, 1] | one('vfio_exporter_collector_success')
		the source | ['vfio_exporter_source_info{source="$([ "$VFIOSCOPE_MODULES" = ours ] && echo tracepoint || echo stock)"}'] | list(of('vfio_exporter_source_info'))
		the build | ['vfio_exporter_build_info{version="$(vfio-exporter -V | cut -d' ' -f2)",kernel="$(uname -r)"}'] | list(of('vfio_exporter_build_info'))
		no label is an address or a pid | [] | [k for k in s if "pid=" in k or re.search(r'"[0-9]{6,}"|0x', k)]
		a container has a number | True | all(re.search(r'container="[0-9]{1,5}"', k) for k in of('vfio_pinned_bytes'))
	TXT
	is "vfiotop says the same" "$(prom "one('vfio_pinned_bytes')[0]")" "$(vfiotop -1 -j | python3 -c 'import json,sys; print(json.loads(sys.stdin.readline())["pinned_bytes"])')"
}

# The client is still there.
test_exporter_formats() {
	local listed='{l.split("\t")[0] for l in open(name + ".listed")}'
	promtool check metrics <"$work/prom" >"$work/lint" 2>&1
	is "promtool has nothing to say of the text" "0 " "$? $(cat "$work/lint")"
	vfio-exporter --metrics >"$work/prom.listed"
	is "what is listed is what is there" "set()" "$(prom "($listed ^ {l.split()[2] for l in open(name) if l.startswith('# TYPE')}) - {'vfio_external_users'}")"
	local line accept wanted
	while IFS='|' read -r wanted accept; do
		line=$(curl -s -o /dev/null -w '%{content_type}' ${accept:+-H "Accept: $accept"} $url/metrics)
		is "'$accept'" "$wanted" "${line%%;*}"
	done <<-TXT
		text/plain|
		text/plain|*/*
		text/plain|text/plain;version=0.0.4
		text/plain|application/openmetrics-text;q=0.1,text/plain
		text/plain|application/openmetrics-text;q=0
		application/openmetrics-text|application/openmetrics-text
		application/openmetrics-text|application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1
	TXT
	mv "$work/prom" "$work/prom.text"
	scrape -H 'Accept: application/openmetrics-text'
	is "OpenMetrics: ends so" "# EOF" "$(tail -1 "$work/prom")"
	/usr/bin/python3 - "$work/prom" >"$work/families" 2>&1 <<-'PY'
		import sys
		from prometheus_client.openmetrics.parser import text_fd_to_metric_families
		with open(sys.argv[1]) as f:
		    for family in text_fd_to_metric_families(f):
		        print(family.name, family.type, len(family.samples) > 0)
	PY
	is "OpenMetrics: a strict parser reads it" 0 $?
	is "OpenMetrics: every family" "$(grep -c '^# TYPE' "$work/prom.text")" "$(grep -c '^vfio_' "$work/families")"
	is "OpenMetrics: the same figures" "[]" "$(prom "[k for k, v in ((l.rsplit(None, 1)) for l in open(name + '.text') if l[0] != '#') if s.get(k) != float(v)]")"
}

test_exporter_pages() {
	local status
	is "/-/healthy" "vfio-exporter is healthy." "$(curl -s $url/-/healthy)"
	curl -s $url/ >"$work/page"
	grep -q "<td class=\"t\">tools_workload</td>" "$work/page"
	ok $? "/ has the client" -- "$work/page"
	for status in "404 $url/nothing" "405 -X POST -d x $url/metrics" "405 -X DELETE $url/metrics" "200 -I $url/metrics" "200 $url/metrics?x=y"; do
		# shellcheck disable=SC2086 # words
		is "${status#* }" "${status%% *}" "$(curl -s -o /dev/null -w '%{http_code}' ${status#* })"
	done
}

# Another one, of one group, with pids.
test_exporter_choice() {
	local url=http://127.0.0.1:18347 pid
	vfio-exporter --pids -g "$(group_of "$edu")" --web.listen-address=127.0.0.1:18347 >"$work/choice.out" 2>&1 &
	pid=$!
	listening "$last" 2
	ok $? "another one listens" -- "$work/choice.out"
	soon "--pids: the client's" "[re.search('pid=\"([0-9]+)', k)[1] for k in of('vfio_pinned_bytes')] == ['$client']"
	is "-g: this group alone" 1 "$(prom "len(of('vfio_group_viable'))")"
	is "-g: its device alone" "['vfio_device_opens{device=\"$edu\",group=\"$(group_of "$edu")\"}']" "$(prom "list(of('vfio_device_opens'))")"
	is "what it counts begins with it" 0 "$(prom "s['vfio_dma_map_duration_seconds_count']")"
	kill -TERM $pid
	ended 120 $pid
	is "and ends" 0 $?
}

test_exporter_hostile() {
	counted "the hostile clients came to their end" timeout 600 \
		python3 "$here/vfio_exporter_hostile.py" 18346 "$exporter" ${sanitized:+sanitized}
}

test_exporter_holders() {
	local group
	group=$(group_of "$edu")
	stage io_uring
	soon "a user that nobody accounts for" "s['vfio_unaccounted_users{group=\"$group\"}'] == 1"
	stage_end io_uring
	stage unbound
	soon "who waits in unbind" "s['vfio_unbind_waiting{group=\"$group\"}'] == 1"
	stage_end unbound
	if [ "$VFIOSCOPE_MODULES" = ours ]; then
		stage external
		soon "users in the kernel" "s['vfio_external_users{group=\"$group\"}'] == 2 and s['vfio_holders{group=\"$group\",kind=\"process\"}'] == 0"
		stage_end external
	fi
	soon "all is given back" "one('vfio_container_users') == [] and sum(one('vfio_holders')) + sum(one('vfio_unaccounted_users')) == 0"
}

test_exporter_limits() {
	client_start backings limited
	go held
	go more
	scrape
	prom_are <<-TXT
		locked memory | [$((31 * 4096)), $((31 * 4096))] | one('vfio_locked_vm_bytes')
		its limit | [$((47 * 4096)), $((47 * 4096))] | one('vfio_locked_vm_limit_bytes')
		two containers | [3, 23] | sorted(v // 4096 for v in one('vfio_pinned_bytes'))
	TXT
	client_end
}

# Only VT-d logs them so.
test_exporter_faults() {
	local before sample phase
	sample="vfio_iommu_faults_total{device=\"$edu\",group=\"$(group_of "$edu")\"}"
	scrape
	is "a device without faults is there" 0 "$(prom "s['$sample']")"
	before=$(dmesg | grep -c 'DMAR: \[DMA.*00:10.0')
	client_start faults
	for phase in held never read_only unmapped; do
		go $phase
	done
	soon "faults" "s['$sample'] == 3"
	is "as many as were logged" 3 "$(($(dmesg | grep -c 'DMAR: \[DMA.*00:10.0') - before))"
	go flood
	client_end
}

test_exporter_inflight() {
	local size=512 pid
	scrape # the client before this one may have mapped since the last one
	vfio_maps=$(prom "s['vfio_dma_map_duration_seconds_count']")
	rm -f "$work/cold"
	mkfifo "$work/cold"
	"$bin/selftests/tools_coldmap" $size <"$work/cold" >"$work/cold.out" &
	pid=$!
	exec 9>"$work/cold"
	soon "a map is in flight" "max(one('vfio_inflight_map_seconds'), default=0) > 0 and s['vfio_dma_map_duration_seconds_count'] == $vfio_maps"
	# It may end between two figures of one answer.
	soon "and it ends, and all of it is pinned" "one('vfio_inflight_map_seconds') == [0.0] and s['vfio_dma_map_duration_seconds_count'] == $vfio_maps + 1 and one('vfio_pinned_bytes') == [$((size << 20))]"
	exec 9>&-
	ended 60 $pid
	is "the client with a large map ends" 0 $?
}

# A container that goes while nobody listens is not there afterwards.
test_exporter_reload() {
	local maps group
	group=$(group_of "$edu")
	client_start
	go held
	soon "a container is there" "len(one('vfio_pinned_bytes')) == 1"
	maps=$(prom "s['vfio_dma_map_duration_seconds_count']")
	kill -USR1 "$exporter"
	soon "it lets go" "one('vfio_exporter_attached') == [0] and one('vfio_pinned_bytes') == []"
	go busy
	client_end
	devices_release
	ok $? "modules unload beside it"
	scrape
	prom_are <<-TXT
		without vfio it goes on | ([0], []) | (one('vfio_exporter_attached'), one('vfio_holders'))
		and forgets nothing | $maps | s['vfio_dma_map_duration_seconds_count']
	TXT
	is "it is healthy" "vfio-exporter is healthy." "$(curl -s $url/-/healthy)"
	devices_bind
	ok $? "modules load again"
	soon "it attaches again" "one('vfio_exporter_attached') == [1] and one('vfio_exporter_collector_success') == [1, 1, 1] and one('vfio_pinned_bytes') == []"
	client_start
	go held
	go busy
	scrape
	is "and counts on" $((maps + 56)) "$(prom "s['vfio_dma_map_duration_seconds_count']")"
	is "pinned bytes" "[$((37 * 4096 + (8 << 20)))]" "$(prom "one('vfio_pinned_bytes')")"
	soon "and knows who holds it" "s['vfio_holders{group=\"$group\",kind=\"process\"}'] == 3"
	client_end
}

test_exporter_usage() {
	is "an address in use" 2 "$(timeout 60 vfio-exporter >"$work/used" 2>&1; echo $?)"
	grep -q "cannot listen on 127.0.0.1:18346: Address already in use" "$work/used"
	ok $? "and it says so" -- "$work/used"
	is "no address" 2 "$(timeout 60 vfio-exporter --web.listen-address=nowhere >/dev/null 2>&1; echo $?)"
	is "a port that there cannot be" 2 "$(timeout 60 vfio-exporter --web.listen-address=127.0.0.1:183460 >/dev/null 2>&1; echo $?)"
	is "a word" 2 "$(timeout 60 vfio-exporter 1 >/dev/null 2>&1; echo $?)"
	is "--json is not for it" 2 "$(timeout 60 vfio-exporter --json >/dev/null 2>&1; echo $?)"
	is "without root it says so" 2 "$(timeout 60 setpriv --reuid=65534 --clear-groups --bounding-set=-all --inh-caps=-all vfio-exporter >/dev/null 2>&1; echo $?)"
}

test_vfio-exporter() {
	local last=tp__type1__dma_m exporter before vfio_maps
	[ "$VFIOSCOPE_MODULES" = ours ] || last=st__vfio__attac
	before=$(programs)
	exporter_start
	test_exporter_workload
	test_exporter_formats
	test_exporter_pages
	test_exporter_choice
	test_exporter_hostile
	client_end
	test_exporter_holders
	test_exporter_limits
	test_exporter_faults
	test_exporter_inflight
	test_exporter_reload
	test_exporter_usage
	kill -TERM "$exporter"
	ended 120 "$exporter" # letting go of the kernel's own modules takes its time
	is "ended by SIGTERM it exits" 0 $?
	is "it said nothing but that it waited" "vfio-exporter: vfio is not loaded (or was let go of); waiting for it" "$(cat "$work/exporter.out")"
	is "and leaves no program" "$before" "$(programs)"
}
