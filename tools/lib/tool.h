/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shared runner. A tool is a struct tool: what it is called, which options
 * and BPF programs it has, and what to do when the clock ticks, an event
 * arrives or a key is pressed. tool_main() does the rest: arguments, signals,
 * open, load and attach, waiting for modules, the one main loop, the screen,
 * and the exit code.
 */
#ifndef VFIOSCOPE_TOOL_H
#define VFIOSCOPE_TOOL_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "filter.h"

enum tool_exit {
	TOOL_OK = 0,
	TOOL_FOUND = 1,	 /* what was looked for was found to be wrong */
	TOOL_CANNOT = 2, /* usage, or cannot run here */
};

struct source;
struct run;

struct tool {
	const char *name;
	const char *summary;
	const char *examples;

	/* Options beside the common ones. @option returns ARGP_ERR_UNKNOWN
	 * for what it does not know.
	 */
	const struct argp_option *options;
	error_t (*option)(int key, char *arg, struct run *run);

	/* Shows what is, not what happens: looks at once, and once unless an
	 * interval is given. Never takes the screen.
	 */
	bool look;
	/* What stands where others have interval and count: for the help, and
	 * who takes each, returning as @option does.
	 */
	const char *arguments;
	error_t (*argument)(char *arg, struct run *run);
	/* -d may name what is not there; the tool says so. */
	bool any_device;
	/* Has something to show while its programs are being attached, which a
	 * call that goes on for long holds up.
	 */
	bool early;
	/* "-- COMMAND [ARG ..]" is taken as well. */
	bool command;

	/* BPF programs, as the skeleton embeds them; NULL: none. */
	const void *(*elf)(size_t *size);

	/* Size of run->state, which begins as zeroes. */
	size_t state_size;

	/* The maps exist, nothing is attached yet. Negative: could not, and
	 * has said why.
	 */
	int (*begin)(struct run *run);
	/* Once an interval, and on a key. Negative: stop with TOOL_CANNOT. */
	int (*tick)(struct run *run);
	/* A record of the ring buffer map "events", if there is one. */
	int (*event)(struct run *run, const void *data, size_t size);
	/* A key; true: draw again. The runner knows q. */
	bool (*key)(struct run *run, int key);
	void (*end)(struct run *run);

	/* A server's part of the loop: the fd that it waits for, which there
	 * is once @begin was called, in how many ms it must be served at the
	 * latest (negative: that does not matter), and its turn, with the
	 * time in run->now_ns. It has its ticks without vfio as well, and its
	 * standard output may be closed.
	 */
	int (*serve_fd)(struct run *run);
	int (*serve_in)(struct run *run);
	void (*serve)(struct run *run);
};

struct run {
	const struct tool *tool;
	void *state;

	/* Arguments. */
	double interval; /* seconds */
	bool timed;	 /* it was given */
	long count;	 /* ticks left; negative: without end */
	char **command;	 /* behind --, NULL: none */
	bool json;
	bool timestamps;
	bool verbose;
	bool once;   /* nothing to wait for: fail if vfio is not there */
	bool batch;  /* no screen, even on a terminal */
	bool screen; /* a full screen is in use */
	struct filter filter;
	const char *source_name;
	const char *replay; /* the recording to play, NULL: live */
	size_t buffer;	    /* bytes of the ring buffer; 0: the tool's usual */

	/* What is running. */
	struct source *source;
	double elapsed;	  /* seconds since the last tick */
	uint64_t now_ns;  /* of this tick or turn, CLOCK_MONOTONIC */
	uint64_t real_ns; /* the same since 1970 */
	/* What CLOCK_MONOTONIC lags behind the time since 1970, at the start:
	 * an event's time is told by adding it.
	 */
	uint64_t epoch_ns;
	bool redraw; /* this tick is for a key: no time has passed */
	bool stop;
	int exit_code;
};

int tool_main(const struct tool *tool, int argc, char **argv);

/* Says "NAME: ..." on stderr, outside the screen. */
void tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* VFIOSCOPE_TOOL_H */
