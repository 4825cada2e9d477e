// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is there already: who has which container, group and device open, and
 * what a container's backend holds.
 *
 * The iterator looks at every open file of every process and knows those of
 * vfio by the address of their file operations: a comparison a file, instead
 * of a readlink. For a container's file it also walks the container's groups,
 * so that a group whose own fd was sent elsewhere is found as well.
 *
 * No lock is taken. Every pointer is followed by a read that may fail, and
 * every walk is bounded, so what changes meanwhile costs a wrong figure in one
 * snapshot at worst.
 */
#include "views.bpf.h"
#include "event.h"
#include "tree.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u64 container_fops;
const volatile __u64 group_fops;
const volatile __u64 device_fops;

#define MAX_GROUPS     128 /* of one container */
#define MAX_TREE_MOVES (1 << 20)
#define MAX_TREE_DEPTH 64

static __always_inline void
fill_container(struct snap_record *r, struct vfio_container___view *container)
{
	if (!container)
		return;
	r->container_ptr = (__u64)container;
	r->container = view_container_id(container);
	r->iommu_data = (__u64)BPF_CORE_READ(container, iommu_data);
}

static __always_inline void fill_group(struct snap_record *r,
				       struct vfio_group___view *group)
{
	if (!group)
		return;
	r->group_ptr = (__u64)group;
	r->group = view_group_id(group);
	r->users = BPF_CORE_READ(group, container_users);
	r->kvm = (__u64)BPF_CORE_READ(group, kvm);
	fill_container(r, BPF_CORE_READ(group, container));
}

static __always_inline void walk_groups(struct seq_file *seq,
					struct snap_record *r,
					struct vfio_container___view *container)
{
	unsigned long offset, head;
	struct list_head *entry;
	int i;

	if (!bpf_core_field_exists(container->group_list))
		return;
	offset =
		bpf_core_field_offset(struct vfio_group___view, container_next);
	head = (unsigned long)container +
	       bpf_core_field_offset(struct vfio_container___view, group_list);
	entry = BPF_CORE_READ(container, group_list.next);
	for (i = 0; i < MAX_GROUPS; i++) {
		if (!entry || (unsigned long)entry == head)
			break;
		fill_group(r, (void *)((unsigned long)entry - offset));
		r->kind = SNAP_MEMBER;
		bpf_seq_write(seq, r, sizeof(*r));
		entry = BPF_CORE_READ(entry, next);
	}
}

