// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiosnoop's output: an event as a line of text or a JSON object.
 *
 * JSON comes from a table: which members of which struct an event shows, under
 * which key. A figure that the source did not know is left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/explain.h"
#include "lib/names.h"
#include "lib/out.h"
#include "vfiosnoop_show.h"

enum kind {
	KIND_ID,    /* __u32 of which 0 is none */
	KIND_GROUP, /* __s32 of which -1 is none */
	KIND_S32,
	KIND_U32,    /* all bits set: not known */
	KIND_U64,    /* the same */
	KIND_BOOL,   /* __u32 */
	KIND_NAME,   /* record.name */
	KIND_CALLER, /* by name */
	KIND_REF_REASON,
	KIND_USER_REASON,
};

struct field {
	const char *key;
	enum kind kind;
	size_t offset;
};

#define FIELD(kind, key, member)                                  \
	{                                                         \
		key, KIND_##kind, offsetof(struct record, member) \
	}

/* Of enum vfio_group_ref_reason and vfio_container_user_reason. */
static const char *const ref_reasons[] = {"device", "file", "container",
					  "external"};
static const char *const user_reasons[] = {"attach", "device_open", "external"};

static const struct field container_open_fields[] = {
	FIELD(ID, "container", container.container), {}};
static const struct field container_release_fields[] = {
	FIELD(ID, "container", container.container),
	FIELD(U64, "lifetime_ns", container.lifetime_ns),
	{}};
static const struct field group_fields[] = {
	FIELD(GROUP, "group", group.group), FIELD(S32, "ret", group.ret), {}};
static const struct field group_ref_fields[] = {
	FIELD(GROUP, "group", group_ref.group),
	FIELD(U32, "refs", group_ref.refs),
	FIELD(REF_REASON, "reason", group_ref.reason),
	{}};
static const struct field attach_fields[] = {
	FIELD(ID, "container", attach.container),
	FIELD(GROUP, "group", attach.group),
	FIELD(S32, "ret", attach.ret),
	FIELD(U64, "duration_ns", attach.duration_ns),
	{}};
static const struct field set_iommu_fields[] = {
	FIELD(ID, "container", set_iommu.container),
	FIELD(NAME, "driver", name),
	FIELD(U32, "type", set_iommu.type),
	FIELD(S32, "ret", set_iommu.ret),
	FIELD(U64, "duration_ns", set_iommu.duration_ns),
	{}};
static const struct field users_fields[] = {
	FIELD(ID, "container", users.container),
	FIELD(GROUP, "group", users.group),
	FIELD(U32, "users", users.users),
	FIELD(S32, "delta", users.delta),
	FIELD(USER_REASON, "reason", users.reason),
	{}};
static const struct field device_fields[] = {
	FIELD(GROUP, "group", device.group),
	FIELD(NAME, "device", name),
	FIELD(U32, "open_count", device.open_count),
	FIELD(S32, "ret", device.ret),
	FIELD(U64, "duration_ns", device.duration_ns),
	{}};
static const struct field external_fields[] = {
	FIELD(ID, "container", external.container),
	FIELD(GROUP, "group", external.group),
	FIELD(U32, "users", external.users),
	FIELD(S32, "ret", external.ret),
	FIELD(CALLER, "caller", external.caller),
	{}};
static const struct field set_kvm_fields[] = {
	FIELD(GROUP, "group", set_kvm.group),
	FIELD(U64, "kvm", set_kvm.kvm),
	FIELD(BOOL, "linked", set_kvm.linked),
	{}};
static const struct field dma_map_start_fields[] = {
	FIELD(ID, "container", dma_map.container),
	FIELD(U64, "iova", dma_map.iova),
	FIELD(U64, "vaddr", dma_map.vaddr),
	FIELD(U64, "size", dma_map.size),
	FIELD(U32, "prot", dma_map.prot),
	{}};
static const struct field dma_map_progress_fields[] = {
	FIELD(ID, "container", dma_map.container),
	FIELD(U64, "iova", dma_map.iova),
	FIELD(U64, "size", dma_map.size),
	FIELD(U64, "done", dma_map.done),
	{}};
static const struct field dma_map_fields[] = {
	FIELD(ID, "container", dma_map.container),
	FIELD(U64, "iova", dma_map.iova),
	FIELD(U64, "vaddr", dma_map.vaddr),
	FIELD(U64, "size", dma_map.size),
	FIELD(U32, "prot", dma_map.prot),
	FIELD(S32, "ret", dma_map.ret),
	FIELD(U64, "duration_ns", dma_map.duration_ns),
	FIELD(U64, "pin_ns", dma_map.pin_ns),
	FIELD(U64, "iommu_ns", dma_map.iommu_ns),
	FIELD(U64, "pages", dma_map.pages),
	FIELD(U64, "runs", dma_map.runs),
	{}};
