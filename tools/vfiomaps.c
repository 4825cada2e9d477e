// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiomaps: the mappings of every container and the books they are in, as they
 * are now. Nothing is listened to: the backend's own tree is read.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/host.h"
#include "lib/size.h"
#include "lib/tool.h"
#include "vfiomaps.h"

#define WIDTH	   80
#define WIDE_WIDTH 4096
#define KIB	   1024
#define MIB	   (1 << 20)

struct maps {
	struct maps_model model;
	const struct column *sort;
	int64_t min_size;
	bool fold;
	bool ledger_only;
	bool wide;
};

static void text_hex(uint64_t v, char *buf, size_t size)
{
	snprintf(buf, size, "0x%llx", (unsigned long long)v);
}

static void text_iova(const void *row, char *buf, size_t size)
{
	text_hex(((const struct maps_row *)row)->iova, buf, size);
}

static struct json_object *json_iova(const void *row)
{
	return json_object_new_uint64(((const struct maps_row *)row)->iova);
}

static void text_vaddr(const void *data, char *buf, size_t size)
{
	const struct maps_row *row = data;

	if (row->vaddr_valid)
		text_hex(row->vaddr, buf, size);
	else
		snprintf(buf, size, "-");
}

static struct json_object *json_vaddr(const void *data)
{
	const struct maps_row *row = data;

	return row->vaddr_valid ? json_object_new_uint64(row->vaddr) : NULL;
}

static void text_prot(const void *data, char *buf, size_t size)
{
	const struct maps_row *row = data;

	snprintf(buf, size, "%c%c", row->prot & 1 ? 'r' : '-',
		 row->prot & 2 ? 'w' : '-');
}

