// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiolat: how long maps, unmaps, their parts, attaching and opening take, as
 * histograms, and where the time of the maps went.
 *
 * The BPF side counts (vfiolat.h); each interval what it has counted since the
 * last one is added up by what was asked for. Without an interval it is shown
 * once, at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/out.h"
#include "lib/source.h"
#include "lib/tool.h"
#include "vfiolat.skel.h"
#include "vfiolat_profile.h"
#include "vfiolat_show.h"
#include "vfiolat_sums.h"
#include "vfiolat_verdict.h"

struct lat {
	struct lat_sums sums;
	struct lat_profile profile;
	bool profiled;
	struct lat_view view;
	unsigned int ops; /* a bit each; 0: all */
};

enum { OPTION_BY = 0x200 };

static const struct argp_option options[] = {
	{"by", OPTION_BY, "container|pid|group|size|backing", 0,
	 "Split the histograms by container, process, group, mapping size or "
	 "what is behind a mapping's address",
	 0},
	{"op", 'o', "OP", 0,
	 "Only this operation (map lock pin iommu run unmap unmap_iommu unpin "
	 "attach open dma_pin); may be given several times",
	 0},
	{"unit", 'u', "us|ms|ns", 0, "Unit of times in text, us by default", 0},
	{},
};

static error_t option_op(struct lat *lat, const char *arg)
{
	for (int i = 0; i < LAT_OPS; i++) {
		if (strcmp(arg, lat_ops[i].name))
			continue;
		lat->ops |= 1U << i;
		return 0;
	}
	return EINVAL;
}

static error_t option_unit(struct lat *lat, const char *arg)
{
	static const struct {
		const char *name, *unit;
		double scale;
	} units[] = {
		{"ns", "nsecs", 1}, {"us", "usecs", 1e3}, {"ms", "msecs", 1e6}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(arg, units[i].name))
			continue;
		lat->view.unit = units[i].unit;
		lat->view.scale = units[i].scale;
		return 0;
	}
	return EINVAL;
}

static error_t option(int key, char *arg, struct run *run)
{
	struct lat *lat = run->state;

	switch (key) {
	case OPTION_BY:
		for (int by = BY_CONTAINER; by < BYS; by++) {
			if (strcmp(arg, lat_by_names[by]))
				continue;
			lat->view.by = by;
			return 0;
		}
		tool_error("--by takes container, pid, group, size or backing, "
			   "not \"%s\"",
			   arg);
		exit(TOOL_CANNOT);
	case 'o':
		return option_op(lat, arg);
	case 'u':
		return option_unit(lat, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const void *elf(size_t *size)
{
	return vfiolat_bpf__elf_bytes(size);
}

static int begin(struct run *run)
{
	struct lat *lat = run->state;
	struct lat_config config = {.backing = lat->view.by == BY_BACKING};
	__u32 zero = 0;

	if (!run->replay)
		source_map_put(run->source, "settings", &zero, &config);
	if (!lat->view.unit)
		option_unit(lat, "us");
	run->batch = true;
	lat->profiled = lat_profile_open(run);
	if (!lat->profiled && run->verbose)
		tool_error("cannot sample the CPUs: faulting is not told from "
			   "pinning");
	return 0;
}

static bool shown(const struct lat *lat, const struct lat_sum *sum)
{
	return !lat->ops || lat->ops & 1U << sum->op;
}

static void show_title(struct run *run)
{
	time_t now = time(NULL);
	char clock[16];

	if (!run->timestamps)
		return;
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	out_line(run, SCREEN_TITLE, "%s", clock);
}

static int show(struct run *run)
{
	struct lat *lat = run->state;
	struct lat_verdict verdict;
	uint64_t ts = clock_ns(CLOCK_REALTIME);
	char text[256];

	if (lat_sums_add(&lat->sums, lat->view.by) < 0)
		return -1;
	if (lat->profiled)
		lat_profile_read(&lat->profile, run, &lat->sums);
	lat_verdict_make(&verdict, lat->sums.total,
			 lat->profiled ? &lat->profile : NULL);
	if (verdict.maps)
		lat_profile_told(&lat->profile);
	lat_verdict_text(&verdict, text, sizeof(text));
	if (!run->json)
		show_title(run);
	for (size_t i = 0; i < lat->sums.count; i++) {
		const struct lat_sum *sum = &lat->sums.sums[i];

		if (!shown(lat, sum))
			continue;
		if (run->json)
			lat_show_json(&lat->view, sum, ts, lat->sums.lost);
		else
			lat_show_text(run, &lat->view, sum);
	}
	if (run->json) {
		lat_show_json_verdict(&verdict, text, ts, lat->sums.lost);
		return 0;
	}
	out_line(run, SCREEN_PLAIN, "%s", text);
	if (lat->sums.lost)
		out_line(run, SCREEN_ALERT, "lost %llu",
			 (unsigned long long)lat->sums.lost);
	out_line(run, SCREEN_PLAIN, "%s", "");
	return 0;
}

static int tick(struct run *run)
{
	struct lat *lat = run->state;

	if (lat_sums_read(&lat->sums, run) < 0)
		return -1;
	if (!run->timed)
		return 0;
	if (show(run) < 0)
		return -1;
	lat_sums_tidy(&lat->sums, run);
	return 0;
}

static void end(struct run *run)
{
	struct lat *lat = run->state;

	if (!run->timed && run->exit_code == TOOL_OK &&
	    lat_sums_read(&lat->sums, run) >= 0 && show(run) >= 0)
		out_flush(run);
	lat_profile_close();
	lat_sums_close(&lat->sums);
}

static const struct tool vfiolat = {
	.name = "vfiolat",
	.summary = "Shows how long maps, unmaps, their parts, attaching groups "
		   "and opening devices take, as histograms, and where the "
		   "time of maps went. Until it is interrupted, or each "
		   "INTERVAL.",
	.examples =
		"Examples:\n"
		"  vfiolat                 all there is, when interrupted\n"
		"  vfiolat -o map 5 12     maps, each 5 seconds of a minute\n"
		"  vfiolat --by size       by powers of two of the mapping\n"
		"  vfiolat --by pid -u ms  a process each, in milliseconds\n"
		"  vfiolat -j 1 | jq -r .verdict//empty\n"
		"                          where the time goes, each second",
	.options = options,
	.option = option,
	.elf = elf,
	.state_size = sizeof(struct lat),
	.begin = begin,
	.tick = tick,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfiolat, argc, argv);
}
