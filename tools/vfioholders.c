// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfioholders: who keeps a VFIO container, group or device alive, now.
 *
 * lib/holders.c finds them; here it is chosen, by group, device or process, and
 * written down.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/host.h"
#include "lib/tool.h"
#include "vfioholders_show.h"

#include <bpf/libbpf.h>

struct state {
	struct holders holders;
	int *wanted; /* groups, by argument */
	size_t wanted_count;
	bool counted; /* how often was said */
};

static const struct argp_option options[] = {
	{"interval", 'i', "SECONDS", 0, "Look again and again", 0},
	{"count", 'c', "COUNT", 0, "So often", 0},
	{},
};

static error_t option(int key, char *arg, struct run *run)
{
	struct state *s = run->state;
	char *end;

	switch (key) {
	case 'i':
		run->interval = strtod(arg, &end);
		if (!*arg || *end ||
		    !(run->interval >= 0.01 && run->interval <= 1e6))
			return EINVAL;
		if (!s->counted)
			run->count = -1;
		return 0;
	case 'c':
		s->counted = true;
		run->count = strtol(arg, &end, 10);
		return !*arg || *end || run->count < 1 ? EINVAL : 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* GROUP, /dev/vfio/GROUP or a device's name. */
static error_t argument(char *arg, struct run *run)
{
	static const char dev[] = "/dev/vfio/";
	struct filter filter = {.device_group = -1};
	struct state *s = run->state;
	int *wanted;
	char *end;
	long id;

	if (!strncmp(arg, dev, sizeof(dev) - 1))
		arg += sizeof(dev) - 1;
	id = strtol(arg, &end, 10);
	if (!*arg || *end || id < 0 || id > INT_MAX) {
		if (!filter_set_device(&filter, arg))
			return EINVAL;
		id = filter.device_group;
	}
	wanted = realloc(s->wanted, (s->wanted_count + 1) * sizeof(*wanted));
	if (!wanted)
		return ENOMEM;
	wanted[s->wanted_count++] = id;
	s->wanted = wanted;
	return 0;
}

static bool is_wanted(const struct state *s, int id)
{
	for (size_t i = 0; i < s->wanted_count; i++)
		if (s->wanted[i] == id)
			return true;
	return !s->wanted_count;
}

static bool chosen(const struct held_group *g, void *arg)
{
	const struct run *run = arg;

	return is_wanted(run->state, g->id) &&
	       held_group_match(g, &run->filter);
}

static int begin(struct run *run)
{
	run->batch = true;
	if (!run->verbose)
		libbpf_set_print(NULL);
	return host_check() ? 0 : -1;
}

static int tick(struct run *run)
{
	struct state *s = run->state;
	size_t shown = 0;

	if (holders_take_sure(&s->holders, chosen, run))
		return -1;
	if (run->timestamps && !run->json)
		show_time(run);
	for (size_t i = 0; i < s->holders.count; i++) {
		const struct held_group *g = &s->holders.groups[i];

		if (!chosen(g, run))
			continue;
		if (run->json)
			show_json(run, g);
		else
			show_text(run, &s->holders, g, !shown);
		shown++;
		if (g->unaccounted)
			run->exit_code = TOOL_FOUND;
	}
	if (!s->holders.count)
		tool_error("there is no group: no VFIO driver (such as "
			   "vfio-pci) has a device");
	else if (!shown)
		tool_error("no group is like that: no VFIO driver has a device "
			   "of it, or who was asked for holds none");
	return 0;
}

static void end(struct run *run)
{
	struct state *s = run->state;

	holders_close(&s->holders);
	free(s->wanted);
}

static const struct tool vfioholders = {
	.name = "vfioholders",
	.summary = "Shows who keeps VFIO groups, their containers and devices "
		   "alive, and what nobody accounts for.",
	.examples = "Examples:\n"
		    "  vfioholders               every group\n"
		    "  vfioholders /dev/vfio/12  who has it: EBUSY\n"
		    "  vfioholders 0000:01:00.0  the group of this device\n"
		    "  vfioholders -p 4711       what this process holds\n"
		    "  vfioholders -j -i 10      as JSON, every 10 seconds\n"
		    "Exits with 1 if a user of a group is not accounted for.",
	.options = options,
	.option = option,
	.look = true,
	.arguments = "[GROUP|BDF|/dev/vfio/GROUP...]",
	.argument = argument,
	.state_size = sizeof(struct state),
	.begin = begin,
	.tick = tick,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfioholders, argc, argv);
}
