// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiotop: a row a container: who has it, what is in it, how full it is and
 * what it is doing.
 *
 * Three things are joined by the container's id: the sums that the BPF side
 * keeps (sums.h), who holds what (a snapshot, taken again when something
 * of it changed and every ten seconds for what no event tells, such as a
 * process that exits), and the backend's own books (a survey).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/tool.h"
#include "lib/source.h"
#include "vfiotop_keys.h"
#include "vfiotop_table.h"
#include "vfiotop.skel.h"

#define BATCH_WIDTH 4096

static const struct argp_option options[] = {
	{"sort", 's', "KEY", 0,
	 "Sort by a column, named by its heading or JSON key (map_bytes_rate)",
	 0},
	{"rows", 'r', "ROWS", 0, "Show at most so many containers", 0},
	{"idle", 'i', NULL, 0, "Hide containers that do nothing", 0},
	{"noclear", 'C', NULL, 0, "Do not clear the screen: roll", 0},
	{"batch", 'b', NULL, 0, "Roll, with every column, however wide", 0},
	{"once", '1', NULL, 0, "Measure one interval, print it and end", 0},
	{"container", 'c', "ID", 0,
	 "Only this container, by its CT or its key in JSON", 1},
	{"drill", 'D', NULL, 0,
	 "In detail: mappings, holders, latencies, last errors", 0},
	{},
};

static error_t option(int key, char *arg, struct run *run)
{
	struct top *top = run->state;
	char *end;

	switch (key) {
	case 's':
		top->sort_key = arg;
		return out_sort_column(&top_table, arg) ? 0 : EINVAL;
	case 'r':
		top->rows = strtol(arg, &end, 10);
		return *arg && !*end && top->rows > 0 ? 0 : EINVAL;
	case 'i':
		top->hide_idle = true;
		return 0;
	case 'c':
		top->container = strtoll(arg, &end, 10);
		return *arg && !*end && top->container > 0 ? 0 : EINVAL;
	case 'D':
		top->drilled = true;
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

	top->sort =
		out_sort_column(&top_table, top->sort_key ?: "map_bytes_rate");
	return top_model_open(&top->model, run->source);
}

static void end(struct run *run)
{
	struct top *top = run->state;

	top_model_close(&top->model);
	drill_close(&top->drill);
	free(top->shown);
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

static void show_title(struct run *run, const struct top *top)
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
		 clock, top->shown_count, m->count,
		 m->pinned_bytes / (double)MIB, m->map_rate,
		 (unsigned long long)m->lost, *status ? "; " : "", status);
	if (*top->message)
		out_line(run, SCREEN_ALERT, "%s", top->message);
}

static bool wanted(const struct run *run, const struct top_row *row)
{
	const struct top *top = run->state;

	if (top->hide_idle && row->idle)
		return false;
	if (top->container > 0 && row->container != top->container &&
	    row->number != top->container)
		return false;
	return filter_match(&run->filter, row->held.pid, row->held.groups,
			    row->held.group_count);
}

/* Those that are wanted; the selection goes with its container, or, when that
 * has gone, to the one that took its place.
 */
static int choose(struct run *run)
{
	struct top *top = run->state;
	const struct top_row **shown;
	bool found = false;

	shown = realloc(top->shown, (top->model.count + 1) * sizeof(*shown));
	if (!shown) {
		tool_error("out of memory");
		return -1;
	}
	top->shown = shown;
	top->shown_count = 0;
	for (size_t i = 0; i < top->model.count; i++) {
		const struct top_row *row = &top->model.rows[i];

		if (top->rows && top->shown_count == (size_t)top->rows)
			break;
		if (!wanted(run, row))
			continue;
		if (top->selecting && row->container == top->selected) {
			top->at = top->shown_count;
			found = true;
		}
		shown[top->shown_count++] = row;
	}
	if (!found && !(top->drilled && top->selecting) && top->shown_count) {
		if (top->at >= top->shown_count)
			top->at = top->shown_count - 1;
		top->selected = shown[top->at]->container;
		top->selecting = true;
	}
	return 0;
}

