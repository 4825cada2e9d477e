// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiofaults, in the kernel: what was unmapped, when and by whom, so that a
 * device that still reaches there can be told from one that never might.
 */
#define HEARS_dma_unmap 1
#include "source.bpf.h"
#include "vfiofaults.h"

char LICENSE[] SEC("license") = "GPL";

#define RING_BYTES (1 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

ON(dma_unmap)
{
	struct fault_unmap *unmap;
	__u32 zero = 0;
	__u64 *count;

	if (!e->unmapped)
		return;
	unmap = bpf_ringbuf_reserve(&events, sizeof(*unmap), 0);
	if (!unmap) {
		count = bpf_map_lookup_elem(&lost, &zero);
		if (count)
			__sync_fetch_and_add(count, 1);
		return;
	}
	unmap->ts_ns = bpf_ktime_get_ns();
	unmap->iova = e->iova;
	/* VFIO_DMA_UNMAP_FLAG_ALL: from the first to the last. */
	unmap->size = e->flags & 2 ? ~0ULL : e->size;
	unmap->container = e->container;
	unmap->tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(unmap->comm, sizeof(unmap->comm));
	/* They are read when a fault is explained, once a tick: until there
	 * are many, nobody is woken.
	 */
	bpf_ringbuf_submit(unmap,
			   bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) <
					   RING_BYTES / 2
				   ? BPF_RB_NO_WAKEUP
				   : BPF_RB_FORCE_WAKEUP);
}
