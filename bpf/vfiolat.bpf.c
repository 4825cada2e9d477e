// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiolat, in the kernel: histograms of what took how long.
 *
 * An operation that ends is counted in the histogram of its kind, container,
 * process and size. A map that begins is noted with its task, so that a sample
 * of what the CPUs do (any__profile) knows whether it looks at one; faulting in and
 * zeroing memory is told from pinning it by nothing else.
 */
#define STOCK_MAP_PARTS
#define HEARS_dma_map_start    1
#define HEARS_dma_map	       1
#define HEARS_dma_unmap	       1
#define HEARS_container_attach 1
#define HEARS_device_open      1
#define HEARS_dma_pin	       1
#include "source.bpf.h"
#include "hist.bpf.h"
#include "vfiolat.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LAT_ENTRIES);
	__type(key, struct lat_key);
	__type(value, struct lat_value);
} hists SEC(".maps");

/* What an entry begins as: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lat_value);
} empty SEC(".maps");

/* Key 0: events for which there was no place. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

/* By group, the container it was attached to. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LAT_GROUPS);
	__type(key, __s32);
	__type(value, __u32);
} groups SEC(".maps");

struct call {
	__u64 start_ns;
	__u32 container;
};

/* Maps under way, by thread; none is forgotten for another, as an LRU map would
 * with many CPUs that each keep free places to themselves.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LAT_CALLS);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, LAT_STACKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, LAT_FRAMES * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LAT_STACKS);
	__type(key, struct lat_sample);
	__type(value, __u64);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lat_config);
} settings SEC(".maps");

#ifndef VFIOSCOPE_REPLAY /* a recording has no memory */

#define VM_PFNMAP   0x400
#define VM_IO	    0x4000
#define VM_HUGETLB  0x400000
#define TMPFS_MAGIC 0x01021994

static long classify(struct task_struct *task, struct vm_area_struct *vma,
		     __u32 *backing)
{
	unsigned long flags = vma->vm_flags;
	struct file *file = vma->vm_file;

	if (flags & VM_HUGETLB)
		*backing = LAT_BACKING_HUGETLB;
	else if (flags & (VM_PFNMAP | VM_IO))
		*backing = LAT_BACKING_DEVICE;
	else if (!file)
		*backing = LAT_BACKING_ANON;
	else if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) == TMPFS_MAGIC)
		*backing = LAT_BACKING_SHMEM;
	else
		*backing = LAT_BACKING_FILE;
	return 0;
}

/* Unknown if somebody changes the address space just now. */
static __always_inline __u32 backing_of(__u64 vaddr)
{
	__u32 zero = 0, backing = LAT_BACKING_UNKNOWN;
	struct lat_config *c = bpf_map_lookup_elem(&settings, &zero);

	if (c && c->backing)
		bpf_find_vma(bpf_get_current_task_btf(), vaddr, classify,
			     &backing, 0);
	return backing;
}

#else
#define backing_of(vaddr) LAT_BACKING_UNKNOWN
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

static __always_inline struct lat_value *find(const struct lat_key *key)
{
	struct lat_value *v, *none;
	__u32 zero = 0;

	v = bpf_map_lookup_elem(&hists, key);
	if (v)
		return v;
	none = bpf_map_lookup_elem(&empty, &zero);
	if (!none)
		return NULL;
	bpf_map_update_elem(&hists, key, none, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&hists, key);
	if (v)
		bpf_get_current_comm(v->comm, sizeof(v->comm));
	else
		count_lost();
	return v;
}

/* @value: ns or bytes; what the source does not know is not counted. */
static __always_inline void count(struct lat_key *key, __u32 op, int ret,
				  __u64 value)
{
	struct lat_value *v;

	if (value == EV_UNKNOWN)
		return;
	key->op = op;
	v = find(key);
	if (!v)
		return;
	if (ret < 0) {
		__sync_fetch_and_add(&v->failed, 1);
		return;
	}
	__sync_fetch_and_add(&v->sum, value);
	if (value > v->max)
		v->max = value;
	hist_add(&v->hist, value);
}

