// SPDX-License-Identifier: GPL-2.0-only
/* vfiotop's columns, as text and as JSON, and the line below a row. */
#include <stdio.h>

#include "vfiotop_table.h"

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
	INT(NULL, "CT", 3, 0, number, .whole = true),
	INT("pid", "PID", 7, 0, pid, .whole = true),
	TEXT("comm", "COMM", -9, 0, held.comm),
	TEXT("vm", "VM", -16, 1, held.vm),
	OWN("groups", "GRP", 4, 0, .json = json_groups, .text = text_groups,
	    .whole = true),
	OWN("devices", "DEVICE", -14, 2, .json = json_devices,
	    .text = text_devices, .whole = true),
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

const struct table top_table = {columns, sizeof(columns) / sizeof(columns[0])};

void top_show_inflight(struct run *run, const struct top_row *row)
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
