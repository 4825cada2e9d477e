// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-exporter: the other tools' figures for Prometheus.
 *
 * Nothing is kept here: whoever asks gets what is there at that moment. The tick
 * only lets the sums of containers that have gone be given back, and reads the
 * kernel's log before it is overwritten.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/metrics.h"
#include "lib/source.h"
#include "lib/tool.h"
#include "lib/web.h"
#include "vfio-exporter.skel.h"
#include "vfio-exporter_look.h"
#include "vfio-exporter_metrics.h"
#include "vfio-exporter_page.h"

#define DEFAULT_ADDRESS "127.0.0.1:18346" /* 1-VFIO on a telephone's keys */

struct exporter {
	struct look look;
	struct web *web;
	const char *address;
	bool pids;
};

enum { OPTION_LISTEN = 0x200, OPTION_PIDS, OPTION_METRICS };

static const struct argp_option options[] = {
	{"web.listen-address", OPTION_LISTEN, "HOST:PORT", 0,
	 "Serve there; " DEFAULT_ADDRESS " by default, :PORT is every address",
	 0},
	{"pids", OPTION_PIDS, NULL, 0,
	 "Label what is of a container with its process's pid, too", 0},
	{"metrics", OPTION_METRICS, NULL, 0, "List the metrics, and end", 0},
	{},
};

static error_t option(int key, char *arg, struct run *run)
{
	struct exporter *e = run->state;

	switch (key) {
	case OPTION_LISTEN:
		e->address = arg;
		return 0;
	case OPTION_PIDS:
		e->pids = true;
		return 0;
	case OPTION_METRICS:
		export_list();
		exit(TOOL_OK);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t argument(char *arg, struct run *run)
{
	(void)arg;
	(void)run;
	return EINVAL;
}

static const void *elf(size_t *size)
{
	return vfio_exporter_bpf__elf_bytes(size);
}

static void say(struct web_answer *answer, unsigned int status,
		const char *words)
{
	answer->status = status;
	answer->type = "text/plain; charset=utf-8";
	answer->body = strdup(words);
	answer->size = strlen(words);
}

static void ask(void *arg, const char *path, const char *accept,
		struct web_answer *answer)
{
	struct run *run = arg;
	struct exporter *e = run->state;
	bool metrics = !strcmp(path, "/metrics"), open;

	if (!strcmp(path, "/-/healthy")) {
		say(answer, 200, "vfio-exporter is healthy.\n");
		return;
	}
	if (!metrics && strcmp(path, "/")) {
		say(answer, 404, "there are /, /metrics and /-/healthy\n");
		return;
	}
	look_take(&e->look, run);
	answer->status = 200;
	if (!metrics) {
		answer->type = "text/html; charset=utf-8";
		answer->body = page_write(&e->look, run, &answer->size);
		return;
	}
	open = metrics_wants_open(accept);
	answer->type = metrics_content_type(open);
	answer->body =
		export_write(&e->look, run, open, e->pids, &answer->size);
}

static int begin(struct run *run)
{
	struct exporter *e = run->state;

	run->batch = true;
	e->look.log = -1;
	if (run->json || run->replay) {
		tool_error("%s is not for an exporter, which serves what is "
			   "there now: see vfiotop",
			   run->json ? "--json" : "--replay");
		return -1;
	}
	if (look_begin(&e->look, run))
		return -1;
	e->web = web_open(e->address ?: DEFAULT_ADDRESS, ask, run);
	return e->web ? 0 : -1;
}

static int tick(struct run *run)
{
	struct exporter *e = run->state;

	look_tick(&e->look, run);
	return 0;
}

static void end(struct run *run)
{
	struct exporter *e = run->state;

	web_close(e->web);
	look_end(&e->look);
}

static int serve_fd(struct run *run)
{
	return web_fd(((struct exporter *)run->state)->web);
}

static int serve_in(struct run *run)
{
	return web_timeout(((struct exporter *)run->state)->web);
}

static void serve(struct run *run)
{
	web_serve(((struct exporter *)run->state)->web);
}

static const struct tool vfio_exporter = {
	.name = "vfio-exporter",
	.summary = "Serves metrics of VFIO to Prometheus: maps and unmaps, "
		   "pinned memory, mappings, users and who holds what, IOMMU "
		   "faults. In its text format or OpenMetrics, as asked for, "
		   "at /metrics; / is for people.",
	.examples =
		"Examples:\n"
		"  vfio-exporter           for a Prometheus on this host\n"
		"  vfio-exporter --web.listen-address=192.0.2.1:18346\n"
		"                          for one that comes by this address\n"
		"  vfio-exporter --metrics what there is\n"
		"  curl -s 127.0.0.1:18346/metrics\n"
		"                          what it says",
	.options = options,
	.option = option,
	.arguments = "",
	.argument = argument,
	.elf = elf,
	.early = true,
	.state_size = sizeof(struct exporter),
	.begin = begin,
	.tick = tick,
	.end = end,
	.serve_fd = serve_fd,
	.serve_in = serve_in,
	.serve = serve,
};

int main(int argc, char **argv)
{
	return tool_main(&vfio_exporter, argc, argv);
}