static int row_lines(const struct top_row *row)
{
	return 1 + row->inflight.shown;
}

/* Moves the top as little as it takes to see the selected row, and to leave no
 * line empty.
 */
static void scroll(struct top *top, int lines)
{
	int used = 0;

	if (top->first > top->at)
		top->first = top->at;
	for (size_t i = top->first; i < top->shown_count; i++) {
		used += row_lines(top->shown[i]);
		while (i <= top->at && used > lines && top->first < i)
			used -= row_lines(top->shown[top->first++]);
	}
	while (top->first &&
	       used + row_lines(top->shown[top->first - 1]) <= lines)
		used += row_lines(top->shown[--top->first]);
}

static int width_of(const struct run *run)
{
	const struct top *top = run->state;

	if (top->model.wide)
		return BATCH_WIDTH;
	return run->screen ? screen_columns() : 80;
}

static void show_table(struct run *run)
{
	struct top *top = run->state;
	int width = width_of(run);

	show_title(run, top);
	if (top->help) {
		top_show_help(run);
		return;
	}
	out_header(run, &top_table, width);
	if (run->screen)
		scroll(top, screen_rows() - 2 - (*top->message != '\0'));
	for (size_t i = top->first; i < top->shown_count; i++) {
		const struct top_row *row = top->shown[i];
		bool marked = run->screen && i == top->at;

		out_row_styled(run, &top_table, width, row,
			       marked ? SCREEN_SELECTED : SCREEN_PLAIN);
		top_show_inflight(run, row);
	}
}

static void show_json(struct run *run)
{
	struct top *top = run->state;

	for (size_t i = 0; i < top->shown_count; i++)
		out_json(run, &top_table, top->shown[i]);
}

/* All that are wanted, in detail. */
static int show_details(struct run *run)
{
	struct top *top = run->state;
	struct json_object *object;

	if (!run->json)
		show_title(run, top);
	for (size_t i = 0; i < top->shown_count; i++) {
		const struct top_row *row = top->shown[i];

		if (drill_take(&top->drill, &top->model, row, run) < 0)
			return -1;
		if (!run->json) {
			out_line(run, SCREEN_PLAIN, "%s", "");
			drill_show(run, &top->drill, row, width_of(run), 0);
			continue;
		}
		object = out_json_row(run, &top_table, row);
		drill_json(run, &top->drill, row, object);
		out_object(object);
	}
	return 0;
}

/* The selected one on the whole screen, as long as it is there. */
static int show_drill(struct run *run)
{
	struct top *top = run->state;
	const struct top_row *row = top_model_find(&top->model, top->selected);

	if (top->selecting && (!row || row->over)) {
		snprintf(top->message, sizeof(top->message),
			 "the container that was shown has gone");
		top->drilled = false;
		if (choose(run) < 0)
			return -1;
	}
	if (!top->drilled || !top->selecting) {
		show_table(run);
		return 0;
	}
	if (drill_take(&top->drill, &top->model, row, run) < 0)
		return -1;
	drill_show(run, &top->drill, row, screen_columns(), screen_rows());
	return 0;
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
	if (choose(run) < 0)
		return -1;
	if (top->drilled && run->screen && !top->help)
		return show_drill(run);
	if (top->drilled && !run->screen)
		return show_details(run);
	if (run->json)
		show_json(run);
	else
		show_table(run);
	return 0;
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
		    "  vfiotop -d 0000:00:12.0 only who has this device\n"
		    "  vfiotop -D -1 -c 2      container 2 in detail",
	.options = options,
	.option = option,
	.elf = elf,
	.early = true,
	.state_size = sizeof(struct top),
	.begin = begin,
	.tick = tick,
	.key = top_key,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfiotop, argc, argv);
}
