// SPDX-License-Identifier: GPL-2.0-only
/* What an event's outcome means, in words. */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"

#define PAGE_BYTES 4096
#define SECOND	   1000000000ULL

/* Causes that the event alone tells, or that are the usual ones. */
static const struct {
	int event;
	int error;
	const char *words;
} causes[] = {
	{REC_group_open, EBUSY,
	 "it is open already, or something in the kernel still holds it"},
	{REC_group_open, ENODEV, "its last device is leaving it"},
	{REC_group_open, EPERM, "noiommu groups need CAP_SYS_RAWIO"},
	{REC_container_attach, EINVAL,
	 "one of: in a container already, a 1:1 mapping wanted by the firmware "
	 "(RMRR), mappings the IOMMU cannot have"},
	{REC_container_attach, EBUSY,
	 "one of: a device bound to a driver that does DMA, another owner, a "
	 "vaddr that is invalid"},
	{REC_container_attach, EPERM,
	 "one of: interrupts not remapped, a 1:1 mapping wanted by the "
	 "firmware "
	 "(RMRR), noiommu"},
	{REC_container_attach, ENODEV, "the group has no devices any more"},
	{REC_container_set_iommu, EINVAL,
	 "one of: no group is attached, it has an IOMMU driver already, the "
	 "IOMMU refused"},
	{REC_container_set_iommu, ENODEV,
	 "no IOMMU driver of this type: modprobe vfio_iommu_type1"},
	{REC_container_set_iommu, EPERM,
	 "one of: interrupts not remapped (see allow_unsafe_interrupts), a 1:1 "
	 "mapping wanted by the firmware (RMRR)"},
	{REC_container_set_iommu, EBUSY, "a group is used by somebody else"},
	{REC_device_open, EINVAL,
	 "one of: a group without container, a container without IOMMU driver, "
	 "a VF token where none is wanted"},
	{REC_device_open, ENODEV,
	 "no such device in the group, or not bound to a vfio driver"},
	{REC_device_open, EBUSY, "open already, or the driver is busy"},
	{REC_device_open, EPERM, "noiommu devices need CAP_SYS_RAWIO"},
	{REC_device_open, EACCES,
	 "one of: the VF token is missing or wrong, its power management "
	 "refuses"},
	{REC_external_user_get, EINVAL,
	 "no group's file, or its container has no IOMMU driver"},
	{REC_dma_map, EFAULT,
	 "one of: nothing mapped at vaddr, a protection that forbids it, no "
	 "page to be had (huge pages, tmpfs, end of file)"},
	{REC_dma_map, EBUSY, "the IOMMU or a driver is using the range"},
	{REC_dma_map, EPERM, "the caller's memory is not who made it"},
	{REC_dma_map, ENODEV, "the process whose memory it is has gone"},
	{REC_dma_map, ENOENT, "there is no mapping to give a new vaddr to"},
	{REC_dma_map, EINTR, "a signal came: the process is killed"},
	{REC_dma_unmap, EBUSY,
	 "a driver does not let go of its pages, or vaddr is in use"},
	{REC_dma_unmap, EFAULT, "the dirty bitmap cannot be written"},
	{REC_dma_pin, EINVAL, "no mapping there, or vaddr is invalid"},
	{REC_dma_pin, EPERM, "the mapping does not allow this access"},
	{REC_dma_pin, EFAULT, "the memory behind the mapping has gone"},
	{REC_dma_pin, ENODEV, "the container is not for emulated devices"},
	{REC_dma_pin, EBUSY, "the container is being taken down"},
	{0, 0, NULL},
};

const char *explain_event_name(uint32_t event)
{
#define NAME(event, type) [REC_##event] = #event,
	static const char *const names[REC_EVENTS] = {RECORD_EVENTS(NAME)};
#undef NAME

	return event < REC_EVENTS ? names[event] : "?";
}

void explain_errno(int error, char *buf, size_t size)
{
	const char *name = strerrorname_np(error);

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "errno %d", error);
}