SEC("iter/task_file")
int snapshot(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct vfio_device___view *device;
	struct snap_record r = {};
	__u64 ops;
	const char *name;
	struct device *dev;
	void *data;

	if (!task || !file)
		return 0;
	ops = (__u64)file->f_op;
	if (ops != container_fops && ops != group_fops && ops != device_fops)
		return 0;
	data = file->private_data;
	if (!data || !ops)
		return 0;

	r.group = -1;
	r.tgid = task->tgid;
	r.fd = ctx->fd;
	/* The leader's: threads are often named after what they do. */
	BPF_CORE_READ_INTO(&r.comm, task, group_leader, comm);

	if (ops == container_fops) {
		r.kind = SNAP_CONTAINER;
		fill_container(&r, data);
		bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
		walk_groups(ctx->meta->seq, &r, data);
		return 0;
	}
	if (ops == group_fops) {
		r.kind = SNAP_GROUP;
		fill_group(&r, data);
	} else {
		r.kind = SNAP_DEVICE;
		device = view_device(data);
		dev = BPF_CORE_READ(device, dev);
		name = BPF_CORE_READ(dev, kobj.name);
		bpf_probe_read_kernel_str(r.device, sizeof(r.device), name);
		fill_group(&r, BPF_CORE_READ(device, group));
	}
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

struct walk {
	struct tree tree;
	__u64 from;
	__u64 to;
	__u64 maps;
	__u64 bytes;
	__u64 pinned;
	__u64 making;
	__u64 has_making;
};

static __always_inline struct vfio_dma___view *dma_of(struct rb_node *node)
{
	return (void *)((unsigned long)node -
			bpf_core_field_offset(struct vfio_dma___view, node));
}

static __always_inline void visit(struct walk *w, struct rb_node *node)
{
	struct vfio_dma___view *dma;
	__u64 size, iova;

	dma = dma_of(node);
	iova = BPF_CORE_READ(dma, iova);
	if (iova < w->from || iova > w->to)
		return;
	size = BPF_CORE_READ(dma, size);
	w->maps++;
	w->bytes += size;
	if (!bpf_core_field_exists(dma->iommu_mapped) ||
	    BPF_CORE_READ(dma, iommu_mapped)) {
		w->pinned += size;
	} else {
		w->making = iova;
		w->has_making = 1;
	}
}

static long step(__u32 i, void *arg)
{
	struct walk *w = arg;
	struct rb_node *node;

	if (!w->tree.at)
		return 1;
	node = tree_step(&w->tree);
	if (node)
		visit(w, node);
	return 0;
}

/* The stock backend links a mapping before it is made, and lets its size grow
 * with what has been done.
 */
static __always_inline void find_mapping(struct snap_survey *s,
					 struct vfio_iommu___view *iommu)
{
	struct rb_node *at = BPF_CORE_READ(iommu, dma_list.rb_node);
	struct vfio_dma___view *dma;
	__u64 iova, size;
	int i;

	for (i = 0; i < MAX_TREE_DEPTH && at; i++) {
		dma = dma_of(at);
		iova = BPF_CORE_READ(dma, iova);
		size = BPF_CORE_READ(dma, size);
		/* One that has just begun has no size yet. */
		if (s->iova - iova < size || s->iova == iova) {
			s->start = iova;
			s->done = size;
			s->prot = BPF_CORE_READ(dma, prot);
			s->has_done = 1;
			break;
		}
		if (s->iova < iova)
			at = BPF_CORE_READ(at, rb_left);
		else
			at = BPF_CORE_READ(at, rb_right);
	}
}

SEC("syscall")
int survey(struct snap_survey *s)
{
	struct vfio_container___view *container = (void *)s->container_ptr;
	struct vfio_iommu___view *iommu;
	struct walk w = {};

	s->ok = 0;
	s->has_avail = 0;
	s->has_maps = 0;
	s->has_done = 0;
	s->has_making = 0;
	if (!container)
		return 0;
	if (s->container && view_container_id(container) != s->container)
		return 0;
	iommu = BPF_CORE_READ(container, iommu_data);
	if (!iommu)
		return 0;
	s->ok = 1;
	if (bpf_core_field_exists(iommu->dma_avail)) {
		s->dma_avail = BPF_CORE_READ(iommu, dma_avail);
		s->has_avail = 1;
	}
	if (s->find && bpf_core_field_exists(iommu->dma_list) &&
	    bpf_core_type_exists(struct vfio_dma___view))
		find_mapping(s, iommu);
	if (s->walk && bpf_core_field_exists(iommu->dma_list) &&
	    bpf_core_type_exists(struct vfio_dma___view)) {
		w.from = s->from;
		w.to = s->to ?: EV_UNKNOWN;
		w.tree.at = BPF_CORE_READ(iommu, dma_list.rb_node);
		bpf_loop(MAX_TREE_MOVES, step, &w, 0);
		s->has_maps = !w.tree.at;
		s->maps = w.maps;
		s->bytes = w.bytes;
		s->pinned = w.pinned;
		s->making = w.making;
		s->has_making = w.has_making;
	}
	return 0;
}

#define NR_IOCTL 16	/* of x86-64 */
#define MAP_DMA	 0x3b71 /* VFIO_IOMMU_MAP_DMA */

struct map_arg {
	__u32 argsz;
	__u32 flags;
	__u64 vaddr;
	__u64 iova;
	__u64 size;
};

/* Calls that began before the tool did: what was asked for is in the caller's
 * memory, where its registers say.
 */
SEC("iter.s/task")
int calls(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct snap_call call = {};
	struct map_arg arg;
	struct pt_regs *regs;

	if (!task || !task->mm)
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (regs->orig_ax != NR_IOCTL || (__u32)regs->si != MAP_DMA)
		return 0;
	if (bpf_copy_from_user_task(&arg, sizeof(arg), (void *)regs->dx, task,
				    0))
		return 0;
	call.iova = arg.iova;
	call.size = arg.size;
	call.tgid = task->tgid;
	call.tid = task->pid;
	bpf_seq_write(ctx->meta->seq, &call, sizeof(call));
	return 0;
}
