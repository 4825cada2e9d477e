// SPDX-License-Identifier: GPL-2.0-only
/* vfiolat's histograms and verdict as text and as JSON. */
#include <stdio.h>
#include <string.h>

#include "lib/containers.h"
#include "lib/hist.h"
#include "lib/out.h"
#include "lib/tool.h"
#include "vfiolat_show.h"
#include "vfiolat_verdict.h"

const struct lat_op_name lat_ops[LAT_OPS] = {
	[LAT_MAP] = {"map", "maps"},
	[LAT_LOCK] = {"lock", "maps until they got the lock"},
	[LAT_PIN] = {"pin", "pinning in a map"},
	[LAT_IOMMU] = {"iommu", "the IOMMU in a map"},
	[LAT_RUN] = {"run", "mean length of a map's contiguous runs"},
	[LAT_UNMAP] = {"unmap", "unmaps"},
	[LAT_UNMAP_IOMMU] = {"unmap_iommu", "the IOMMU in an unmap"},
	[LAT_UNPIN] = {"unpin", "unpinning in an unmap"},
	[LAT_ATTACH] = {"attach", "attaching a group"},
	[LAT_OPEN] = {"open", "opening a device"},
	[LAT_DMA_PIN] = {"dma_pin", "pins for emulated devices"},
};

const char *const lat_by_names[BYS] = {
	[BY_NOTHING] = "all", [BY_CONTAINER] = "container",
	[BY_PID] = "pid",     [BY_GROUP] = "group",
	[BY_SIZE] = "size",   [BY_BACKING] = "backing",
};

static void text_bytes(double bytes, char *text, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, size, "%.4g %s", bytes, units[unit]);
}

static void text_key(const struct lat_view *view, const struct lat_sum *sum,
		     char *text, size_t size)
{
	char low[32], high[32], name[40];

	*text = '\0';
	if (view->by == BY_NOTHING)
		return;
	if (sum->key < 0) {
		snprintf(text, size, ", %s -", lat_by_names[view->by]);
		return;
	}
	switch (view->by) {
	case BY_CONTAINER:
		container_name(sum->key, name, sizeof(name));
		snprintf(text, size, ", %s (%s)", name, sum->who);
		break;
	case BY_SIZE:
		text_bytes(sum->key, low, sizeof(low));
		text_bytes(sum->key * 2.0, high, sizeof(high));
		snprintf(text, size, ", size %s up to %s", low, high);
		break;
	case BY_GROUP:
	case BY_BACKING:
		snprintf(text, size, ", %s %s", lat_by_names[view->by],
			 sum->who);
		break;
	default:
		snprintf(text, size, ", pid %lld (%s)", (long long)sum->key,
			 sum->who);
	}
}

/* A percentile is within a slot, the maximum is exact. */
static int64_t percentile(const struct lat_sum *sum, double percent)
{
	int64_t v = hist_percentile(&sum->hist, percent);

	return v > (int64_t)sum->max ? (int64_t)sum->max : v;
}

void lat_show_text(struct run *run, const struct lat_view *view,
		   const struct lat_sum *sum)
{
	bool bytes = sum->op == LAT_RUN;
	double scale = bytes ? 1024 : view->scale;
	const char *unit = bytes ? "KiB" : view->unit;
	char key[128], failed[64] = "";

	text_key(view, sum, key, sizeof(key));
	if (sum->failed)
		snprintf(failed, sizeof(failed), ", %llu failed",
			 (unsigned long long)sum->failed);
	out_line(run, SCREEN_HEADER, "%s%s: %s", lat_ops[sum->op].name, key,
		 lat_ops[sum->op].says);
	if (sum->count)
		hist_print(stdout, &sum->hist, unit, scale);
	if (sum->count && bytes)
		out_line(run, SCREEN_PLAIN,
			 "count %llu%s; %s: p50 %.1f, p99 %.1f, max %.1f",
			 (unsigned long long)sum->count, failed, unit,
			 percentile(sum, 50) / scale,
			 percentile(sum, 99) / scale, sum->max / scale);
	else if (sum->count)
		out_line(run, SCREEN_PLAIN,
			 "count %llu%s; %s: sum %.1f, p50 %.1f, p99 %.1f, "
			 "max %.1f",
			 (unsigned long long)sum->count, failed, unit,
			 sum->sum / scale, percentile(sum, 50) / scale,
			 percentile(sum, 99) / scale, sum->max / scale);
	else
		out_line(run, SCREEN_PLAIN, "count 0%s", failed);
	out_line(run, SCREEN_PLAIN, "%s", "");
}

static struct json_object *json_int(int64_t v)
{
	return v < 0 ? NULL : json_object_new_int64(v);
}

static void json_put(struct json_object *object)
{
	out_object(object);
}

static struct json_object *json_key(const struct lat_view *view,
				    const struct lat_sum *sum)
{
	if ((view->by == BY_GROUP && strchr(sum->who, ',')) ||
	    (view->by == BY_BACKING && sum->key >= 0))
		return json_object_new_string(sum->who);
	return json_int(sum->key);
}

void lat_show_json(const struct lat_view *view, const struct lat_sum *sum,
		   uint64_t ts, uint64_t lost)
{
	struct json_object *o = json_object_new_object();
	bool ns = sum->op != LAT_RUN;
	uint64_t rows[HIST_LOG2_MAX];

	json_object_object_add(o, "ts_ns", json_object_new_int64(ts));
	json_object_object_add(o, "op",
			       json_object_new_string(lat_ops[sum->op].name));
	json_object_object_add(
		o, "by",
		view->by ? json_object_new_string(lat_by_names[view->by])
			 : NULL);
	json_object_object_add(o, "key", json_key(view, sum));
	if (view->by == BY_CONTAINER || view->by == BY_PID)
		json_object_object_add(o, "comm",
				       json_object_new_string(sum->who));
	json_object_object_add(o, "count", json_int(sum->count));
	json_object_object_add(o, "failed", json_int(sum->failed));
	json_object_object_add(o, ns ? "sum_ns" : "sum_bytes",
			       json_int(sum->sum));
	json_object_object_add(o, ns ? "p50_ns" : "p50_bytes",
			       json_int(percentile(sum, 50)));
	json_object_object_add(o, ns ? "p99_ns" : "p99_bytes",
			       json_int(percentile(sum, 99)));
	json_object_object_add(o, ns ? "max_ns" : "max_bytes",
			       sum->count ? json_int(sum->max) : NULL);
	hist_fold(&sum->hist, rows);
	json_object_object_add(o, "buckets",
			       hist_json(rows, ns ? "le_ns" : "le_bytes"));
	json_object_object_add(o, "lost", json_int(lost));
	json_put(o);
}

void lat_show_json_verdict(const struct lat_verdict *v, const char *text,
			   uint64_t ts, uint64_t lost)
{
	struct json_object *o = json_object_new_object();
	char key[32];

	json_object_object_add(o, "ts_ns", json_object_new_int64(ts));
	json_object_object_add(o, "verdict", json_object_new_string(text));
	json_object_object_add(o, "count", json_int(v->maps));
	json_object_object_add(o, "sum_ns", json_int(v->total_ns));
	for (int i = 0; i < PARTS; i++) {
		snprintf(key, sizeof(key), "%s_ns", lat_part_names[i]);
		json_object_object_add(o, key, json_int(v->part_ns[i]));
	}
	json_object_object_add(
		o, "largest",
		v->largest < 0
			? NULL
			: json_object_new_string(lat_part_names[v->largest]));
	json_object_object_add(o, "samples", json_int(v->samples));
	json_object_object_add(o, "lost", json_int(lost));
	json_put(o);
}
