# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Waits for a process to end, but not for ever; sourced.

# pause SECONDS: sleeps and starts no program, as that takes an emulated CPU a tenth
# of a second. Nothing ever comes from this pipe.
exec {PAUSE}<> <(:)
pause() {
	read -rt "$1" -u "$PAUSE" _ || true
}

# gone SECONDS PID: whether it ends within that time.
gone() {
	local tries
	for ((tries = 0; tries < $1 * 5; tries++)); do
		kill -0 "$2" 2>/dev/null || return 0
		pause 0.2
	done
	return 1
}

# ended SECONDS PID: a child's status, 124 if it had to be killed.
ended() {
	if ! gone "$1" "$2"; then
		kill -KILL "$2"
		wait "$2"
		return 124
	fi
	wait "$2"
}

# hears_sigint PID: whether it has a handler for that, or reads it (signalfd).
hears_sigint() {
	local field value
	while read -r field value; do
		case $field in SigBlk: | SigCgt:) ;; *) continue ;; esac
		[ $((16#$value & 2)) -eq 0 ] || return 0
	done 2>/dev/null <"/proc/$1/status"
	return 1
}

# interrupted SECONDS PID: the same after SIGINT, said every five seconds for as long
# as it listens: bpftrace 0.17 does not hear one that comes while it handles an
# event, and is killed by one that comes while it ends, however long that takes.
interrupted() {
	local waited
	for ((waited = 0; waited < $1; waited += 5)); do
		! hears_sigint "$2" || kill -INT "$2" 2>/dev/null
		gone 5 "$2" && break
	done
	ended 1 "$2"
}
