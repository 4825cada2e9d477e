// SPDX-License-Identifier: GPL-2.0-only
/*
 * One container in detail, as text and as JSON.
 *
 * The text has parts of a heading and some items each. What a screen has no
 * room for is taken from the longest parts, and it is said how much there is
 * more; a histogram gets coarser instead.
 */
#include <inttypes.h>
#include <limits.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/holders_text.h"
#include "lib/outside.h"
#include "lib/size.h"
#include "lib/tool.h"
#include "vfiotop_drill.h"
#include "vfiotop_table.h"

#define WIDE_HOLDERS 60 /* columns for which a holder has all its columns */
#define USEC	     1e3

enum part { PART_KINDS, PART_HOLDERS, PART_HIST, PART_FAILURES, PARTS };

struct view {
	struct run *run;
	struct top_drill *drill;
	const struct top_row *row;
	int width;
	unsigned int lines[PARTS]; /* for the items of each */
};

/* KiB a run, in the mean. */
static void text_length(const void *data, char *buf, size_t size)
{
	const struct maps_row *row = data;

	if (row->runs > 0)
		snprintf(buf, size, "%.0f", row->size / 1024.0 / row->runs);
	else
		snprintf(buf, size, "-");
}

#define KIND(key, head, width, rank, member, ...)                           \
	COLUMN(key, head, width, rank, COLUMN_INT, struct maps_row, member, \
	       ##__VA_ARGS__)

static const struct column kind_columns[] = {
	COLUMN("backing", "BACKING", -7, 0, COLUMN_OWN, struct maps_row,
	       backing.kind, .text = maps_row_text_backing,
	       .json = maps_row_json_backing),
	KIND("page_size", "PAGEKiB", 7, 0, backing.page_size, .scale = 1024),
	COLUMN("pinned", "P", 1, 0, COLUMN_BOOL, struct maps_row, pinned),
	KIND("maps", "MAPS", 7, 0, maps),
	KIND("size", "MiB", 9, 0, size, .scale = MIB, .decimals = 1),
	KIND("runs", "RUNS", 8, 1, runs),
	COLUMN(NULL, "KiB/RUN", 8, 1, COLUMN_OWN, struct maps_row, runs,
	       .text = text_length),
};
static const struct table kind_table = {
	kind_columns, sizeof(kind_columns) / sizeof(kind_columns[0])};

/* Of @count items those for which there is room, and how many more there are. */
static void show_items(struct view *v, enum part part, size_t count,
		       unsigned int height,
		       void (*show)(struct view *v, size_t i))
{
	size_t most = v->lines[part] / height;

	if (most < count)
		most = v->lines[part] ? (v->lines[part] - 1) / height : 0;
	for (size_t i = 0; i < count && i < most; i++)
		show(v, i);
	if (most < count && v->lines[part])
		out_line(v->run, SCREEN_DIM, "  and %zu more", count - most);
}

static void show_kind(struct view *v, size_t i)
{
	out_row(v->run, &kind_table, v->width, &v->drill->kinds[i]);
}

/* "4K+: 23, 2M+: 1": how many are of that size and below twice of it. */
static void say_classes(struct text *t, const uint64_t rows[HIST_LOG2_MAX])
{
	const char *comma = "";
	char size[24];

	for (int log = 0; log < HIST_LOG2_MAX; log++) {
		if (!rows[log])
			continue;
		text_say(t, "%s %s+: %" PRIu64, comma,
			 size_text(1ULL << log, size), rows[log]);
		comma = ",";
	}
}

static void show_mappings(struct view *v)
{
	struct top_drill *d = v->drill;
	struct text sizes = {}, lengths = {};

	if (!d->has_maps) {
		out_line(v->run, SCREEN_HEADER, "mappings: not known");
		return;
	}
	out_header(v->run, &kind_table, v->width);
	show_items(v, PART_KINDS, d->kind_count, 1, show_kind);
	text_say(&sizes, "by size, bytes:");
	say_classes(&sizes, d->sizes);
	out_line(v->run, SCREEN_PLAIN, "%s%s", sizes.buf,
		 d->mappings.torn ? "; changed meanwhile, some may be missing"
				  : "");
	text_say(&lengths, "by run length:");
	if (d->runs < 0)
		text_say(&lengths, " not known");
	say_classes(&lengths, d->lengths);
	out_line(v->run, SCREEN_PLAIN, "%s", lengths.buf);
}

static void show_holder(struct view *v, size_t i)
{
	const struct holder *r = v->drill->held[i].holder;
	struct text what = {};
	char pid[16] = "-", fd[16] = "-";

	holder_say_what(&what, r);
	if (r->pid)
		snprintf(pid, sizeof(pid), "%d", r->pid);
	if (r->fd >= 0)
		snprintf(fd, sizeof(fd), "%d", r->fd);
	if (v->width < WIDE_HOLDERS)
		out_line(v->run, SCREEN_PLAIN, "%-8s %7s %s", holder_kind(r),
			 pid, what.buf);
	else
		out_line(v->run, SCREEN_PLAIN, "%-8s %7s %s %5s %s",
			 holder_kind(r), pid,
			 FIT(*r->comm ? r->comm : "-", -15), fd, what.buf);
}

static void show_holders(struct view *v)
{
	struct top_drill *d = v->drill;
	struct text t = {};

	if (!d->has_holders) {
		text_say(&t, "held: not known");
	} else if (!d->groups) {
		text_say(&t, "held: no group is attached");
	} else if (d->groups == 1) {
		text_say(&t, "held, group %d: ", d->group->id);
		held_say_users(&t, d->group);
	} else {
		text_say(&t, "held, %zu groups: %u users; ", d->groups,
			 d->users);
		if (d->unaccounted)
			text_say(&t, "%u NOT ACCOUNTED FOR", d->unaccounted);
		else
			text_say(&t, "all accounted for");
	}
	out_line(v->run, SCREEN_HEADER, "%s", t.buf);
	if (d->has_holders)
		show_items(v, PART_HOLDERS, d->held_count, 1, show_holder);
}

static void show_hist_line(void *arg, const char *text)
{
	struct view *v = arg;

	out_line(v->run, SCREEN_PLAIN, "%s", text);
}

static void show_hist(struct view *v)
{
	const struct hist *h = &v->row->last.map_ns;

	out_line(v->run, SCREEN_HEADER,
		 "maps since vfiotop began: %" PRIu64 "%s", hist_count(h),
		 v->lines[PART_HIST] < 2 ? "" : ", by how long they took");
	hist_lines(h, "usecs", USEC, v->lines[PART_HIST], v->width,
		   show_hist_line, v);
}

static void text_time(uint64_t since_1970_ns, char *buf, size_t size)
{
	time_t seconds = since_1970_ns / 1000000000;
	struct tm tm;

	strftime(buf, size, "%H:%M:%S", localtime_r(&seconds, &tm));
}

/* What was asked for, and by whom; below it why it was refused. */
static void show_failure(struct view *v, size_t i)
{
	const struct top_failure *f = &v->drill->failures[i];
	char time[16], size[24], why[128];
	struct text t = {};

	text_time(f->ts_ns + v->run->epoch_ns, time, sizeof(time));
	text_say(&t, "%s %s", time, explain_event_name(f->event));
	if (f->event == REC_container_attach)
		text_say(&t, " group %d", f->group);
	else if (f->event == REC_dma_pin)
		text_say(&t, " 0x%" PRIx64 " %" PRIu64 " pages",
			 (uint64_t)f->iova, (uint64_t)f->size);
	else if (f->event != REC_container_set_iommu)
		text_say(&t, " 0x%" PRIx64 " %s", (uint64_t)f->iova,
			 size_text(f->size, size));
	out_line(v->run, SCREEN_PLAIN, "%s by %s/%u", t.buf, f->comm, f->tgid);
	drill_explain(v->drill, f, why, sizeof(why));
	out_line(v->run, SCREEN_ALERT, "    `- %s", why);
}

static void show_failures(struct view *v)
{
	struct top_drill *d = v->drill;

	if (v->row->errors < 0)
		out_line(v->run, SCREEN_HEADER, "failed: not known yet");
	else if (v->row->errors)
		out_line(v->run, SCREEN_HEADER,
			 "failed since vfiotop began: %lld, the last one first",
			 (long long)v->row->errors);
	else
		out_line(v->run, SCREEN_HEADER,
			 "failed since vfiotop began: none");
	show_items(v, PART_FAILURES, d->failure_count, 2, show_failure);
}

/* A line to each in turn, until it has all that it needs. */
static void share_lines(unsigned int lines[PARTS],
			const unsigned int needed[PARTS], int room)
{
	bool given = true;

	memset(lines, 0, PARTS * sizeof(*lines));
	while (given && room > 0) {
		given = false;
		for (int part = 0; part < PARTS && room > 0; part++) {
			if (lines[part] == needed[part])
				continue;
			lines[part]++;
			room--;
			given = true;
		}
	}
}

void drill_show(struct run *run, struct top_drill *d, const struct top_row *row,
		int width, int lines)
{
	struct view v = {.run = run, .drill = d, .row = row, .width = width};
	const unsigned int needed[PARTS] = {
		[PART_KINDS] = d->has_maps ? d->kind_count : 0,
		[PART_HOLDERS] = d->has_holders ? d->held_count : 0,
		[PART_HIST] = hist_lines(&row->last.map_ns, "usecs", USEC,
					 HIST_LOG2_MAX + 1, width, NULL, NULL),
		[PART_FAILURES] = d->failure_count * 2,
	};
	unsigned int fixed = PARTS + 3 + row->inflight.shown;
	char title[256], clock[16] = "";

	fixed += d->has_maps ? 2 : 0;
	share_lines(v.lines, needed, lines ? lines - (int)fixed : INT_MAX);
	container_title(&row->held, title, sizeof(title));
	if (run->screen)
		text_time(run->real_ns, clock, sizeof(clock));
	out_line(run, SCREEN_TITLE, "%s%s%s", clock, *clock ? " " : "", title);
	out_header(run, &top_table, width);
	out_row(run, &top_table, width, row);
	top_show_inflight(run, row);
	show_mappings(&v);
	show_holders(&v);
	show_hist(&v);
	show_failures(&v);
}

static struct json_object *json_int(int64_t v)
{
	return v < 0 ? NULL : json_object_new_int64(v);
}

static struct json_object *json_mappings(const struct top_drill *d)
{
	struct json_object *o, *kinds;

	if (!d->has_maps)
		return NULL;
	o = json_object_new_object();
	kinds = json_object_new_array();
	json_object_object_add(o, "complete",
			       json_object_new_boolean(!d->mappings.torn));
	json_object_object_add(o, "maps", json_int(d->mappings.count));
	json_object_object_add(o, "bytes", json_int(d->bytes));
	json_object_object_add(o, "runs", json_int(d->runs));
	for (size_t i = 0; i < d->kind_count; i++)
		json_object_array_add(
			kinds, out_json_row(NULL, &kind_table, &d->kinds[i]));
	json_object_object_add(o, "kinds", kinds);
	json_object_object_add(o, "sizes", hist_json(d->sizes, "le_bytes"));
	json_object_object_add(o, "run_lengths",
			       d->runs < 0 ? NULL
					   : hist_json(d->lengths, "le_bytes"));
	return o;
}

static struct json_object *json_holders(const struct top_drill *d)
{
	struct json_object *list, *one;

	if (!d->has_holders)
		return NULL;
	list = json_object_new_array();
	for (size_t i = 0; i < d->held_count; i++) {
		one = holder_json(d->held[i].holder);
		json_object_object_add(
			one, "group",
			d->held[i].holder->what == HOLDER_CONTAINER
				? NULL
				: json_object_new_int(d->held[i].group->id));
		json_object_array_add(list, one);
	}
	return list;
}

static struct json_object *json_failure(const struct run *run,
					struct top_drill *d,
					const struct top_failure *f)
{
	struct json_object *o = json_object_new_object();
	bool dma = f->event == REC_dma_map || f->event == REC_dma_unmap;
	char text[128];

	json_object_object_add(o, "ts_ns", json_int(f->ts_ns + run->epoch_ns));
	snprintf(text, sizeof(text), "vfio_%s", explain_event_name(f->event));
	json_object_object_add(o, "event", json_object_new_string(text));
	json_object_object_add(o, "pid", json_int(f->tgid));
	json_object_object_add(o, "comm", json_object_new_string(f->comm));
	if (f->event == REC_container_attach)
		json_object_object_add(o, "group", json_int(f->group));
	if (dma || f->event == REC_dma_pin)
		json_object_object_add(o, "iova",
				       json_object_new_uint64(f->iova));
	if (dma)
		json_object_object_add(o, "size",
				       json_object_new_uint64(f->size));
	if (f->event == REC_dma_pin)
		json_object_object_add(o, "pages", json_int(f->size));
	json_object_object_add(o, "ret", json_object_new_int(f->ret));
	explain_errno(f->ret < -INT_MAX ? INT_MAX : -f->ret, text,
		      sizeof(text));
	json_object_object_add(o, "error", json_object_new_string(text));
	drill_explain(d, f, text, sizeof(text));
	json_object_object_add(o, "explanation", json_object_new_string(text));
	return o;
}

void drill_json(struct run *run, struct top_drill *d, const struct top_row *row,
		struct json_object *o)
{
	struct json_object *failures = json_object_new_array();
	bool held = d->has_holders;
	uint64_t rows[HIST_LOG2_MAX];

	json_object_object_add(o, "mappings", json_mappings(d));
	json_object_object_add(o, "container_users",
			       held ? json_int(d->users) : NULL);
	json_object_object_add(o, "accounted",
			       held ? json_int(d->accounted) : NULL);
	json_object_object_add(o, "unaccounted",
			       held ? json_int(d->unaccounted) : NULL);
	json_object_object_add(o, "holders", json_holders(d));
	hist_fold(&row->last.map_ns, rows);
	json_object_object_add(o, "map_buckets", hist_json(rows, "le_ns"));
	for (size_t i = 0; i < d->failure_count; i++)
		json_object_array_add(failures,
				      json_failure(run, d, &d->failures[i]));
	json_object_object_add(o, "last_errors", failures);
}