/* 0: the event has no outcome, or a good one. */
static int error_of(const struct record *r)
{
	int ret = 0;

	switch (r->event) {
	case REC_group_open:
	case REC_group_release:
		ret = r->group.ret;
		break;
	case REC_container_attach:
	case REC_container_detach:
		ret = r->attach.ret;
		break;
	case REC_container_set_iommu:
		ret = r->set_iommu.ret;
		break;
	case REC_device_open:
	case REC_device_close:
		ret = r->device.ret;
		break;
	case REC_external_user_get:
	case REC_external_user_put:
		ret = r->external.ret;
		break;
	case REC_dma_map:
		ret = r->dma_map.ret;
		break;
	case REC_dma_unmap:
		ret = r->dma_unmap.ret;
		break;
	case REC_dma_pin:
	case REC_dma_unpin:
		ret = r->dma_pin.ret;
		break;
	}
	return ret < 0 && ret >= -MAX_ERRNO ? -ret : 0;
}

static void say_overlap(const struct explain *x,
			const struct mapped_space *space,
			const struct record *r, char *buf, size_t size)
{
	const struct ev_dma_map *e = &r->dma_map;
	const struct mapped_range *m = NULL;
	uint64_t ns;
	double age;

	if (space)
		m = mapped_find(space, e->iova, e->iova + e->size - 1);
	if (!m) {
		snprintf(buf, size, "%s",
			 x->unknown
				 ?: "overlaps a mapping from before this "
				    "began");
		return;
	}
	if (!m->ts_ns) {
		snprintf(buf, size,
			 "overlaps 0x%" PRIx64 "-0x%" PRIx64 " of %s/%u",
			 m->iova, m->last, m->comm, m->tgid);
		return;
	}
	ns = r->ts_ns > m->ts_ns ? r->ts_ns - m->ts_ns : 0;
	age = ns < SECOND ? ns / 1e6 : ns / 1e9;
	snprintf(buf, size,
		 "overlaps 0x%" PRIx64 "-0x%" PRIx64 " of %s/%u, %.*f %s old",
		 m->iova, m->last, m->comm, m->tgid, age < 100, age,
		 ns < SECOND ? "ms" : "s");
}

static void say_no_place(const struct mapped_space *space, char *buf,
			 size_t size)
{
	if (space && space->limit >= 0)
		snprintf(buf, size,
			 "%" PRId64 " of %" PRId64
			 " mappings used (dma_entry_limit)",
			 space->limit, space->limit);
	else
		snprintf(buf, size,
			 "as many mappings as dma_entry_limit allows");
}

static void say_no_memory(const struct record *r, uint64_t pages, char *buf,
			  size_t size)
{
	uint64_t left = r->locked < r->limit ? r->limit - r->locked : 0;

	if (r->limit != EV_UNKNOWN && pages > left)
		snprintf(buf, size,
			 "%" PRIu64 " pages wanted, %" PRIu64
			 " left under RLIMIT_MEMLOCK",
			 pages, left);
	else
		snprintf(buf, size,
			 "the kernel has no memory for it (%" PRIu64
			 " pages wanted)",
			 pages);
}

static const char *bad_map(const struct ev_dma_map *e)
{
	if (!e->size)
		return "the size is 0";
	if ((e->iova | e->size | e->vaddr) & (PAGE_BYTES - 1))
		return "iova, vaddr and size must be whole pages";
	if (e->iova + e->size - 1 < e->iova ||
	    e->vaddr + e->size - 1 < e->vaddr)
		return "the range wraps around";
	if (!e->prot)
		return "neither read nor write was asked for";
	return "one of: reserved, beyond what the IOMMU reaches, bad flags";
}

static const char *bad_unmap(const struct ev_dma_unmap *e)
{
	bool all = e->flags & VFIO_DMA_UNMAP_FLAG_ALL;

	if (all)
		return "with the flag ALL, iova and size must be 0";
	if (!e->size)
		return "the size is 0";
	if ((e->iova | e->size) & (PAGE_BYTES - 1))
		return "iova and size must be whole pages";
	if (e->iova + e->size - 1 < e->iova)
		return "the range wraps around";
	return "it would cut a mapping in two, or bad flags";
}

static void say_cause(const struct explain *x, const struct mapped_space *space,
		      const struct record *r, int error, char *buf, size_t size)
{
	if (r->event == REC_dma_map && error == EEXIST) {
		say_overlap(x, space, r, buf, size);
	} else if (r->event == REC_dma_map && error == ENOSPC) {
		say_no_place(space, buf, size);
	} else if (r->event == REC_dma_map && error == ENOMEM) {
		say_no_memory(r, r->dma_map.size / PAGE_BYTES, buf, size);
	} else if (r->event == REC_dma_pin && error == ENOMEM) {
		say_no_memory(r, r->dma_pin.pages, buf, size);
	} else if (r->event == REC_dma_map && error == EINVAL) {
		snprintf(buf, size, "%s", bad_map(&r->dma_map));
	} else if (r->event == REC_dma_unmap && error == EINVAL) {
		snprintf(buf, size, "%s", bad_unmap(&r->dma_unmap));
	} else {
		for (size_t i = 0; causes[i].words; i++)
			if (causes[i].event == (int)r->event &&
			    causes[i].error == error) {
				snprintf(buf, size, "%s", causes[i].words);
				return;
			}
		snprintf(buf, size, "%s", strerror(error));
	}
}

