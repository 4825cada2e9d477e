// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiosnoop, in the kernel: each event becomes a record in the ring buffer.
 *
 * What was not asked for is dropped here, but for what user space needs for its
 * books (which mapping does a failed one overlap?): that is sent hidden, and
 * wakes nobody. What finds no room is counted.
 */
#define HEARS_container_open	  1
#define HEARS_container_release	  1
#define HEARS_group_open	  1
#define HEARS_group_release	  1
#define HEARS_group_get		  1
#define HEARS_group_put		  1
#define HEARS_container_attach	  1
#define HEARS_container_detach	  1
#define HEARS_container_set_iommu 1
#define HEARS_container_users	  1
#define HEARS_device_open	  1
#define HEARS_device_close	  1
#define HEARS_external_user_get	  1
#define HEARS_external_user_put	  1
#define HEARS_group_set_kvm	  1
#define HEARS_dma_map_start	  1
#define HEARS_dma_map		  1
#define HEARS_dma_map_progress	  1
#define HEARS_dma_unmap_start	  1
#define HEARS_dma_unmap		  1
#define HEARS_dma_pin		  1
#define HEARS_dma_unpin		  1
#define HEARS_locked_vm		  1
#include "source.bpf.h"
#include "record.h"
#include "vfiosnoop.h"

char LICENSE[] SEC("license") = "GPL";

#define RING_BYTES (1 << 20) /* user space may choose another size */
#define STACKS	   4096
#ifndef ENOMEM
#define ENOMEM 12
#endif

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, STACKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, RECORD_STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct snoop_config);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LOST_REASONS);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void count_lost(__u32 reason)
{
	__u64 *count = bpf_map_lookup_elem(&lost, &reason);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline bool shown(const struct snoop_config *c, __u32 event,
				  __u32 tgid, __s32 ret, __u64 duration_ns)
{
	return (c->shown & 1ULL << event) && (!c->failed || ret < 0) &&
	       (!c->tgid || c->tgid == tgid) &&
	       (!c->min_ns ||
		(duration_ns != EV_UNKNOWN && duration_ns >= c->min_ns));
}

/* The record with its head filled in, NULL if there is to be none. The caller
 * has a constant size.
 */
static __always_inline struct record *begin(void *ctx, __u32 event, __u64 size,
					    __s32 ret, __u64 duration_ns)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct snoop_config *c;
	struct record *r;
	__u32 zero = 0;
	bool hidden;

	c = bpf_map_lookup_elem(&settings, &zero);
	if (!c)
		return NULL;
	hidden = !shown(c, event, task >> 32, ret, duration_ns);
	if (hidden && !(c->kept & 1ULL << event))
		return NULL;
	r = bpf_ringbuf_reserve(&events, size, 0);
	if (!r) {
		count_lost(LOST_EVENTS);
		return NULL;
	}
	r->size = size;
	r->event = event;
	r->tid = task;
	r->tgid = task >> 32;
	r->ts_ns = bpf_ktime_get_ns();
	r->hidden = hidden;
	r->locked = 0;
	r->limit = 0;
	if (ret == -ENOMEM)
		view_memlock(&r->locked, &r->limit);
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	r->stack = -1;
	if (c->stack && !hidden) {
		r->stack = bpf_get_stackid(ctx, &stacks, 0);
		if (r->stack < 0)
			count_lost(LOST_STACKS);
	}
	return r;
}

/* What is shown is shown at once; hidden ones wait for one that is, or until
 * there are many. Where they lie between those that are shown, the kernel's own
 * rule (wake who has read all that came before) would wake nobody.
 */
static __always_inline void end(struct record *r)
{
	struct snoop_config *c;
	__u32 zero = 0;
	__u64 flags = 0;

	c = bpf_map_lookup_elem(&settings, &zero);
	if (c && c->mixed)
		flags = BPF_RB_FORCE_WAKEUP;
	if (c && r->hidden &&
	    bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < c->wake_bytes)
		flags = BPF_RB_NO_WAKEUP;
	bpf_ringbuf_submit(r, flags);
}

#define SNOOP(event, member, ret, duration_ns)                                 \
	ON(event)                                                              \
	{                                                                      \
		struct record *r =                                             \
			begin(ctx, REC_##event, RECORD_HEAD + sizeof(*e), ret, \
			      duration_ns);                                    \
                                                                               \
		if (!r)                                                        \
			return;                                                \
		r->member = *e;                                                \
		end(r);                                                        \
	}

/* The string is copied: its owner may be gone when the record is read. */
#define SNOOP_NAMED(event, member, string)                                     \
	ON(event)                                                              \
	{                                                                      \
		struct record *r = begin(ctx, REC_##event, sizeof(*r), e->ret, \
					 e->duration_ns);                      \
                                                                               \
		if (!r)                                                        \
			return;                                                \
		r->member = *e;                                                \
		r->member.string = NULL;                                       \
		__builtin_memset(r->name, 0, sizeof(r->name));                 \
		bpf_probe_read_kernel_str(r->name, sizeof(r->name),            \
					  e->string);                          \
		end(r);                                                        \
	}

SNOOP(container_open, container, 0, EV_UNKNOWN)
SNOOP(container_release, container, 0, EV_UNKNOWN)
SNOOP(group_open, group, e->ret, EV_UNKNOWN)
SNOOP(group_release, group, e->ret, EV_UNKNOWN)
SNOOP(group_get, group_ref, 0, EV_UNKNOWN)
SNOOP(group_put, group_ref, 0, EV_UNKNOWN)
SNOOP(container_attach, attach, e->ret, e->duration_ns)
SNOOP(container_detach, attach, e->ret, e->duration_ns)
SNOOP_NAMED(container_set_iommu, set_iommu, driver)
SNOOP(container_users, users, 0, EV_UNKNOWN)
SNOOP_NAMED(device_open, device, device)
SNOOP_NAMED(device_close, device, device)
SNOOP(external_user_get, external, e->ret, EV_UNKNOWN)
SNOOP(external_user_put, external, e->ret, EV_UNKNOWN)
SNOOP(group_set_kvm, set_kvm, 0, EV_UNKNOWN)
SNOOP(dma_map_start, dma_map, 0, EV_UNKNOWN)
SNOOP(dma_map, dma_map, e->ret, e->duration_ns)
SNOOP(dma_map_progress, dma_map, 0, EV_UNKNOWN)
SNOOP(dma_unmap_start, dma_unmap, 0, EV_UNKNOWN)
SNOOP(dma_unmap, dma_unmap, e->ret, e->duration_ns)
SNOOP(dma_pin, dma_pin, e->ret, e->duration_ns)
SNOOP(dma_unpin, dma_pin, e->ret, e->duration_ns)
SNOOP(locked_vm, locked_vm, -ENOMEM, EV_UNKNOWN)
