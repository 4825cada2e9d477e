/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sums that vfiotop and vfio-exporter share with the kernel: an array of
 * containers that user space has mapped into memory, so that a tick costs no
 * system call; and, for vfio-exporter, those of all containers together.
 *
 * A container's place is its id modulo the array's size or one of the next
 * few. The BPF side claims a free one (key 0) when it first hears of an id and
 * only ever adds to it; user space takes differences, and gives the place
 * back once it has shown the last figures of a released container.
 */
#ifndef VFIOSCOPE_SUMS_H
#define VFIOSCOPE_SUMS_H

#include "hist.h"
#include "record.h"

#define TOP_CONTAINERS 1024 /* a power of two */
#define TOP_PROBES     4
#define TOP_USED       (1ULL << 32) /* in a key, beside the id */
#define TOP_INFLIGHT   4
#define TOP_FAILURES   8 /* a power of two */

/* A map or unmap that has begun; tid 0: free. */
struct top_inflight {
	__u64 start_ns;
	__u64 iova;
	__u64 size;
	__u64 done;
	__u64 pin_ns;
	__u64 iommu_ns;
	__u32 tid;
	__u32 tgid;
	__u32 unmap; /* it is one; its size may be EV_UNKNOWN: everything */
	__u32 unused;
};

/* One of the last calls that failed: so much of its event as explains it. */
struct top_failure {
	__u64 number; /* as errors counts them; 0: none, or it is being written */
	__u64 ts_ns;
	__u64 iova;
	__u64 vaddr;
	__u64 size;   /* of a pin in pages */
	__u64 locked; /* these two as in struct record */
	__u64 limit;
	__u32 event; /* enum record_event */
	__s32 ret;
	__u32 flags; /* of an unmap; a map's prot, the type of an IOMMU driver */
	__s32 group;
	__u32 tgid;
	char comm[VFIOSCOPE_COMM_LEN];
};

struct top_container {
	__u64 key;
	__u64 maps;
	__u64 unmaps;
	__u64 map_bytes;
	__u64 unmap_bytes;
	__u64 errors;
	__u64 refused;	  /* charges to locked_vm */
	__s64 pinned;	  /* pages, since the tool began to listen */
	__u64 map_max_ns; /* user space sets it back to 0 */
	__u32 tgid;	  /* who opened it */
	__u32 released;
	__u32 opens; /* an id may be used again after a release */
	__s32 group; /* the last that was attached, if attached is not 0 */
	__u32 attached;
	__u32 backends;	     /* set so far: each begins with nothing pinned */
	__s64 pinned_before; /* pinned, when the last was set */
	char comm[16];	     /* of who opened it */
	struct top_inflight inflight[TOP_INFLIGHT];
	struct hist map_ns;
	struct top_failure failures[TOP_FAILURES];
};

/* One for all containers. */
struct top_global {
	__u64 changes; /* in who holds what: look again */
	__u64 lost;    /* events for which there was no place */
};

#define TOP_ERRNOS 134 /* x86-64's highest is 133 */

/* Of all containers, those that are gone as well; never set back. */
struct top_totals {
	__u64 map_ns;
	__u64 unmap_ns;
	__u64 map_bytes;
	__u64 map_slots[HIST_SLOTS]; /* as struct hist, for longer */
	__u64 unmap_slots[HIST_SLOTS];
	__u64 map_failures[TOP_ERRNOS]; /* by errno; 0: those beyond */
};

#endif /* VFIOSCOPE_SUMS_H */