static const struct field dma_unmap_fields[] = {
	FIELD(ID, "container", dma_unmap.container),
	FIELD(U64, "iova", dma_unmap.iova),
	FIELD(U64, "size", dma_unmap.size),
	FIELD(U64, "unmapped", dma_unmap.unmapped),
	FIELD(U32, "flags", dma_unmap.flags),
	FIELD(S32, "ret", dma_unmap.ret),
	FIELD(U64, "duration_ns", dma_unmap.duration_ns),
	FIELD(U64, "iommu_ns", dma_unmap.iommu_ns),
	FIELD(U64, "unpin_ns", dma_unmap.unpin_ns),
	FIELD(U64, "pages", dma_unmap.pages),
	{}};
static const struct field dma_pin_fields[] = {
	FIELD(ID, "container", dma_pin.container),
	FIELD(U64, "iova", dma_pin.iova),
	FIELD(U64, "pages", dma_pin.pages),
	FIELD(S32, "ret", dma_pin.ret),
	FIELD(U64, "duration_ns", dma_pin.duration_ns),
	{}};
static const struct field locked_vm_fields[] = {
	FIELD(ID, "container", locked_vm.container),
	FIELD(U64, "pages", locked_vm.pages),
	FIELD(U64, "locked", locked_vm.locked),
	FIELD(U64, "limit", locked_vm.limit),
	{}};

static const struct field *const event_fields[REC_EVENTS] = {
	[REC_container_open] = container_open_fields,
	[REC_container_release] = container_release_fields,
	[REC_group_open] = group_fields,
	[REC_group_release] = group_fields,
	[REC_group_get] = group_ref_fields,
	[REC_group_put] = group_ref_fields,
	[REC_container_attach] = attach_fields,
	[REC_container_detach] = attach_fields,
	[REC_container_set_iommu] = set_iommu_fields,
	[REC_container_users] = users_fields,
	[REC_device_open] = device_fields,
	[REC_device_close] = device_fields,
	[REC_external_user_get] = external_fields,
	[REC_external_user_put] = external_fields,
	[REC_group_set_kvm] = set_kvm_fields,
	[REC_dma_map_start] = dma_map_start_fields,
	[REC_dma_map] = dma_map_fields,
	[REC_dma_map_progress] = dma_map_progress_fields,
	[REC_dma_unmap] = dma_unmap_fields,
	[REC_dma_pin] = dma_pin_fields,
	[REC_dma_unpin] = dma_pin_fields,
	[REC_locked_vm] = locked_vm_fields,
};

const char *snoop_event_name(uint32_t event)
{
#define NAME(event, type) [REC_##event] = #event,
	static const char *const names[REC_EVENTS] = {RECORD_EVENTS(NAME)};
#undef NAME

	return event < REC_EVENTS ? names[event] : "?";
}

static const void *value(const struct record *r, const struct field *f)
{
	return (const char *)r + f->offset;
}

static uint32_t u32(const struct record *r, const struct field *f)
{
	return *(const __u32 *)value(r, f);
}

static uint64_t u64(const struct record *r, const struct field *f)
{
	return *(const __u64 *)value(r, f);
}

static const struct field *field_of(const struct record *r, const char *key)
{
	const struct field *f;

	if (r->event >= REC_EVENTS)
		return NULL;
	for (f = event_fields[r->event]; f->key; f++)
		if (!strcmp(f->key, key))
			return f;
	return NULL;
}

uint32_t snoop_container(const struct record *r)
{
	const struct field *f = field_of(r, "container");

	return f ? u32(r, f) : 0;
}

int snoop_group(const struct record *r)
{
	const struct field *f = field_of(r, "group");

	return f ? (int)u32(r, f) : -1;
}

static const char *reason(const struct record *r, const struct field *f)
{
	uint32_t v = u32(r, f);

	if (f->kind == KIND_REF_REASON)
		return v < sizeof(ref_reasons) / sizeof(*ref_reasons)
			       ? ref_reasons[v]
			       : "other";
	return v < sizeof(user_reasons) / sizeof(*user_reasons)
		       ? user_reasons[v]
		       : "other";
}

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
		return u32(r, f) ? json_object_new_int64(u32(r, f)) : NULL;
	case KIND_GROUP:
		return (int)u32(r, f) < 0 ? NULL
					  : json_object_new_int64(u32(r, f));
	case KIND_S32:
		return json_object_new_int(u32(r, f));
	case KIND_U32:
		return u32(r, f) == (uint32_t)EV_UNKNOWN
			       ? NULL
			       : json_object_new_int64(u32(r, f));
	case KIND_U64:
		return u64(r, f) == EV_UNKNOWN
			       ? NULL
			       : json_object_new_uint64(u64(r, f));
	case KIND_BOOL:
		return json_object_new_boolean(u32(r, f));
	case KIND_NAME:
		clean_name(r, name);
		return *name ? json_object_new_string(name) : NULL;
	case KIND_CALLER:
		return json_object_new_string(s->caller);
	case KIND_REF_REASON:
	case KIND_USER_REASON:
		return json_object_new_string(reason(r, f));
	}
	return NULL;
}

