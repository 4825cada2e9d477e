// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfioleak, in the kernel: each thing taken and given back becomes a record,
 * with the stacks of who did it. Which processes are a command's is followed
 * from fork to exit, because who takes something may be gone when the record
 * is read.
 */
#define HEARS_container_open	1
#define HEARS_container_release 1
#define HEARS_group_open	1
#define HEARS_group_release	1
#define HEARS_device_open	1
#define HEARS_device_close	1
#define HEARS_container_attach	1
#define HEARS_container_detach	1
#define HEARS_container_users	1
#define HEARS_group_get		1
#define HEARS_group_put		1
#define HEARS_dma_map		1
#define HEARS_dma_unmap		1
#define HEARS_dma_pin		1
#define HEARS_dma_unpin		1
#define HEARS_external_user_get 1
#define HEARS_external_user_put 1
#define HEARS_group_set_kvm	1
#include "source.bpf.h"
#include "vfioleak.h"

char LICENSE[] SEC("license") = "GPL";

/* From <linux/vfio.h> and our trace events. */
#define UNMAP_ALL	 2 /* VFIO_DMA_UNMAP_FLAG_ALL */
#define UNMAP_VADDR	 4 /* VFIO_DMA_UNMAP_FLAG_VADDR */
#define REFERENCE_DEVICE 0 /* VFIO_GROUP_REF_DEVICE */
#define NO_SUCH		 2 /* ENOENT */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LEAK_RING);
} events SEC(".maps");

/* Key 0: records for which there was no place. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LEAK_FAMILY);
	__type(key, __u32);
	__type(value, __u32);
} family SEC(".maps");

#ifndef VFIOSCOPE_REPLAY

SEC("tp_btf/sched_process_fork")
int BPF_PROG(any__fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = parent->tgid, to = child->tgid, one = 1;

	if (from != to && bpf_map_lookup_elem(&family, &from))
		bpf_map_update_elem(&family, &to, &one, BPF_ANY);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(any__exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;

	if (view_last_thread(task))
		bpf_map_delete_elem(&family, &tgid);
	return 0;
}

#endif

static __always_inline void count_lost(void)
{
	__u64 one = 1, *sum;
	__u32 zero = 0;

	sum = bpf_map_lookup_elem(&lost, &zero);
	if (sum)
		__sync_fetch_and_add(sum, 1);
	else
		bpf_map_update_elem(&lost, &zero, &one, BPF_ANY);
}

static __always_inline struct leak_event *begin(__u32 kind, int change,
						__u32 container, __s32 group)
{
	__u64 task = bpf_get_current_pid_tgid();
	__u32 tgid = task >> 32;
	struct leak_event *r;

	r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r) {
		count_lost();
		return NULL;
	}
	r->ts = bpf_ktime_get_ns();
	r->kind = kind;
	r->change = change;
	r->container = container;
	r->group = group;
	r->reason = LEAK_UNKNOWN;
	r->tgid = tgid;
	r->tid = task;
	r->family = bpf_map_lookup_elem(&family, &tgid) != NULL;
	r->iova = 0;
	r->size = 0;
	r->kvm = 0;
	r->device[0] = '\0';
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	return r;
}

#ifndef VFIOSCOPE_REPLAY

struct find {
	__u64 address;
	bool code;
	struct leak_frame frame;
};

static long find_code(struct task_struct *task, struct vm_area_struct *vma,
		      void *arg)
{
	struct find *find = arg;

	find->code = view_code(vma, find->address, &find->frame.offset,
			       find->frame.file, sizeof(find->frame.file));
	return 0;
}

/* Frame pointers lead from one to the next; a function that keeps none leads
 * astray, to where no code is.
 */
static __always_inline void user_stack(struct leak_event *r,
				       struct task_struct *task)
{
	__u64 addresses[LEAK_USTACK] = {};
	long ret;
	int i;

	bpf_get_task_stack(task, addresses, sizeof(addresses),
			   BPF_F_USER_STACK);
	for (i = 0; i < LEAK_USTACK; i++) {
		struct find find = {.address = addresses[i]};

		if (!find.address)
			break;
		find.frame.offset = find.address;
		/* The lock may be taken: then the address has to do. */
		ret = bpf_find_vma(task, find.address, find_code, &find, 0);
		if (ret == -NO_SUCH || (!ret && !find.code))
			break;
		r->user[i] = find.frame;
	}
	r->frames = i;
}

