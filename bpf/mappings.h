/* SPDX-License-Identifier: GPL-2.0-only */
/* What bpf/mappings.bpf.c and tools/lib/mappings.c tell each other. */
#ifndef VFIOSCOPE_MAPPINGS_H
#define VFIOSCOPE_MAPPINGS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#include "event.h"

#define MAPPINGS_CHUNK 4096 /* a power of 2 */

enum mapping_flag {
	MAPPING_PINNED = 1,	   /* whole, in the IOMMU's page tables */
	MAPPING_VADDR_INVALID = 2, /* user space owes a new vaddr */
	MAPPING_LOCK_CAP = 4,	   /* may exceed RLIMIT_MEMLOCK */
	MAPPING_OTHER_MM = 8,	   /* the mapper has exited or called exec */
};

/* One mapping. What the modules do not know is EV_UNKNOWN. */
struct mapping {
	__u64 iova;
	__u64 vaddr;
	__u64 size;
	__u64 runs;	    /* physically contiguous pieces */
	__u64 locked_pages; /* charged to the mapper's locked_vm */
	__u32 prot;	    /* 1: read, 2: write */
	__u32 flags;
	__u32 tgid; /* who mapped it */
	char comm[VFIOSCOPE_COMM_LEN];
};

/* Some of a container's mappings, from an address on. */
struct mappings_walk {
	__u64 container_ptr; /* in */
	__u64 from;	     /* in: iova; out: where to go on */
	__u32 container;     /* in: id expected there */
	__u32 count_only;    /* in: no records */
	__u32 ok;	     /* out: the container is what was expected */
	__u32 more;	     /* out: more may be there */
	__u32 torn;	     /* out: the tree was changed under the walk */
	__u32 has_avail;     /* out */
	__u32 dma_avail;     /* out: mappings that may still be made */
	__u32 unused;
	__u64 count;  /* out: of this call, as all below */
	__u64 digest; /* out: of all that was seen: alike walks, alike sums */
};

#endif /* VFIOSCOPE_MAPPINGS_H */
