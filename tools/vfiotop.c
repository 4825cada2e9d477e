// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiotop: a row a container: who has it, what is in it, how full it is and
 * what it is doing.
 *
 * Three things are joined by the container's id: the sums that the BPF side
 * keeps (vfiotop.h), who holds what (a snapshot, taken again when something
 * of it changed and every ten seconds for what no event tells, such as a
 * process that exits), and the backend's own books (a survey).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/tool.h"
#include "lib/source.h"
#include "vfiotop_row.h"
#include "vfiotop.skel.h"

#define BATCH_WIDTH 4096

struct top {
	struct top_model model;
	const struct column *sort;
	const char *sort_key;
	long rows; /* at most; 0: as many as fit */
	bool reverse;
	bool hide_idle;
	bool help;
};

static struct json_object *json_groups(const void *data)
{
	const struct top_row *row = data;
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < row->held.group_count; i++)
		json_object_array_add(list,
				      json_object_new_int(row->held.groups[i]));
	return list;
}

static struct json_object *json_devices(const void *data)
{
	const struct top_row *row = data;
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < row->held.device_count; i++)
		json_object_array_add(
			list, json_object_new_string(row->held.devices[i]));
	return list;
}

static struct json_object *json_inflight(const void *data)
{
	const struct top_row *row = data;
	struct json_object *f;

	if (!row->inflight.shown)
		return NULL;
	f = json_object_new_object();
	json_object_object_add(
		f, "op", json_object_new_string(flight_name(row->inflight.op)));
	json_object_object_add(f, "size",
			       json_object_new_int64(row->inflight.size));
	json_object_object_add(f, "done",
			       json_object_new_int64(row->inflight.done));
	json_object_object_add(f, "phase",
			       json_object_new_string(row->inflight.phase));
	json_object_object_add(
		f, "elapsed_ns",
		row->inflight.elapsed_ns < 0
			? NULL
			: json_object_new_int64(row->inflight.elapsed_ns));
	json_object_object_add(
		f, "eta_ns",
		row->inflight.eta_ns < 0
			? NULL
			: json_object_new_int64(row->inflight.eta_ns));
	return f;
}

/* The first and how many more: 10+2 */
static void text_groups(const void *data, char *buf, size_t size)
{
	const struct container *c = &((const struct top_row *)data)->held;

	if (!c->group_count)
		snprintf(buf, size, "-");
	else if (c->group_count == 1)
		snprintf(buf, size, "%d", c->groups[0]);
	else
		snprintf(buf, size, "%d+%zu", c->groups[0], c->group_count - 1);
}

static void text_devices(const void *data, char *buf, size_t size)
{
	const struct container *c = &((const struct top_row *)data)->held;

	if (!c->device_count)
		snprintf(buf, size, "-");
	else if (c->device_count == 1)
		snprintf(buf, size, "%s", c->devices[0]);
	else
		snprintf(buf, size, "%s+%zu", c->devices[0],
			 c->device_count - 1);
}

#define MIB (1 << 20)
#define GIB (1 << 30)

