// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mappings of a container, as its backend knows them: a record each, a
 * chunk a call, in the order of their addresses.
 *
 * No lock is taken. A walk that finds its way by a pointer that has changed
 * meanwhile comes to a mapping whose address is not above the last one's, or
 * to another sum than the walk after it; so the caller walks twice and
 * compares.
 */
#include "views.bpf.h"
#include "tree.bpf.h"
#include "mappings.h"

char LICENSE[] SEC("license") = "GPL";

#define MAX_MOVES (1 << 20)
#define MAX_DEPTH 64
#define SPREAD	  0x9e3779b97f4a7c15ULL

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAPPINGS_CHUNK);
	__type(key, __u32);
	__type(value, struct mapping);
} records SEC(".maps");

/* Not on the stack: there the verifier would follow every count there can be.
 * A program that is loaded has one caller.
 */
static struct progress {
	struct tree tree;
	struct rb_node *best; /* first mapping at or above the address */
	__u64 from;
	__u64 last; /* iova */
	__u64 count;
	__u64 digest;
	__u32 count_only;
	__u32 torn;
} progress;

static __always_inline struct vfio_dma___view *dma_of(struct rb_node *node)
{
	return (void *)((unsigned long)node -
			bpf_core_field_offset(struct vfio_dma___view, node));
}

/* Who mapped it: whose memory it is, even if it has passed the fd on. */
static __always_inline void fill_mapper(struct mapping *r,
					struct vfio_dma___view *dma)
{
	struct task_struct *task = BPF_CORE_READ(dma, task);

	r->tgid = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_INTO(&r->comm, task, comm);
	if (bpf_core_field_exists(dma->mm) &&
	    BPF_CORE_READ(dma, mm) != BPF_CORE_READ(task, mm))
		r->flags |= MAPPING_OTHER_MM;
}

static __always_inline void fill(struct mapping *r, struct vfio_dma___view *dma,
				 __u64 iova)
{
	r->iova = iova;
	r->vaddr = BPF_CORE_READ(dma, vaddr);
	r->size = BPF_CORE_READ(dma, size);
	r->prot = BPF_CORE_READ(dma, prot);
	r->flags = 0;
	if (BPF_CORE_READ(dma, iommu_mapped))
		r->flags |= MAPPING_PINNED;
	if (bpf_core_field_exists(dma->vaddr_invalid) &&
	    BPF_CORE_READ(dma, vaddr_invalid))
		r->flags |= MAPPING_VADDR_INVALID;
	if (bpf_core_field_exists(dma->lock_cap) &&
	    BPF_CORE_READ(dma, lock_cap))
		r->flags |= MAPPING_LOCK_CAP;
	r->locked_pages = EV_UNKNOWN;
	if (bpf_core_field_exists(dma->locked_vm))
		r->locked_pages = BPF_CORE_READ(dma, locked_vm);
	r->runs = EV_UNKNOWN;
	if (bpf_core_field_exists(dma->runs) && r->flags & MAPPING_PINNED &&
	    !BPF_CORE_READ(dma, runs.lost))
		r->runs = BPF_CORE_READ(dma, runs.nr);
	fill_mapper(r, dma);
}

/* Down to the first mapping at or above the address. */
static long seek(__u32 i, void *arg)
{
	struct progress *p = &progress;
	struct rb_node *at = p->tree.at;
	struct vfio_dma___view *dma;

	if (!at)
		return 1;
	dma = dma_of(at);
	if (BPF_CORE_READ(dma, iova) < p->from) {
		p->tree.at = BPF_CORE_READ(at, rb_right);
	} else {
		p->best = at;
		p->tree.at = BPF_CORE_READ(at, rb_left);
	}
	return 0;
}

static long step(__u32 i, void *arg)
{
	struct progress *p = &progress;
	struct vfio_dma___view *dma;
	struct rb_node *node;
	struct mapping *r;
	__u32 slot;
	__u64 iova;

	if (!p->tree.at)
		return 1;
	node = tree_step(&p->tree);
	if (!node)
		return 0;
	dma = dma_of(node);
	iova = BPF_CORE_READ(dma, iova);
	if (iova < p->from || (p->count && iova <= p->last)) {
		p->torn = 1;
		return 1;
	}
	p->last = iova;
	p->digest += (iova + 1) * SPREAD ^ BPF_CORE_READ(dma, size);
	slot = p->count++;
	if (p->count_only)
		return 0;
	r = bpf_map_lookup_elem(&records, &slot);
	if (r)
		fill(r, dma, iova);
	return p->count == MAPPINGS_CHUNK;
}

/* The backend's books, NULL: not that container, or it has none. */
static __always_inline struct vfio_iommu___view *
books_of(struct vfio_container___view *container, __u32 id)
{
	struct vfio_iommu___view *iommu = NULL;

	if (!container || view_container_id(container) != id ||
	    !bpf_core_field_exists(iommu->dma_list) ||
	    !bpf_core_type_exists(struct vfio_dma___view))
		return NULL;
	return BPF_CORE_READ(container, iommu_data);
}

/* What goes out is written once, at the end: the verifier wants accesses to
 * the argument plain.
 */
SEC("syscall")
int mappings(struct mappings_walk *w)
{
	struct progress *p = &progress;
	__u32 has_avail = 0, dma_avail = 0;
	struct vfio_iommu___view *iommu;

	__builtin_memset(p, 0, sizeof(*p));
	p->from = w->from;
	p->count_only = w->count_only;
	iommu = books_of((void *)w->container_ptr, w->container);
	if (iommu) {
		if (bpf_core_field_exists(iommu->dma_avail)) {
			dma_avail = BPF_CORE_READ(iommu, dma_avail);
			has_avail = 1;
		}
		p->tree.at = BPF_CORE_READ(iommu, dma_list.rb_node);
		bpf_loop(MAX_DEPTH, seek, NULL, 0);
		tree_enter(&p->tree, p->best);
		bpf_loop(MAX_MOVES, step, NULL, 0);
	}
	w->ok = iommu != NULL;
	w->from = p->last + 1;
	w->more = p->tree.at && !p->torn && p->count;
	w->torn = p->torn;
	w->has_avail = has_avail;
	w->dma_avail = dma_avail;
	w->count = p->count;
	w->digest = p->digest;
	return 0;
}