static __always_inline struct lat_key key_of(__u32 container, __s32 group,
					     __u64 size)
{
	struct lat_key key = {
		.container = container,
		.group = group,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.size_log2 = size ? hist_log2(size) : LAT_NO_SIZE,
	};

	return key;
}

ON(dma_map_start)
{
	struct call call = {.start_ns = bpf_ktime_get_ns(),
			    .container = e->container};
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&calls, &tid, &call, BPF_ANY);
}

/* How long it waited before it began: the stock source says so itself; our
 * dma_map_start comes when the lock was got.
 */
static __always_inline __u64 wait_of(const struct ev_dma_map *e, __u32 tid)
{
	struct call *call;
	__u64 since;

	if (e->wait_ns != EV_UNKNOWN)
		return e->wait_ns;
	call = bpf_map_lookup_elem(&calls, &tid);
	if (!call)
		return EV_UNKNOWN;
	since = bpf_ktime_get_ns() - call->start_ns;
	return e->duration_ns > since ? e->duration_ns - since : 0;
}

ON(dma_map)
{
	struct lat_key key = key_of(e->container, -1, e->size);
	__u32 tid = bpf_get_current_pid_tgid();

	key.backing = backing_of(e->vaddr);
	count(&key, LAT_MAP, e->ret, e->duration_ns);
	if (e->ret >= 0)
		count(&key, LAT_LOCK, 0, wait_of(e, tid));
	bpf_map_delete_elem(&calls, &tid);
	if (e->ret < 0 || !e->pages)
		return;
	count(&key, LAT_PIN, 0, e->pin_ns);
	count(&key, LAT_IOMMU, 0, e->iommu_ns);
	if (e->runs != EV_UNKNOWN && e->runs)
		count(&key, LAT_RUN, 0, e->size / e->runs);
}

ON(dma_unmap)
{
	struct lat_key key =
		key_of(e->container, -1, e->size ? e->size : e->unmapped);

	count(&key, LAT_UNMAP, e->ret, e->duration_ns);
	if (e->ret < 0 || !e->pages)
		return;
	count(&key, LAT_UNMAP_IOMMU, 0, e->iommu_ns);
	count(&key, LAT_UNPIN, 0, e->unpin_ns);
}

ON(container_attach)
{
	struct lat_key key = key_of(e->container, e->group, 0);
	__u32 container = e->container;
	__s32 group = e->group;

	if (e->ret >= 0)
		bpf_map_update_elem(&groups, &group, &container, BPF_ANY);
	count(&key, LAT_ATTACH, e->ret, e->duration_ns);
}

ON(device_open)
{
	struct lat_key key = key_of(0, e->group, 0);
	__s32 group = e->group;
	__u32 *container;

	container = bpf_map_lookup_elem(&groups, &group);
	if (container)
		key.container = *container;
	count(&key, LAT_OPEN, e->ret, e->duration_ns);
}

ON(dma_pin)
{
	struct lat_key key = key_of(e->container, -1, e->pages * EV_PAGE_BYTES);

	count(&key, LAT_DMA_PIN, e->ret, e->duration_ns);
}

#ifndef VFIOSCOPE_REPLAY /* a recording has no samples */

/* On a clock of each CPU. */
SEC("perf_event")
int any__profile(struct bpf_perf_event_data *ctx)
{
	__u64 task = bpf_get_current_pid_tgid(), one = 1, *seen;
	struct lat_sample sample = {.tgid = task >> 32};
	__u32 tid = task;
	struct call *call;

	call = bpf_map_lookup_elem(&calls, &tid);
	if (!call)
		return 0;
	sample.container = call->container;
	sample.stack = bpf_get_stackid(ctx, &stacks, 0);
	if (sample.stack < 0)
		return 0;
	seen = bpf_map_lookup_elem(&samples, &sample);
	if (seen)
		__sync_fetch_and_add(seen, 1);
	else
		bpf_map_update_elem(&samples, &sample, &one, BPF_ANY);
	return 0;
}

#endif