/* Returned 0, and what is mapped now may not be what the caller thinks. */
static bool say_danger(const struct ev_dma_unmap *e, char *buf, size_t size)
{
	if (e->flags & (VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR) ||
	    e->unmapped == e->size)
		return false;
	if (!e->unmapped)
		snprintf(buf, size,
			 "returned 0 and unmapped nothing: no "
			 "mapping begins in this range");
	else
		snprintf(buf, size,
			 "unmapped %s than asked: 0x%" PRIx64 " of 0x%" PRIx64
			 " bytes",
			 e->unmapped < e->size ? "less" : "more",
			 (uint64_t)e->unmapped, (uint64_t)e->size);
	return true;
}

static bool say_refused(const struct ev_locked_vm *e, char *buf, size_t size)
{
	uint64_t left = e->locked < e->limit ? e->limit - e->locked : 0;

	snprintf(buf, size,
		 "%" PRIu64 " pages wanted, %" PRIu64
		 " left under RLIMIT_MEMLOCK",
		 (uint64_t)e->pages, left);
	return true;
}

/* The container whose mappings the event is about, 0: none. */
static uint32_t container_of_event(const struct record *r)
{
	switch (r->event) {
	case REC_container_open:
	case REC_container_release:
		return r->container.container;
	case REC_container_set_iommu:
		return r->set_iommu.container;
	case REC_dma_map:
		return r->dma_map.container;
	case REC_dma_unmap:
		return r->dma_unmap.container;
	default:
		return 0;
	}
}

static void keep(struct explain *x, const struct record *r,
		 struct mapped_space *space)
{
	switch (r->event) {
	case REC_container_open:
	case REC_container_release:
		mapped_forget(&x->mappings, r->container.container);
		break;
	case REC_container_set_iommu:
		if (r->set_iommu.ret)
			break;
		/* A new backend, and it begins with this limit. */
		space->count = 0;
		if (x->entry_limit)
			space->limit = x->entry_limit(x->context);
		break;
	case REC_dma_map:
		if (!r->dma_map.ret)
			mapped_add(space, r);
		break;
	case REC_dma_unmap:
		mapped_remove(space, r);
		break;
	}
}

bool explain_event(struct explain *x, const struct record *r, char *buf,
		   size_t size)
{
	uint32_t container = container_of_event(r);
	struct mapped_space *space = NULL;
	int error = error_of(r), len;
	bool said = true, found = false;

	*buf = '\0';
	if (container)
		space = mapped_of(&x->mappings, container);
	if (error) {
		explain_errno(error, buf, size);
		len = strlen(buf);
		len += snprintf(buf + len, size - len, ": ");
		if (x->cause)
			found = x->cause(x->context, r, error, buf + len,
					 size - len);
		if (!found)
			say_cause(x, space, r, error, buf + len, size - len);
	} else if (r->event == REC_dma_unmap) {
		said = say_danger(&r->dma_unmap, buf, size);
	} else if (r->event == REC_locked_vm) {
		said = say_refused(&r->locked_vm, buf, size);
	} else {
		said = false;
	}
	if (space)
		keep(x, r, space);
	return said;
}

bool explain_books(struct explain *x, uint32_t container,
		   const struct mapping *list, size_t count, int64_t limit)
{
	struct mapped_space *space = mapped_of(&x->mappings, container);

	if (!space)
		return false;
	space->count = 0;
	space->limit = limit;
	for (size_t i = 0; i < count; i++) {
		struct record r = {
			.tgid = list[i].tgid,
			.dma_map = {.iova = list[i].iova, .size = list[i].size},
		};

		memcpy(r.comm, list[i].comm, sizeof(r.comm));
		mapped_add(space, &r);
	}
	return true;
}

void explain_free(struct explain *x)
{
	mapped_free(&x->mappings);
}
