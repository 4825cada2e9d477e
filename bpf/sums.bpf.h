/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sums by container: what vfiotop is in the kernel, and most of vfio-exporter.
 *
 * Nothing is sent anywhere: user space reads the sums when it draws. An event
 * finds its container by index, without a hash, and costs some dozens of
 * instructions. Who holds what is not followed here; that it changed is
 * counted, and user space takes the snapshot again.
 *
 * With SUMS_TOTALS maps and unmaps are also summed up for all containers
 * together: those sums outlive the containers, and miss none for which there is
 * no place.
 */
#ifndef VFIOSCOPE_SUMS_BPF_H
#define VFIOSCOPE_SUMS_BPF_H

#define HEARS_container_open	  1
#define HEARS_container_release	  1
#define HEARS_container_attach	  1
#define HEARS_container_detach	  1
#define HEARS_container_set_iommu 1
#define HEARS_container_users	  1
#define HEARS_device_open	  1
#define HEARS_device_close	  1
#define HEARS_group_set_kvm	  1
#define HEARS_dma_map_start	  1
#define HEARS_dma_unmap_start	  1
#define HEARS_dma_map_progress	  1
#define HEARS_dma_map		  1
#define HEARS_dma_unmap		  1
#define HEARS_dma_pin		  1
#define HEARS_dma_unpin		  1
#define HEARS_locked_vm		  1
#include "source.bpf.h"
#include "hist.bpf.h"
#include "sums.h"

#define UNMAP_VADDR 4 /* VFIO_DMA_UNMAP_FLAG_VADDR */
#ifndef ENOMEM
#define ENOMEM 12
#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TOP_CONTAINERS);
	__type(key, __u32);
	__type(value, struct top_container);
} containers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct top_global);
} global SEC(".maps");

#ifdef SUMS_TOTALS
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct top_totals);
} totals SEC(".maps");

static __always_inline void total_map(const struct ev_dma_map *e)
{
	struct top_totals *t;
	__u32 zero = 0, error;

	t = bpf_map_lookup_elem(&totals, &zero);
	if (!t)
		return;
	if (e->ret < 0) {
		error = -e->ret;
		if (error >= TOP_ERRNOS)
			error = 0;
		__sync_fetch_and_add(&t->map_failures[error], 1);
		return;
	}
	/* Neither to be read nor written: an old mapping's new vaddr. */
	if (!e->prot)
		return;
	__sync_fetch_and_add(&t->map_bytes, e->size);
	__sync_fetch_and_add(&t->map_ns, e->duration_ns);
	__sync_fetch_and_add(&t->map_slots[hist_slot(e->duration_ns)], 1);
}

static __always_inline void total_unmap(const struct ev_dma_unmap *e)
{
	struct top_totals *t;
	__u32 zero = 0;

	t = bpf_map_lookup_elem(&totals, &zero);
	if (!t || e->ret < 0)
		return;
	__sync_fetch_and_add(&t->unmap_ns, e->duration_ns);
	__sync_fetch_and_add(&t->unmap_slots[hist_slot(e->duration_ns)], 1);
}
#else
static __always_inline void total_map(const struct ev_dma_map *e)
{
}

static __always_inline void total_unmap(const struct ev_dma_unmap *e)
{
}
#endif

static __always_inline void changed(void)
{
	struct top_global *g;
	__u32 zero = 0;

	g = bpf_map_lookup_elem(&global, &zero);
	if (g)
		__sync_fetch_and_add(&g->changes, 1);
}

static __always_inline void lost(void)
{
	struct top_global *g;
	__u32 zero = 0;

	g = bpf_map_lookup_elem(&global, &zero);
	if (g)
		__sync_fetch_and_add(&g->lost, 1);
}

static __always_inline struct top_container *place(__u32 id, __u32 probe)
{
	__u32 slot = (id + probe) & (TOP_CONTAINERS - 1);

	return bpf_map_lookup_elem(&containers, &slot);
}

/* The container's place, claimed if need be; counts the event if there is
 * none. One before its own may have become free since it was claimed, so a free
 * one says nothing before all were asked.
 */
static __always_inline struct top_container *find(__u32 id)
{
	__u64 key = id | TOP_USED, old;
	struct top_container *c;
	__u32 i;

#pragma unroll
	for (i = 0; i < TOP_PROBES; i++) {
		c = place(id, i);
		if (c && c->key == key)
			return c;
	}
#pragma unroll
	for (i = 0; i < TOP_PROBES; i++) {
		c = place(id, i);
		if (!c)
			continue;
		old = __sync_val_compare_and_swap(&c->key, 0, key);
		if (!old || old == key) {
			changed();
			return c;
		}
	}
	lost();
	return NULL;
}

/* Counts it and keeps what explains it, in the place of the one that failed
 * longest ago; only calls that fail come here. What is half written has no
 * number.
 */
static __always_inline void failed(struct top_container *c,
				   struct top_failure *what)
{
	__u64 number = __sync_fetch_and_add(&c->errors, 1) + 1;
	struct top_failure *f = &c->failures[number & (TOP_FAILURES - 1)];

	what->ts_ns = bpf_ktime_get_ns();
	what->tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(what->comm, sizeof(what->comm));
	if (what->ret == -ENOMEM)
		view_memlock(&what->locked, &what->limit);
	f->number = 0;
	barrier();
	*f = *what;
	barrier();
	f->number = number;
}