#define INT(key, head, width, rank, member, ...)                            \
	COLUMN(key, head, width, rank, COLUMN_INT, struct maps_row, member, \
	       ##__VA_ARGS__)
#define OWN(key, head, width, member, ...)                               \
	COLUMN(key, head, width, 0, COLUMN_OWN, struct maps_row, member, \
	       ##__VA_ARGS__)
#define IOVA   OWN("iova", "IOVA", 18, iova, .text = text_iova, .json = json_iova)
#define SIZE   INT("size", "SIZEKiB", 10, 0, size, .scale = KIB)
#define PROT   INT("prot", "PROT", 4, 0, prot, .text = text_prot)
#define PINNED COLUMN("pinned", "P", 1, 0, COLUMN_BOOL, struct maps_row, pinned)
#define BACKING                                     \
	OWN("backing", "BACKING", -7, backing.kind, \
	    .text = maps_row_text_backing, .json = maps_row_json_backing)
#define PAGE INT("page_size", "PAGEKiB", 7, 0, backing.page_size, .scale = KIB)
#define HUGE                                                                \
	COLUMN("huge_percent", "HUGE%", 5, 0, COLUMN_REAL, struct maps_row, \
	       backing.huge_percent)
#define RUNS INT("runs", "RUNS", 6, 0, runs)
#define MAPPER                                                               \
	INT("pid", "PID", 7, 1, pid),                                        \
		COLUMN("comm", "COMM", -15, 1, COLUMN_TEXT, struct maps_row, \
		       comm)

static const struct column columns[] = {
	INT("container", NULL, 0, 0, container),
	MAPPER,
	IOVA,
	SIZE,
	OWN("vaddr", "VADDR", 14, vaddr, .text = text_vaddr,
	    .json = json_vaddr),
	PROT,
	PINNED,
	BACKING,
	PAGE,
	HUGE,
	RUNS,
};
static const struct table table = {columns,
				   sizeof(columns) / sizeof(columns[0])};

/* With a count in the place of the address. */
static const struct column folded_columns[] = {
	INT("container", NULL, 0, 0, container),
	MAPPER,
	IOVA,
	SIZE,
	OWN("vaddr", NULL, 0, vaddr, .json = json_vaddr),
	INT("maps", "MAPS", 8, 0, maps),
	PROT,
	PINNED,
	BACKING,
	PAGE,
	HUGE,
	RUNS,
};
static const struct table folded_table = {
	folded_columns, sizeof(folded_columns) / sizeof(folded_columns[0])};

static const struct column total_columns[] = {
	BACKING,
	PAGE,
	PINNED,
	INT(NULL, "MAPS", 8, 0, maps),
	INT(NULL, "MiB", 10, 0, size, .scale = MIB, .decimals = 1),
	INT(NULL, "RUNS", 8, 0, runs),
};
static const struct table total_table = {
	total_columns, sizeof(total_columns) / sizeof(total_columns[0])};

static const struct argp_option options[] = {
	{"sort", 's', "KEY", 0,
	 "Sort by a column, named by its heading or JSON key (by iova)", 0},
	{"min-size", 'm', "SIZE", 0,
	 "Only mappings of SIZE bytes and more; K, M, G may follow", 0},
	{"fold", 'f', NULL, 0,
	 "One row for mappings of a kind that follow each other", 0},
	{"ledger", 'l', NULL, 0, "Only the ledgers, not the mappings", 0},
	{"wide", 'w', NULL, 0, "Every column, however wide", 0},
	{},
};

static error_t option(int key, char *arg, struct run *run)
{
	struct maps *maps = run->state;

	switch (key) {
	case 's':
		maps->sort = out_sort_column(&table, arg);
		return maps->sort || !strcasecmp(arg, "iova") ? 0 : EINVAL;
	case 'm':
		return size_parse(arg, &maps->min_size, NULL) ? 0 : EINVAL;
	case 'f':
		maps->fold = true;
		return 0;
	case 'l':
		maps->ledger_only = true;
		return 0;
	case 'w':
		maps->wide = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int begin(struct run *run)
{
	(void)run;
	if (!host_check())
		return -1;
	if (!access("/sys/module/vfio", F_OK))
		return 0;
	tool_error("vfio is not loaded, so nothing is mapped: modprobe vfio");
	return -1;
}

/* qsort has no argument for it. */
static const struct column *sorting;

static int compare(const void *a, const void *b)
{
	const struct maps_row *x = a, *y = b;
	int order = out_compare(sorting, x, y);

	return order ?: x->iova < y->iova ? -1 : 1;
}

static void show_rows(struct run *run, const struct maps_rows *rows)
{
	const struct maps *maps = run->state;
	const struct table *t = maps->fold ? &folded_table : &table;
	int width = maps->wide ? WIDE_WIDTH : WIDTH;

	if (!run->json && rows->count)
		out_header(run, t, width);
	for (size_t i = 0; i < rows->count; i++) {
		if (rows->list[i].size < maps->min_size)
			continue;
		if (run->json)
			out_json(run, t, &rows->list[i]);
		else
			out_row(run, t, width, &rows->list[i]);
	}
}

static void show_totals(struct run *run, const struct maps_rows *rows)
{
	struct maps_row totals[MAPS_KINDS];
	size_t count = maps_rows_kinds(rows, totals);

	if (count)
		out_header(run, &total_table, WIDTH);
	for (size_t i = 0; i < count; i++)
		out_row(run, &total_table, WIDTH, &totals[i]);
}

static int show_container(struct run *run, const struct maps_container *c)
{
	struct maps *maps = run->state;
	struct maps_ledger ledger = {};
	struct maps_rows rows;
	char title[256];

	if (!maps_rows_make(&rows, &maps->model.owners, c->held->id, c->list,
			    c->count)) {
		free(rows.list);
		tool_error("out of memory");
		return -1;
	}
	maps_ledger_make(&ledger, &maps->model, c, &rows);
	if (maps->fold)
		maps_rows_fold(&rows);
	if (maps->sort && rows.count) {
		sorting = maps->sort;
		qsort(rows.list, rows.count, sizeof(*rows.list), compare);
	}
	container_title(c->held, title, sizeof(title));
	if (!run->json)
		out_line(run, SCREEN_TITLE, "%s", title);
	if (!maps->ledger_only)
		show_rows(run, &rows);
	if (run->json) {
		maps_ledger_json(run, &ledger);
	} else {
		show_totals(run, &rows);
		maps_ledger_text(run, &ledger);
	}
	free(rows.list);
	return 0;
}

static int tick(struct run *run)
{
	struct maps *maps = run->state;
	struct maps_model *m = &maps->model;
	time_t now = time(NULL);
	char clock[16];
	size_t shown = 0;

	if (maps_model_take(m) < 0)
		return -1;
	if (run->timestamps && !run->json) {
		strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
		out_line(run, SCREEN_TITLE, "%s", clock);
	}
	for (size_t i = 0; i < m->count; i++) {
		const struct maps_container *c = &m->list[i];

		if (!filter_match(&run->filter, c->held->pid, c->held->groups,
				  c->held->group_count))
			continue;
		if (shown++ && !run->json)
			out_line(run, SCREEN_PLAIN, "%s", "");
		if (show_container(run, c) < 0)
			return -1;
	}
	if (!shown && !run->json)
		out_line(run, SCREEN_PLAIN, "no container %s",
			 m->count ? "of those asked for" : "is open");
	return 0;
}

static void end(struct run *run)
{
	struct maps *maps = run->state;

	maps_model_close(&maps->model);
}

static const struct tool vfiomaps = {
	.name = "vfiomaps",
	.summary = "Shows what is mapped in each VFIO container, what memory "
		   "is behind it, and what it is charged.",
	.examples =
		"Examples:\n"
		"  vfiomaps                 every mapping of every container\n"
		"  vfiomaps -p 1234 -f      of one process, neighbours folded\n"
		"  vfiomaps -m 2M -s size   those of 2 MiB and more, by size\n"
		"  vfiomaps -l 5            ledgers only, every 5 seconds\n"
		"  vfiomaps -j -d 0000:00:12.0\n"
		"                           who has this device, as JSON",
	.options = options,
	.option = option,
	.state_size = sizeof(struct maps),
	.look = true,
	.begin = begin,
	.tick = tick,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfiomaps, argc, argv);
}
