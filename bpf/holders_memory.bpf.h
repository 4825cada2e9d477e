/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's mappings, from the device's side: the tree of all that maps the
 * inode its files are mapped through, an entry of it a call. Processes' memory is
 * there, and such that no process has any more. Part of holders.bpf.c, which
 * knows what a file is.
 */
#ifndef VFIOSCOPE_HOLDERS_MEMORY_BPF_H
#define VFIOSCOPE_HOLDERS_MEMORY_BPF_H

#include "tree.bpf.h"

#define MAX_MOVES 4096 /* in the tree, a call */

struct memory_walk {
	struct tree tree;
	struct hold_file seen;
	__u64 device;
	__u64 mm;
	__u64 bytes;
};

static long next_mapping(__u32 i, void *arg)
{
	struct memory_walk *w = arg;
	struct vm_area_struct *vma;
	struct rb_node *node;
	struct file *file;

	if (!w->tree.at)
		return 1;
	node = tree_step(&w->tree);
	if (!node)
		return 0;
	vma = (void *)CONTAINER(node, struct vm_area_struct, shared.rb);
	file = BPF_CORE_READ(vma, vm_file);
	if (!file || !fill_file(&w->seen, file) ||
	    w->seen.what != HOLD_DEVICE || w->seen.object != w->device) {
		w->seen.file = 0;
		return 0;
	}
	w->mm = (__u64)BPF_CORE_READ(vma, vm_mm);
	w->bytes = BPF_CORE_READ(vma, vm_end) - BPF_CORE_READ(vma, vm_start);
	return 1;
}

/* Through which a device's files are mapped; that of others too, where it has
 * none of its own.
 */
static __always_inline struct inode *inode_of(struct vfio_device___view *device)
{
	struct inode *inode = NULL;

	if (bpf_core_field_exists(device->inode))
		return BPF_CORE_READ(device, inode);
	if (anon_inode)
		bpf_probe_read_kernel(&inode, sizeof(inode),
				      (void *)anon_inode);
	return inode;
}

SEC("syscall")
int next_memory(struct hold_memory *s)
{
	struct memory_walk w = {.device = s->device};
	struct inode *inode;

	w.tree.at = (void *)s->at;
	w.tree.from = (void *)s->from;
	if (!s->at) {
		inode = inode_of((void *)s->device);
		if (inode)
			w.tree.at = BPF_CORE_READ(inode, i_mapping,
						  i_mmap.rb_root.rb_node);
	}
	bpf_loop(MAX_MOVES, next_mapping, &w, 0);
	s->at = (__u64)w.tree.at;
	s->from = (__u64)w.tree.from;
	s->file = w.seen.file;
	s->group = w.seen.group;
	s->mm = w.mm;
	s->bytes = w.bytes;
	return 0;
}

#endif /* VFIOSCOPE_HOLDERS_MEMORY_BPF_H */
