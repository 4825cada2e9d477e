// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfioleak: what of VFIO was taken and not given back, by whom and on which way.
 *
 * The BPF side says of everything that is taken or given back (vfioleak.h), the
 * books match the one with the other. What was there before is found by a
 * snapshot. With a command, only what its processes took counts, and the exit
 * status says whether something was left of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/out.h"
#include "lib/source.h"
#include "lib/symbols.h"
#include "lib/tool.h"
#include "vfioleak.skel.h"
#include "vfioleak_books.h"
#include "vfioleak_command.h"
#include "vfioleak_show.h"

#define COMMAND_TICK 0.1		  /* seconds */
#define QUIET_NS     (1 * 1000000000ULL)  /* nothing moves any more */
#define SETTLE_NS    (10 * 1000000000ULL) /* after the command's end */
#define ATTACH_NS    (20 * 1000000000ULL) /* until all is listened to */

struct leak {
	struct leak_books books;
	struct leak_list list;
	struct leak_command command;
	unsigned int generation;
	uint64_t first_ns;
	double older_than; /* seconds */
	bool raw;
	bool looked;
	bool failed; /* out of memory, in an event */
};

static const struct argp_option options[] = {
	{"older", 'O', "AGE", 0,
	 "Leave out what was taken less than AGE seconds ago", 0},
	{"raw", 't', NULL, 0, "Show each get and put as it comes", 0},
	{},
};

static error_t option(int key, char *arg, struct run *run)
{
	struct leak *leak = run->state;
	char *end;

	switch (key) {
	case 'O':
		leak->older_than = strtod(arg, &end);
		return *arg && !*end && leak->older_than >= 0 ? 0 : EINVAL;
	case 't':
		leak->raw = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const void *elf(size_t *size)
{
	return vfioleak_bpf__elf_bytes(size);
}

static int begin(struct run *run)
{
	struct leak *leak = run->state;

	run->batch = true;
	if (!run->command)
		return 0;
	leak->list.family_only = true;
	run->interval = COMMAND_TICK;
	run->count = -1;
	return leak_command_prepare(run);
}

static int event(struct run *run, const void *data, size_t size)
{
	struct leak *leak = run->state;
	const struct leak_event *e = data;

	if (size < sizeof(*e))
		return 0;
	if (leak_books_enter(&leak->books, e) < 0)
		leak->failed = true;
	if (leak->raw) {
		leak_show_event(run, e, &leak->books);
		out_flush(run);
	}
	return 0;
}

/* When it begins, and when modules came or went. */
static bool look_due(struct run *run)
{
	struct leak *leak = run->state;

	return !leak->looked ||
	       source_generation(run->source) != leak->generation;
}

static int look(struct run *run)
{
	struct leak *leak = run->state;

	leak->generation = source_generation(run->source);
	symbols_forget();
	snapshot_close(&leak->books.snapshot);
	if (leak_books_begin(&leak->books) < 0)
		return -1;
	leak->looked = true;
	return 0;
}

static uint64_t lost(struct run *run)
{
	__u32 zero = 0;
	__u64 sum = 0;

	source_map_get(run->source, "lost", &zero, &sum);
	return sum;
}

static int show(struct run *run)
{
	struct leak *leak = run->state;
	uint64_t young = leak->older_than * 1e9;
	char clock[16] = "";
	time_t now = time(NULL);

	leak->list.older_than_ns =
		run->now_ns > young ? run->now_ns - young : 0;
	leak_books_refresh(&leak->books);
	if (!leak_list_build(&leak->list, run, &leak->books))
		return -1;
	if (run->json) {
		leak_list_show(&leak->list);
		return 0;
	}
	if (run->timestamps)
		strftime(clock, sizeof(clock), "%H:%M:%S ", localtime(&now));
	out_line(run, SCREEN_TITLE, "%s%zu outstanding, lost %llu", clock,
		 leak->list.count, (unsigned long long)lost(run));
	if (leak->list.count)
		leak_list_header(run);
	leak_list_show(&leak->list);
	return 0;
}

/* What is left behind decides, then how the command ended. */
static void judge(struct run *run)
{
	struct leak *leak = run->state;
	int status = leak->command.status;

	run->stop = true;
	if (leak->list.count) {
		run->exit_code = TOOL_FOUND;
	} else if (lost(run)) {
		tool_error("cannot say whether something was left behind: %llu "
			   "records were lost",
			   (unsigned long long)lost(run));
		run->exit_code = TOOL_CANNOT;
	}
	if (WIFSIGNALED(status))
		tool_error("%s was ended by signal %d", run->command[0],
			   WTERMSIG(status));
	else if (WEXITSTATUS(status))
		tool_error("%s exited with status %d", run->command[0],
			   WEXITSTATUS(status));
	if (status && !leak->list.count) {
		tool_error("it left nothing behind");
		run->exit_code = TOOL_CANNOT;
	}
}

static bool all_listens(struct run *run)
{
	struct leak *leak = run->state;

	if (!*source_status(run->source))
		return true;
	if (run->now_ns - leak->first_ns < ATTACH_NS)
		return false;
	tool_error("%s: load it before the command runs",
		   source_status(run->source));
	run->stop = true;
	run->exit_code = TOOL_CANNOT;
	return false;
}

static int command_tick(struct run *run)
{
	struct leak *leak = run->state;
	struct leak_command *c = &leak->command;
	uint64_t moved;

	if (!c->pid)
		return all_listens(run) ? leak_command_start(c, run) : 0;
	if (!leak_command_ended(c, run->now_ns))
		return 0;
	moved = leak->books.last_ns > c->ended_ns ? leak->books.last_ns
						  : c->ended_ns;
	if (run->now_ns < moved + QUIET_NS &&
	    run->now_ns < c->ended_ns + SETTLE_NS)
		return 0;
	if (show(run) < 0)
		return -1;
	judge(run);
	return 0;
}

static int tick(struct run *run)
{
	struct leak *leak = run->state;

	if (!leak->first_ns)
		leak->first_ns = run->now_ns;
	if (leak->failed) {
		tool_error("out of memory");
		return -1;
	}
	/* What was there before does not count. */
	if (run->command)
		return command_tick(run);
	if (look_due(run)) {
		/* What came meanwhile is read before anything is shown. */
		run->count += run->count > 0;
		return look(run);
	}
	return leak->raw ? 0 : show(run);
}

static void end(struct run *run)
{
	struct leak *leak = run->state;

	if (leak->command.pid && !leak->command.ended) {
		tool_error("stopped before the command ended");
		leak_command_stop(&leak->command);
		run->exit_code = TOOL_CANNOT;
	}
	leak_list_free(&leak->list);
	leak_books_close(&leak->books);
	symbols_forget();
}

static const struct tool vfioleak = {
	.name = "vfioleak",
	.summary = "Shows which references, users, pins and mappings of VFIO "
		   "were taken and not given back, since when, by whom and on "
		   "which way. With a COMMAND, runs it and exits with 1 if it "
		   "left anything behind.",
	.examples =
		"Examples:\n"
		"  vfioleak -- ./test-suite     for CI: 1 if something is "
		"left\n"
		"  vfioleak -O 60 10            taken over a minute ago\n"
		"  vfioleak -t -g 12            each get and put on group 12\n"
		"  vfioleak -j 1 1 | jq .kind   what is there now",
	.options = options,
	.option = option,
	.arguments = "[INTERVAL [COUNT]]\n-- COMMAND [ARG...]",
	.command = true,
	.elf = elf,
	.state_size = sizeof(struct leak),
	.begin = begin,
	.tick = tick,
	.event = event,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfioleak, argc, argv);
}
