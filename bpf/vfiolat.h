/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vfiolat's two halves share: a hash of histograms, one for each
 * operation, container, process and power of two of the size. User space adds
 * them up to what is wanted and takes differences; it takes away only those of
 * processes that are gone.
 */
#ifndef VFIOSCOPE_VFIOLAT_H
#define VFIOSCOPE_VFIOLAT_H

#include "hist.h"

#define LAT_ENTRIES 65536 /* made when they are needed */
#define LAT_CALLS   4096  /* maps under way at the same time */
#define LAT_STACKS  4096  /* different ones of tasks that map */
#define LAT_FRAMES  64
#define LAT_GROUPS  4096

#define LAT_NO_SIZE 255

enum lat_op {
	LAT_MAP,
	LAT_LOCK, /* the parts of a map */
	LAT_PIN,
	LAT_IOMMU,
	LAT_RUN, /* bytes, not ns: the mean length of its runs */
	LAT_UNMAP,
	LAT_UNMAP_IOMMU, /* the parts of an unmap */
	LAT_UNPIN,
	LAT_ATTACH,
	LAT_OPEN,
	LAT_DMA_PIN, /* for emulated devices */
	LAT_OPS,
};

/* What was behind a mapping's address when it was mapped. */
enum lat_backing {
	LAT_BACKING_UNKNOWN,
	LAT_BACKING_ANON,
	LAT_BACKING_HUGETLB,
	LAT_BACKING_SHMEM, /* memfd, tmpfs, System V */
	LAT_BACKING_FILE,
	LAT_BACKING_DEVICE,
	LAT_BACKINGS,
};

/* What user space wants; it costs what it would not otherwise. */
struct lat_config {
	__u32 backing;
};

struct lat_key {
	__u32 op;
	__u32 container; /* 0: not known */
	__s32 group;	 /* attach, open; -1: the container's */
	__u32 tgid;
	__u32 size_log2;
	__u32 backing; /* enum lat_backing, of maps, if it is wanted */
};

struct lat_value {
	__u64 failed; /* not in the sums */
	__u64 sum;
	__u64 max;
	char comm[16];
	struct hist hist;
};

/* Where a task that maps was seen, how often. */
struct lat_sample {
	__u32 container;
	__u32 tgid;
	__s32 stack;
};

#endif /* VFIOSCOPE_VFIOLAT_H */