/* 0: it went well, or the event has none. */
static int error_of(const struct record *r)
{
	const struct field *f = field_of(r, "ret");
	int ret = f ? (int)u32(r, f) : 0;

	return ret < 0 ? -ret : 0;
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
	snprintf(name, sizeof(name), "vfio_%s", snoop_event_name(r->event));
	json_object_object_add(o, "event", json_object_new_string(name));
	json_object_object_add(o, "pid", json_object_new_int64(r->tgid));
	json_object_object_add(o, "tgid", json_object_new_int64(r->tgid));
	json_object_object_add(o, "tid", json_object_new_int64(r->tid));
	clean_comm(r, comm);
	json_object_object_add(o, "comm", json_object_new_string(comm));
	for (const struct field *f = event_fields[r->event]; f->key; f++) {
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

/* 4K, 2M, 1G: exact, or in bytes. */
static const char *text_size(uint64_t size, char buf[24])
{
	static const char units[] = {'\0', 'K', 'M', 'G', 'T'};
	size_t unit = 0;

	while (size && !(size & 1023) && unit < sizeof(units) - 1) {
		size >>= 10;
		unit++;
	}
	snprintf(buf, 24, "%" PRIu64 "%c", size, units[unit]);
	return buf;
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
			 r->group_ref.refs, reason(r, field_of(r, "reason")));
		break;
	case REC_container_set_iommu:
		snprintf(buf, size, "%s", text_iommu_type(r->set_iommu.type));
		break;
	case REC_container_users:
		snprintf(buf, size, "group %d users %u %+d %s", r->users.group,
			 r->users.users, r->users.delta,
			 reason(r, field_of(r, "reason")));
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
			 text_size(r->dma_map.size, bytes),
			 r->dma_map.prot & 1 ? "r" : "-",
			 r->dma_map.prot & 2 ? "w" : "-");
		break;
	case REC_dma_map_progress:
		snprintf(buf, size, "0x%" PRIx64 " %s of %s",
			 (uint64_t)r->dma_map.iova,
			 text_size(r->dma_map.done, done),
			 text_size(r->dma_map.size, bytes));
		break;
	case REC_dma_unmap:
		snprintf(buf, size, "0x%" PRIx64 " %s",
			 (uint64_t)r->dma_unmap.iova,
			 text_size(r->dma_unmap.size, bytes));
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
	const struct field *ret = field_of(r, "ret");
	const struct field *lat = field_of(r, "duration_ns");
	char time[32], comm[VFIOSCOPE_COMM_LEN], number[16] = "-";
	char what[160], details[128], line[256], ms[32] = "-";
	int len;

	text_time(run, r, time, sizeof(time));
	clean_comm(r, comm);
	if (s->number)
		snprintf(number, sizeof(number), "%u", s->number);
	text_details(s, details, sizeof(details));
	snprintf(what, sizeof(what), "%-*s %s", WIDTH_EVENT,
		 snoop_event_name(r->event), details);
	len = snprintf(line, sizeof(line), "%s %7u %-10.10s %3s ", time,
		       r->tgid, comm, number);
	if (!ret) {
		/* There is more room where nothing is behind. */
		snprintf(line + len, sizeof(line) - len, "%s", what);
		len = strlen(line);
		while (line[len - 1] == ' ')
			line[--len] = '\0';
	} else {
		if (lat && u64(r, lat) != EV_UNKNOWN)
			snprintf(ms, sizeof(ms), "%.3f", u64(r, lat) / 1e6);
		snprintf(line + len, sizeof(line) - len, "%-*s %8s %4d",
			 WIDTH_WHAT, what, ms, (int)u32(r, ret));
	}
	out_line(run, error_of(r) ? SCREEN_ALERT : SCREEN_PLAIN, "%s", line);
	if (*s->explanation)
		out_line(run, SCREEN_ALERT, "    `- %s", s->explanation);
	for (size_t i = 0; i < s->frames; i++)
		out_line(run, SCREEN_DIM, "        %s", s->stack[i]);
}
