/* SPDX-License-Identifier: GPL-2.0-only */
/* What a task that maps or unmaps is doing: shared by phase.bpf.c and tools. */
#ifndef VFIOSCOPE_PHASE_H
#define VFIOSCOPE_PHASE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum phase {
	PHASE_UNKNOWN,
	PHASE_FAULT, /* faulting pages in, zeroing them */
	PHASE_PIN,
	PHASE_UNPIN,
	PHASE_IOMMU,
	PHASE_LOCK, /* waiting for one */
	PHASES,
};

#define PHASE_RANGES  32
#define PHASE_FRAMES  32
#define PHASE_WATCHED 64

/* The text of a function that tells the phase. */
struct phase_range {
	__u64 begin;
	__u64 end;
	__u32 phase;
	__u32 unused;
};

struct phase_counts {
	__u64 samples[PHASES];
};

#endif /* VFIOSCOPE_PHASE_H */
