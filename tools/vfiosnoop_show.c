// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiosnoop's output: an event as a line of text or a JSON object. A figure that
 * the source did not know is left out, or a dash.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/explain.h"
#include "lib/names.h"
#include "lib/out.h"
#include "lib/outside.h"
#include "lib/size.h"
#include "vfiosnoop_show.h"

static void clean_name(const struct record *r, char *name)
{
	memcpy(name, r->name, VFIOSCOPE_NAME_LEN);
	name[VFIOSCOPE_NAME_LEN - 1] = '\0';
	names_clean(name);
}

/* NULL: not known, or none. */
static struct json_object *json_value(const struct shown *s,
				      const struct field *f)
{
	const struct record *r = s->record;
	char name[VFIOSCOPE_NAME_LEN];

	switch (f->kind) {
	case KIND_ID:
		return snoop_u32(r, f) ? json_object_new_int64(snoop_u32(r, f))
				       : NULL;
	case KIND_GROUP:
		return (int)snoop_u32(r, f) < 0
			       ? NULL
			       : json_object_new_int64(snoop_u32(r, f));
	case KIND_S32:
		return json_object_new_int(snoop_u32(r, f));
	case KIND_U32:
		return snoop_u32(r, f) == (uint32_t)EV_UNKNOWN
			       ? NULL
			       : json_object_new_int64(snoop_u32(r, f));
	case KIND_U64:
		return snoop_u64(r, f) == EV_UNKNOWN
			       ? NULL
			       : json_object_new_uint64(snoop_u64(r, f));
	case KIND_BOOL:
		return json_object_new_boolean(snoop_u32(r, f));
	case KIND_NAME:
		clean_name(r, name);
		return *name ? json_object_new_string(name) : NULL;
	case KIND_CALLER:
		return json_object_new_string(s->caller);
	case KIND_REF_REASON:
	case KIND_USER_REASON:
		return json_object_new_string(snoop_reason(r, f));
	}
	return NULL;
}

/* 0: it went well, or the event has none. */
static int error_of(const struct record *r)
{
	const struct field *f = snoop_field(r, "ret");
	int ret = f ? (int)snoop_u32(r, f) : 0;

	return ret < 0 && ret >= -MAX_ERRNO ? -ret : 0;
}

static void clean_comm(const struct record *r, char *comm)
{
	memcpy(comm, r->comm, VFIOSCOPE_COMM_LEN);
	comm[VFIOSCOPE_COMM_LEN - 1] = '\0';
	names_clean(comm);
}

void snoop_json(struct run *run, const struct shown *s)
{
	struct json_object *o = json_object_new_object(), *stack;
	const struct record *r = s->record;
	char name[64], comm[VFIOSCOPE_COMM_LEN];

	json_object_object_add(o, "ts_ns",
			       json_object_new_int64(r->ts_ns + run->epoch_ns));
	snprintf(name, sizeof(name), "vfio_%s", explain_event_name(r->event));
	json_object_object_add(o, "event", json_object_new_string(name));
	json_object_object_add(o, "pid", json_object_new_int64(r->tgid));
	json_object_object_add(o, "tgid", json_object_new_int64(r->tgid));
	json_object_object_add(o, "tid", json_object_new_int64(r->tid));
	clean_comm(r, comm);
	json_object_object_add(o, "comm", json_object_new_string(comm));
	for (const struct field *f = snoop_fields[r->event]; f->key; f++) {
		struct json_object *v = json_value(s, f);

		if (v)
			json_object_object_add(o, f->key, v);
	}
	if (error_of(r)) {
		explain_errno(error_of(r), name, sizeof(name));
		json_object_object_add(o, "error",
				       json_object_new_string(name));
	}
	if (*s->explanation)
		json_object_object_add(o, "explanation",
				       json_object_new_string(s->explanation));
	if (s->frames) {
		stack = json_object_new_array();
		for (size_t i = 0; i < s->frames; i++)
			json_object_array_add(
				stack, json_object_new_string(s->stack[i]));
		json_object_object_add(o, "stack", stack);
	}
	out_object(o);
}

static const char *text_iommu_type(uint32_t type)
{
	static const char *const names[] = {
		[1] = "type1",	 [2] = "spapr",	   [3] = "type1v2",
		[6] = "nesting", [7] = "spapr_v2", [8] = "noiommu"};

	return type < sizeof(names) / sizeof(*names) && names[type]
		       ? names[type]
		       : "unknown type";
}

