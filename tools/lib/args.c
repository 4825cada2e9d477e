// SPDX-License-Identifier: GPL-2.0-only
/*
 * [options] [interval [count]]: the options that every tool has, a tool's own
 * added to them, and what a person is told who got them wrong.
 */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "outside.h"
#include "tool.h"

enum { OPTION_CGROUP = 0x100, OPTION_SOURCE, OPTION_REPLAY };

static const struct argp_option common_options[] = {
	{"help", 'h', NULL, 0, "Show this help", -1},
	{"version", 'V', NULL, 0, "Show the version", -1},
	{"verbose", 'v', NULL, 0, "Say what libbpf says", -1},
	{"pid", 'p', "PID", 0, "Only what this process has", 1},
	{"group", 'g', "GROUP", 0, "Only this IOMMU group", 1},
	{"device", 'd', "BDF", 0, "Only the group of this device", 1},
	{"cgroup", OPTION_CGROUP, "PATH", 0,
	 "Only processes in this cgroup and below", 1},
	{"source", OPTION_SOURCE, "auto|tracepoint|stock", 0,
	 "Where events come from", 1},
	{"replay", OPTION_REPLAY, "FILE", 0,
	 "Take events from a recording of vfiosnoop -w", 1},
	{"json", 'j', NULL, 0, "One JSON object a line", 2},
	{"timestamps", 'T', NULL, 0, "Show the time of day", 2},
	{},
};

static bool parse_long(const char *s, long min, long max, long *v)
{
	char *end;

	errno = 0;
	*v = strtol(s, &end, 10);
	return !errno && *s && !*end && *v >= min && *v <= max;
}

static error_t parse_argument(struct argp_state *state, struct run *run,
			      char *arg)
{
	char *end;

	if (run->tool->argument) {
		if (run->tool->argument(arg, run))
			argp_error(state, "what is \"%s\"?", arg);
		return 0;
	}
	if (state->arg_num == 0) {
		if (run->tool->look)
			run->count = -1;
		run->interval = strtod(arg, &end);
		run->timed = true;
		if (!*arg || *end || !(run->interval >= 0.01) ||
		    run->interval > 1e6)
			argp_error(state,
				   "an interval is seconds, such as 1 "
				   "or 0.5, not \"%s\"",
				   arg);
		return 0;
	}
	if (state->arg_num == 1) {
		if (!parse_long(arg, 1, LONG_MAX, &run->count))
			argp_error(state, "a count is 1 or more, not \"%s\"",
				   arg);
		return 0;
	}
	argp_error(state, "too many arguments");
	return EINVAL;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;
	long v;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = run;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case 'V':
		printf("%s %s\n", run->tool->name, VFIOSCOPE_VERSION);
		exit(TOOL_OK);
	case 'v':
		run->verbose = true;
		return 0;
	case 'p':
		if (!parse_long(arg, 1, INT_MAX, &v))
			argp_error(state, "a pid is a number, not \"%s\"", arg);
		run->filter.pid = v;
		return 0;
	case 'g':
		if (!parse_long(arg, 0, INT_MAX, &v))
			argp_error(state, "a group is a number, not \"%s\"",
				   arg);
		run->filter.group = v;
		return 0;
	case 'd':
		run->filter.device = arg;
		return 0;
	case OPTION_CGROUP:
		filter_set_cgroup(&run->filter, arg);
		return 0;
	case OPTION_SOURCE:
		if (strcmp(arg, "auto") && strcmp(arg, "tracepoint") &&
		    strcmp(arg, "stock"))
			argp_error(state,
				   "a source is auto, tracepoint or "
				   "stock, not \"%s\"",
				   arg);
		run->source_name = arg;
		return 0;
	case OPTION_REPLAY:
		run->replay = arg;
		return 0;
	case 'j':
		run->json = true;
		return 0;
	case 'T':
		run->timestamps = true;
		return 0;
	case ARGP_KEY_ARG:
		if (run->tool->command && state->quoted &&
		    state->next > state->quoted) {
			run->command = &state->argv[state->next - 1];
			state->next = state->argc;
			return 0;
		}
		return parse_argument(state, run, arg);
	case ARGP_KEY_END:
		/* A recording knows its own devices. */
		if (run->filter.device && !run->replay &&
		    !filter_set_device(&run->filter, run->filter.device) &&
		    !run->tool->any_device)
			argp_error(state,
				   "%s: no such device, or it is not "
				   "in an IOMMU group",
				   run->filter.device);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_own(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;
	error_t err;

	/* argp's own keys are above what an option may be. */
	if (!run || !run->tool->option || (key & ~0xffff))
		return ARGP_ERR_UNKNOWN;
	err = run->tool->option(key, arg, run);
	if (err == EINVAL)
		argp_error(state,
			   key < 0x100 ? "\"%s\" will not do for -%c"
				       : "\"%s\" will not do",
			   arg, key);
	return err;
}

void args_parse(struct run *run, int argc, char **argv)
{
	const struct tool *tool = run->tool;
	const struct argp own = {.options = tool->options, .parser = parse_own};
	const struct argp_child children[] = {{&own, 0, NULL, 0}, {}};
	struct argp argp = {.options = common_options,
			    .parser = parse_common,
			    .args_doc = tool->arguments ?: "[INTERVAL [COUNT]]",
			    .children = children};
	char *doc;

	outside_begin();
	if (asprintf(&doc, "%s\v%s", tool->summary, tool->examples) < 0)
		exit(TOOL_CANNOT);
	argp.doc = doc;
	argp_err_exit_status = TOOL_CANNOT;
	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, run);
	free(doc);
}