#define INT(key, head, width, rank, member, ...)                           \
	COLUMN(key, head, width, rank, COLUMN_INT, struct top_row, member, \
	       ##__VA_ARGS__)
#define REAL(key, head, width, rank, member, ...)                           \
	COLUMN(key, head, width, rank, COLUMN_REAL, struct top_row, member, \
	       ##__VA_ARGS__)
#define TEXT(key, head, width, rank, member) \
	COLUMN(key, head, width, rank, COLUMN_TEXT, struct top_row, member)
#define OWN(key, head, width, rank, ...)                                 \
	COLUMN(key, head, width, rank, COLUMN_OWN, struct top_row, held, \
	       ##__VA_ARGS__)

/* Rank 0 is within 80 columns; the others come with a wider terminal. */
static const struct column columns[] = {
	INT("container", NULL, 0, 0, container),
	INT(NULL, "CT", 3, 0, number),
	INT("pid", "PID", 7, 0, pid),
	TEXT("comm", "COMM", -9, 0, held.comm),
	TEXT("vm", "VM", -16, 1, held.vm),
	OWN("groups", "GRP", 4, 0, .json = json_groups, .text = text_groups),
	OWN("devices", "DEVICE", -14, 2, .json = json_devices,
	    .text = text_devices),
	INT("users", "USR", 3, 0, users),
	COLUMN("kvm", "K", 1, 0, COLUMN_BOOL, struct top_row, held.kvm),
	INT("maps", "MAPS", 5, 0, maps),
	INT("dma_entry_limit", "ENTLIM", 6, 4, dma_entry_limit),
	REAL(NULL, "ENT%", 4, 3, entries_percent),
	INT("pinned_bytes", "PINMiB", 6, 0, pinned_bytes, .scale = MIB,
	    .decimals = 1),
	INT("memlock_limit", "LIMMiB", 6, 3, memlock_limit, .scale = MIB),
	REAL("map_rate", "MAP/s", 6, 0, map_rate),
	REAL("unmap_rate", "UNM/s", 6, 0, unmap_rate),
	REAL("map_bytes_rate", "GiB/s", 5, 0, map_bytes_rate, .scale = GIB,
	     .decimals = 2),
	INT("map_p50_ns", "P50us", 6, 2, map_p50_ns, .scale = 1e3),
	INT("map_p99_ns", "P99us", 6, 0, map_p99_ns, .scale = 1e3),
	INT("map_max_ns", "MAXms", 6, 2, map_max_ns, .scale = 1e6,
	    .decimals = 1),
	INT("errors", "ERR", 3, 0, errors),
	INT("lost", NULL, 0, 0, lost),
	OWN("inflight", NULL, 0, 0, .json = json_inflight),
};

static const struct table table = {columns,
				   sizeof(columns) / sizeof(columns[0])};

static const struct argp_option options[] = {
	{"sort", 's', "KEY", 0,
	 "Sort by a column, named by its heading or JSON key (map_bytes_rate)",
	 0},
	{"rows", 'r', "ROWS", 0, "Show at most so many containers", 0},
	{"idle", 'i', NULL, 0, "Hide containers that do nothing", 0},
	{"noclear", 'C', NULL, 0, "Do not clear the screen: roll", 0},
	{"batch", 'b', NULL, 0, "Roll, with every column, however wide", 0},
	{"once", '1', NULL, 0, "Measure one interval, print it and end", 0},
	{},
};

static error_t option(int key, char *arg, struct run *run)
{
	struct top *top = run->state;
	char *end;

	switch (key) {
	case 's':
		top->sort_key = arg;
		return out_sort_column(&table, arg) ? 0 : EINVAL;
	case 'r':
		top->rows = strtol(arg, &end, 10);
		return *arg && !*end && top->rows > 0 ? 0 : EINVAL;
	case 'i':
		top->hide_idle = true;
		return 0;
	case 'C':
		run->batch = true;
		return 0;
	case 'b':
		run->batch = true;
		top->model.wide = true;
		return 0;
	case '1':
		run->once = true;
		run->count = 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const void *elf(size_t *size)
{
	return vfiotop_bpf__elf_bytes(size);
}

static int begin(struct run *run)
{
	struct top *top = run->state;

	top->sort = out_sort_column(&table, top->sort_key ?: "map_bytes_rate");
	return top_model_open(&top->model, run->source);
}

static void end(struct run *run)
{
	struct top *top = run->state;

	top_model_close(&top->model);
}

/* qsort has no argument for it. */
static const struct top *sorting;

static int compare(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int order = out_compare(sorting->sort, x, y);

	if (!order)
		order = x->container < y->container ? -1 : 1;
	return sorting->reverse ? -order : order;
}

static void show_inflight(struct run *run, const struct top_row *row)
{
	const struct top_flight *f = &row->inflight;
	char left[32] = "", since[32] = "";

	if (!f->shown)
		return;
	if (f->elapsed_ns >= 0)
		snprintf(since, sizeof(since), " for %.1f s",
			 f->elapsed_ns / 1e9);
	if (f->eta_ns >= 0)
		snprintf(left, sizeof(left), ", %.1f s left", f->eta_ns / 1e9);
	out_line(run, SCREEN_ALERT, "    `- %s %.2f/%.2f GiB %.0f%%%s, %s%s",
		 flight_name(f->op), f->done / (double)GIB,
		 f->size / (double)GIB, 100.0 * f->done / f->size, since,
		 f->phase, left);
}

static void show_title(struct run *run, const struct top *top, size_t shown)
{
	const struct top_model *m = &top->model;
	const char *status = source_status(run->source);
	char clock[16] = "";
	time_t now = run->real_ns / 1000000000;

	if (run->screen || run->timestamps)
		strftime(clock, sizeof(clock), "%H:%M:%S ", localtime(&now));
	out_line(run, SCREEN_TITLE,
		 "%s%zu of %zu containers, %.0f MiB pinned, %.0f map/s, "
		 "lost %llu%s%s",
		 clock, shown, m->count, m->pinned_bytes / (double)MIB,
		 m->map_rate, (unsigned long long)m->lost, *status ? "; " : "",
		 status);
}

static void show_help(struct run *run)
{
	static const char *const lines[] = {
		"q  quit                h  this help",
		"s  next sort column    o  previous sort column",
		"r  reverse the order   f  only the first row's process, all",
		"p  sort by pinned      g  sort by groups' users",
		"i  hide idle ones      any key goes back",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		out_line(run, SCREEN_PLAIN, "  %s", lines[i]);
}

static bool wanted(const struct run *run, const struct top_row *row)
{
	const struct top *top = run->state;

	if (top->hide_idle && row->idle)
		return false;
	return filter_match(&run->filter, row->held.pid, row->held.groups,
			    row->held.group_count);
}

static void show_table(struct run *run)
{
	struct top *top = run->state;
	struct top_model *m = &top->model;
	size_t shown = 0, max = top->rows ? (size_t)top->rows : m->count;
	int width = m->wide ? BATCH_WIDTH : run->screen ? screen_columns() : 80;

	for (size_t i = 0; i < m->count; i++)
		shown += wanted(run, &m->rows[i]);
	show_title(run, top, shown < max ? shown : max);
	if (top->help) {
		show_help(run);
		return;
	}
	out_header(run, &table, width);
	for (size_t i = 0; i < m->count && max; i++) {
		if (!wanted(run, &m->rows[i]))
			continue;
		out_row(run, &table, width, &m->rows[i]);
		show_inflight(run, &m->rows[i]);
		max--;
	}
}

static void show_json(struct run *run)
{
	struct top *top = run->state;
	size_t max = top->rows ? (size_t)top->rows : top->model.count;

	for (size_t i = 0; i < top->model.count && max; i++) {
		if (!wanted(run, &top->model.rows[i]))
			continue;
		out_json(run, &table, &top->model.rows[i]);
		max--;
	}
}

static int tick(struct run *run)
{
	struct top *top = run->state;

	if ((!run->redraw || !top->model.snapshot_ns) &&
	    top_model_update(&top->model, run) < 0)
		return -1;
	sorting = top;
	if (top->model.count)
		qsort(top->model.rows, top->model.count,
		      sizeof(*top->model.rows), compare);
	if (run->json)
		show_json(run);
	else
		show_table(run);
	return 0;
}

/* The next or previous column that can be sorted by. */
static void move_sort(struct top *top, int by)
{
	size_t at = top->sort - columns;

	do {
		at = (at + table.count + by) % table.count;
	} while (columns[at].type == COLUMN_OWN || !columns[at].head);
	top->sort = &columns[at];
}

static bool key(struct run *run, int key)
{
	struct top *top = run->state;

	if (top->help) {
		top->help = false;
		return true;
	}
	switch (key) {
	case 'h':
	case '?':
		top->help = true;
		break;
	case 's':
		move_sort(top, 1);
		break;
	case 'o':
		move_sort(top, -1);
		break;
	case 'r':
		top->reverse = !top->reverse;
		break;
	case 'f':
		run->filter.pid = run->filter.pid || !top->model.count
					  ? 0
					  : top->model.rows[0].held.pid;
		break;
	case 'p':
		top->sort = out_sort_column(&table, "pinned_bytes");
		break;
	case 'g':
		top->sort = out_sort_column(&table, "users");
		break;
	case 'i':
		top->hide_idle = !top->hide_idle;
		break;
	}
	return true;
}

static const struct tool vfiotop = {
	.name = "vfiotop",
	.summary = "Shows, a row a VFIO container, who has it, what it has "
		   "mapped and pinned, and what it is doing.",
	.examples = "Examples:\n"
		    "  vfiotop                 full screen, once a second\n"
		    "  vfiotop -b 5 12         a minute, in plain text\n"
		    "  vfiotop -s pinned_bytes sorted by pinned memory\n"
		    "  vfiotop -1 -j           one measurement as JSON\n"
		    "  vfiotop -d 0000:00:12.0 only who has this device",
	.options = options,
	.option = option,
	.elf = elf,
	.early = true,
	.state_size = sizeof(struct top),
	.begin = begin,
	.tick = tick,
	.key = key,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfiotop, argc, argv);
}