static void text_details(const struct shown *s, char *buf, size_t size)
{
	const struct record *r = s->record;
	char name[VFIOSCOPE_NAME_LEN], bytes[24], done[24];

	buf[0] = '\0';
	switch (r->event) {
	case REC_container_release:
		if (r->container.lifetime_ns != EV_UNKNOWN)
			snprintf(buf, size, "lived %.1f s",
				 r->container.lifetime_ns / 1e9);
		break;
	case REC_group_get:
	case REC_group_put:
		snprintf(buf, size, "group %d refs %u %s", r->group_ref.group,
			 r->group_ref.refs,
			 snoop_reason(r, snoop_field(r, "reason")));
		break;
	case REC_container_set_iommu:
		snprintf(buf, size, "%s", text_iommu_type(r->set_iommu.type));
		break;
	case REC_container_users:
		snprintf(buf, size, "group %d users %u %+d %s", r->users.group,
			 r->users.users, r->users.delta,
			 snoop_reason(r, snoop_field(r, "reason")));
		break;
	case REC_device_open:
	case REC_device_close:
		clean_name(r, name);
		snprintf(buf, size, "%s", name);
		break;
	case REC_external_user_get:
	case REC_external_user_put:
		snprintf(buf, size, "group %d users %u %s", r->external.group,
			 r->external.users, s->caller);
		break;
	case REC_group_set_kvm:
		snprintf(buf, size, "group %d %s", r->set_kvm.group,
			 r->set_kvm.linked ? "linked" : "unlinked");
		break;
	case REC_dma_map_start:
	case REC_dma_map:
		snprintf(buf, size, "0x%" PRIx64 " %s %s%s",
			 (uint64_t)r->dma_map.iova,
			 size_text(r->dma_map.size, bytes),
			 r->dma_map.prot & 1 ? "r" : "-",
			 r->dma_map.prot & 2 ? "w" : "-");
		break;
	case REC_dma_map_progress:
		snprintf(buf, size, "0x%" PRIx64 " %s of %s",
			 (uint64_t)r->dma_map.iova,
			 size_text(r->dma_map.done, done),
			 size_text(r->dma_map.size, bytes));
		break;
	case REC_dma_unmap_start:
	case REC_dma_unmap:
		snprintf(buf, size, "0x%" PRIx64 " %s",
			 (uint64_t)r->dma_unmap.iova,
			 size_text(r->dma_unmap.size, bytes));
		break;
	case REC_dma_pin:
	case REC_dma_unpin:
		snprintf(buf, size, "0x%" PRIx64 " %" PRIu64 " pages",
			 (uint64_t)r->dma_pin.iova, (uint64_t)r->dma_pin.pages);
		break;
	case REC_locked_vm:
		snprintf(buf, size, "%" PRIu64 " pages refused",
			 (uint64_t)r->locked_vm.pages);
		break;
	default:
		if (snoop_group(r) >= 0)
			snprintf(buf, size, "group %d", snoop_group(r));
	}
}

#define WIDTH_EVENT 9  /* then the details follow; most events are longer */
#define WIDTH_WHAT  34 /* event and details */

void snoop_header(struct run *run)
{
	out_line(run, SCREEN_HEADER, "%-*s %7s %-10s %3s %-*s %8s %4s",
		 run->timestamps ? 15 : 8, "TIME", "PID", "COMM", "CT",
		 WIDTH_WHAT, "EVENT", "LAT(ms)", "RET");
}

static void text_time(const struct run *run, const struct record *r, char *buf,
		      size_t size)
{
	uint64_t ns = r->ts_ns + run->epoch_ns;
	time_t seconds = ns / 1000000000;
	struct tm tm;
	size_t len;

	len = strftime(buf, size, "%H:%M:%S", localtime_r(&seconds, &tm));
	if (run->timestamps)
		snprintf(buf + len, size - len, ".%06u",
			 (unsigned int)(ns % 1000000000 / 1000));
}

void snoop_text(struct run *run, const struct shown *s)
{
	const struct record *r = s->record;
	const struct field *ret = snoop_field(r, "ret");
	const struct field *lat = snoop_field(r, "duration_ns");
	char time[32], comm[VFIOSCOPE_COMM_LEN], number[16] = "-";
	char what[160], details[128], line[256], ms[32] = "-";
	int len;

	text_time(run, r, time, sizeof(time));
	clean_comm(r, comm);
	if (s->number)
		snprintf(number, sizeof(number), "%u", s->number);
	text_details(s, details, sizeof(details));
	snprintf(what, sizeof(what), "%-*s %s", WIDTH_EVENT,
		 explain_event_name(r->event), details);
	len = snprintf(line, sizeof(line), "%s %7u %s %3s ", time, r->tgid,
		       FIT(comm, -10), number);
	if (!ret) {
		/* There is more room where nothing is behind. */
		snprintf(line + len, sizeof(line) - len, "%s", what);
		len = strlen(line);
		while (line[len - 1] == ' ')
			line[--len] = '\0';
	} else {
		if (lat && snoop_u64(r, lat) != EV_UNKNOWN)
			snprintf(ms, sizeof(ms), "%.3f",
				 snoop_u64(r, lat) / 1e6);
		snprintf(line + len, sizeof(line) - len, "%s %8s %4d",
			 FIT(what, -WIDTH_WHAT), ms, (int)snoop_u32(r, ret));
	}
	out_line(run, error_of(r) ? SCREEN_ALERT : SCREEN_PLAIN, "%s", line);
	if (*s->explanation)
		out_line(run, SCREEN_ALERT, "    `- %s", s->explanation);
	for (size_t i = 0; i < s->frames; i++)
		out_line(run, SCREEN_DIM, "        %s", s->stack[i]);
}
