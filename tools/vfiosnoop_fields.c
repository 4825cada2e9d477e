// SPDX-License-Identifier: GPL-2.0-only
/* Which members of which struct an event shows, under which key. */
#include <string.h>

#include "vfiosnoop_fields.h"

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
static const struct field dma_unmap_start_fields[] = {
	FIELD(ID, "container", dma_unmap.container),
	FIELD(U64, "iova", dma_unmap.iova),
	FIELD(U64, "size", dma_unmap.size),
	FIELD(U32, "flags", dma_unmap.flags),
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

const struct field *const snoop_fields[REC_EVENTS] = {
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
	[REC_dma_unmap_start] = dma_unmap_start_fields,
};

static const void *value(const struct record *r, const struct field *f)
{
	return (const char *)r + f->offset;
}

uint32_t snoop_u32(const struct record *r, const struct field *f)
{
	return *(const __u32 *)value(r, f);
}

uint64_t snoop_u64(const struct record *r, const struct field *f)
{
	return *(const __u64 *)value(r, f);
}

const struct field *snoop_field(const struct record *r, const char *key)
{
	const struct field *f;

	if (r->event >= REC_EVENTS)
		return NULL;
	for (f = snoop_fields[r->event]; f->key; f++)
		if (!strcmp(f->key, key))
			return f;
	return NULL;
}

uint32_t snoop_container(const struct record *r)
{
	const struct field *f = snoop_field(r, "container");

	return f ? snoop_u32(r, f) : 0;
}

int snoop_group(const struct record *r)
{
	const struct field *f = snoop_field(r, "group");

	return f ? (int)snoop_u32(r, f) : -1;
}

const char *snoop_reason(const struct record *r, const struct field *f)
{
	uint32_t v = snoop_u32(r, f);

	if (f->kind == KIND_REF_REASON)
		return v < sizeof(ref_reasons) / sizeof(*ref_reasons)
			       ? ref_reasons[v]
			       : "other";
	return v < sizeof(user_reasons) / sizeof(*user_reasons)
		       ? user_reasons[v]
		       : "other";
}
