# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# TAP, the client, and what its rows say; sourced by run-all before the parts.

n=0 passed=0 failed=0 client=0

# ok CONDITION-STATUS NAME [WHAT-WAS-SEEN | -- FILE-WITH-IT ..]
ok() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $n $2"
	else
		failed=$((failed + 1))
		echo "not ok $n $2"
		case ${3-} in
		'') ;;
		--) cat "${@:4}" | head -30 | sed 's/^/# /' ;;
		*) head -30 <<<"$3" | sed 's/^/# /' ;;
		esac
	fi
}

# is NAME WANTED SEEN
is() {
	[ "$2" = "$3" ]
	ok $? "$1: $2" "seen: $3"
}

# counted NAME COMMAND ..: counts what it says, lines "ok NAME" and "not ok NAME"; NAME
# is that of its coming to its end.
counted() {
	local name=$1 line
	shift
	while read -r line; do
		case $line in
		"ok "*) ok 0 "${line#ok }" ;;
		"not ok "*) ok 1 "${line#not ok }" ;;
		*) echo "$line" ;;
		esac
	done < <("$@" 2>&1 && echo "ok $name" || echo "not ok $name")
}

# soon WANTED COMMAND ..: waits until the command prints that; a check comes after it.
soon() {
	local wanted=$1 end=$((SECONDS + 60))
	shift
	until [ "$("$@")" = "$wanted" ]; do
		[ $SECONDS -lt $end ] || return
		pause 0.2
	done
}

# client_start [NAME [ARG ..]]: starts a client, the workload if it is not said
# which; `go PHASE` lets it run to the end of that phase.
client_start() {
	rm -f "$work"/{in,out}
	mkfifo "$work/in" "$work/out"
	"$bin/selftests/tools_${1:-workload}" "${@:2}" <"$work/in" >"$work/out" &
	client=$!
	exec 7>"$work/in" 8<"$work/out"
}

go() {
	local said
	[ "$1" = held ] || echo >&7
	read -r -t 120 said <&8
	[ "$said" = "$1" ] || ok 1 "the client reached phase $1" "$said"
}

# client_end [eof]: a line ends its last phase, or only the end of its input.
client_end() {
	[ "${1-}" = eof ] || echo >&7
	exec 7>&-
	ended 120 "$client"
	ok $? "the client ended well"
	exec 8<&-
}

coproc ANSWERS { exec python3 "$here/answer.py"; }
# The shell's own are not open in its subshells.
exec 5>&"${ANSWERS[1]}" 6<&"${ANSWERS[0]}"

# ask PRELUDE FILE EXPRESSION: what Python says of it; see answer.py.
ask() {
	local answer
	printf '%s\0' "$1" "$client" "$2" "$3" >&5
	IFS= read -r -t 60 -u 6 answer || answer="no answer"
	echo "$answer"
}

rows_prelude='
def rows(name):
    with open(name) as f:
        return [json.loads(line) for line in f if line.startswith("{")]
def all_mine(name):
    return [r for r in rows(name) if r["pid"] == client]
def mine(name):
    return all_mine(name)[-1]'

# An expression sees rows(FILE) and mine(FILE): the last row of the client.
# json FILE EXPRESSION
json() {
	ask "$rows_prelude" "$@"
}

# listening NAME [COUNT]: whether so many programs of that name are loaded, and
# all of ours attached, soon. The programs are counted last: none that is loaded
# meanwhile is taken for one that is attached.
listening() {
	local tries all links
	for ((tries = 0; tries < 300; tries++)); do
		links=$(bpftool link show 2>/dev/null | grep -cE ': (tracing|raw_tracepoint) ')
		all=$(bpftool prog show 2>/dev/null)
		[ "$(grep -c "name $1" <<<"$all")" -ge "${2:-1}" ] &&
			[ "$links" -ge "$(grep -cE 'name (st|tp)__' <<<"$all")" ] &&
			return
		pause 0.2
	done
	return 1
}

programs() {
	bpftool prog show | grep -c '^[0-9]*:'
}

# no_program_left NAME: there are as many as before the first tool, soon: the kernel
# frees them a while after the end of who had them.
no_program_left() {
	soon "$idle" programs
	is "$1" "$idle" "$(programs)"
}

# Sanitizers that say nothing are to be believed only if they can speak.
test_sanitizers() {
	local fault
	for fault in overrun freed leak overflow; do
		"$bin/selftests/tools_faulty" $fault >/dev/null 2>&1
		[ -n "$(sanitize_reports)" ]
		ok $? "sanitizers report: $fault"
	done
}
