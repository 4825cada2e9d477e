# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Where programs that were built with SANITIZE=1 report what they do wrong, and
# whether one did; sourced. They report into files, because their output is read
# by tests and their status may be nobody's concern.

SANITIZE_DIR=/run/sanitize

# sanitize_begin PROGRAM: whether it was built so; then all such report to there.
sanitize_begin() {
	local to=log_path=$SANITIZE_DIR/report
	grep -q __asan_init "$1" || return
	mkdir -p "$SANITIZE_DIR"
	chmod 1777 "$SANITIZE_DIR"
	export ASAN_OPTIONS=$to:detect_leaks=1:detect_stack_use_after_return=1:exitcode=99
	export UBSAN_OPTIONS=$to:print_stacktrace=1
}

# What was reported so far, with an end to it; then it is forgotten.
sanitize_reports() {
	find "$SANITIZE_DIR" -name 'report.*' -size +0 -exec head -n 40 {} +
	rm -f "$SANITIZE_DIR"/report.*
}