#define FAILED(c, ...)                                  \
	do {                                            \
		struct top_failure __f = {__VA_ARGS__}; \
                                                        \
		failed(c, &__f);                        \
	} while (0)

ON(container_open)
{
	struct top_container *c = find(e->container);

	if (!c)
		return;
	c->tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(c->comm, sizeof(c->comm));
	c->released = 0;
	c->attached = 0;
	c->opens++;
	changed();
}

ON(container_release)
{
	struct top_container *c = find(e->container);

	if (c)
		c->released = 1;
	changed();
}

ON(container_attach)
{
	struct top_container *c = find(e->container);

	changed();
	if (!c)
		return;
	if (e->ret < 0) {
		FAILED(c, .event = REC_container_attach, .ret = e->ret,
		       .group = e->group);
		return;
	}
	c->group = e->group;
	c->attached++;
}

ON(container_detach)
{
	changed();
}

ON(container_set_iommu)
{
	struct top_container *c = find(e->container);

	if (c && e->ret < 0) {
		FAILED(c, .event = REC_container_set_iommu, .ret = e->ret,
		       .flags = e->type);
	} else if (c) {
		c->pinned_before = c->pinned;
		c->backends++;
	}
	changed();
}

ON(container_users)
{
	changed();
}

ON(device_open)
{
	changed();
}

ON(device_close)
{
	changed();
}

ON(group_set_kvm)
{
	changed();
}

/* The thread's usual place among what is in flight. Two threads that share one
 * show the later call; the sums are not touched by that.
 */
static __always_inline struct top_inflight *inflight(struct top_container *c,
						     __u32 tid)
{
	return &c->inflight[tid & (TOP_INFLIGHT - 1)];
}

static __always_inline void begin(struct top_container *c, __u64 iova,
				  __u64 size, __u64 start_ns, __u32 unmap)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct top_inflight *f = inflight(c, task);

	f->iova = iova;
	f->size = size;
	f->done = 0;
	f->pin_ns = 0;
	f->iommu_ns = 0;
	f->unmap = unmap;
	f->start_ns = start_ns ?: bpf_ktime_get_ns();
	f->tgid = task >> 32;
	f->tid = task;
}

static __always_inline void end(struct top_container *c)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct top_inflight *f = inflight(c, tid);

	if (f->tid == tid)
		f->tid = 0;
}

ON(dma_map_start)
{
	struct top_container *c = find(e->container);

	if (c)
		begin(c, e->iova, e->size, e->start_ns, 0);
}

/* Without a size it is of everything. That of addresses alone takes no time. */
ON(dma_unmap_start)
{
	struct top_container *c = find(e->container);

	if (c && !(e->flags & UNMAP_VADDR))
		begin(c, e->iova, e->size ?: EV_UNKNOWN, e->start_ns, 1);
}

/* May come from a worker, so it is told by its address, not by the task. */
ON(dma_map_progress)
{
	struct top_container *c = find(e->container);
	__u32 i;

	if (!c)
		return;
#pragma unroll
	for (i = 0; i < TOP_INFLIGHT; i++) {
		struct top_inflight *f = &c->inflight[i];

		if (!f->tid || f->unmap || f->iova != e->iova ||
		    f->size != e->size)
			continue;
		f->done = e->done;
		f->pin_ns = e->pin_ns;
		f->iommu_ns = e->iommu_ns;
	}
}

ON(dma_map)
{
	struct top_container *c = find(e->container);

	total_map(e);
	if (!c)
		return;
	end(c);
	if (e->ret < 0) {
		FAILED(c, .event = REC_dma_map, .ret = e->ret, .iova = e->iova,
		       .vaddr = e->vaddr, .size = e->size, .flags = e->prot);
		return;
	}
	if (!e->prot)
		return;
	__sync_fetch_and_add(&c->maps, 1);
	__sync_fetch_and_add(&c->map_bytes, e->size);
	__sync_fetch_and_add(&c->pinned, e->pages);
	if (e->duration_ns > c->map_max_ns)
		c->map_max_ns = e->duration_ns;
	hist_add(&c->map_ns, e->duration_ns);
}

ON(dma_unmap)
{
	struct top_container *c = find(e->container);

	total_unmap(e);
	if (!c)
		return;
	end(c);
	if (e->ret < 0)
		FAILED(c, .event = REC_dma_unmap, .ret = e->ret,
		       .iova = e->iova, .size = e->size, .flags = e->flags);
	else
		__sync_fetch_and_add(&c->unmaps, 1);
	/* A failed one may have got part of the way. */
	__sync_fetch_and_add(&c->unmap_bytes, e->unmapped);
	__sync_fetch_and_add(&c->pinned, -e->pages);
}

ON(dma_pin)
{
	struct top_container *c = find(e->container);

	if (!c)
		return;
	if (e->ret < 0)
		FAILED(c, .event = REC_dma_pin, .ret = e->ret, .iova = e->iova,
		       .size = e->pages);
	else
		__sync_fetch_and_add(&c->pinned, e->pages);
}

ON(dma_unpin)
{
	struct top_container *c = find(e->container);

	if (c && e->ret >= 0)
		__sync_fetch_and_add(&c->pinned, -e->pages);
}

ON(locked_vm)
{
	struct top_container *c = find(e->container);

	if (c)
		__sync_fetch_and_add(&c->refused, 1);
}

#endif /* VFIOSCOPE_SUMS_BPF_H */