static __always_inline void stacks(struct leak_event *r)
{
	struct task_struct *task = bpf_get_current_task_btf();

	r->kstack_bytes =
		bpf_get_task_stack(task, r->kstack, sizeof(r->kstack), 0);
	user_stack(r, task);
}

#else /* a recording has none that lead anywhere */

static __always_inline void stacks(struct leak_event *r)
{
	r->kstack_bytes = 0;
	r->frames = 0;
}

#endif

static __always_inline void end(struct leak_event *r)
{
	stacks(r);
	bpf_ringbuf_submit(r, 0);
}

static __always_inline void put(__u32 kind, int change, __u32 container,
				__s32 group, __u32 reason)
{
	struct leak_event *r = begin(kind, change, container, group);

	if (!r)
		return;
	r->reason = reason;
	end(r);
}

static __always_inline void put_range(__u32 kind, int change, __u32 container,
				      __u64 iova, __u64 size)
{
	struct leak_event *r = begin(kind, change, container, -1);

	if (!r)
		return;
	r->iova = iova;
	r->size = size;
	end(r);
}

ON(container_open)
{
	put(LEAK_CONTAINER, 1, e->container, -1, LEAK_UNKNOWN);
}

ON(container_release)
{
	put(LEAK_CONTAINER, -1, e->container, -1, LEAK_UNKNOWN);
}

ON(group_open)
{
	if (e->ret >= 0)
		put(LEAK_GROUP, 1, 0, e->group, LEAK_UNKNOWN);
}

ON(group_release)
{
	put(LEAK_GROUP, -1, 0, e->group, LEAK_UNKNOWN);
}

static __always_inline void put_device(const struct ev_device *e, int change)
{
	struct leak_event *r;

	if (e->ret < 0)
		return;
	r = begin(LEAK_DEVICE, change, 0, e->group);
	if (!r)
		return;
	/* The stock source's is on its stack; both are kernel memory. */
	bpf_probe_read_kernel_str(r->device, sizeof(r->device), e->device);
	end(r);
}

ON(device_open)
{
	put_device(e, 1);
}

ON(device_close)
{
	put_device(e, -1);
}

ON(container_attach)
{
	if (e->ret >= 0)
		put(LEAK_ATTACHMENT, 1, e->container, e->group, LEAK_UNKNOWN);
}

ON(container_detach)
{
	if (e->ret >= 0)
		put(LEAK_ATTACHMENT, -1, e->container, e->group, LEAK_UNKNOWN);
}

ON(container_users)
{
	put(LEAK_USER, e->delta, e->container, e->group, e->reason);
}

/* A device that is registered has a reference as long as it has its driver:
 * nobody is to give it back.
 */
ON(group_get)
{
	if (e->reason != REFERENCE_DEVICE)
		put(LEAK_REFERENCE, 1, 0, e->group, e->reason);
}

ON(group_put)
{
	if (e->reason != REFERENCE_DEVICE)
		put(LEAK_REFERENCE, -1, 0, e->group, e->reason);
}

/* Without a direction it is a new address of a mapping that is there. */
ON(dma_map)
{
	if (e->ret >= 0 && e->prot)
		put_range(LEAK_MAPPING, 1, e->container, e->iova, e->size);
}

ON(dma_unmap)
{
	bool all = e->flags & UNMAP_ALL;

	if (!e->unmapped || e->flags & UNMAP_VADDR)
		return;
	put_range(LEAK_MAPPING, -1, e->container, all ? 0 : e->iova,
		  all ? 0 : e->size);
}

ON(dma_pin)
{
	if (e->ret >= 0 && e->pages)
		put_range(LEAK_PIN, 1, e->container, e->iova,
			  e->pages * EV_PAGE_BYTES);
}

ON(dma_unpin)
{
	if (e->ret >= 0 && e->pages)
		put_range(LEAK_PIN, -1, e->container, e->iova,
			  e->pages * EV_PAGE_BYTES);
}

ON(external_user_get)
{
	if (e->ret >= 0)
		put(LEAK_EXTERNAL, 1, e->container, e->group, LEAK_UNKNOWN);
}

ON(external_user_put)
{
	put(LEAK_EXTERNAL, -1, e->container, e->group, LEAK_UNKNOWN);
}

ON(group_set_kvm)
{
	struct leak_event *r = begin(LEAK_KVM, e->linked ? 1 : -1, 0, e->group);

	if (!r)
		return;
	r->kvm = e->kvm;
	end(r);
}
