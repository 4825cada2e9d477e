/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts a value in a histogram; see hist.h for its shape. */
#ifndef VFIOSCOPE_HIST_BPF_H
#define VFIOSCOPE_HIST_BPF_H

#include "hist.h"

/* BPF has no instruction for it. */
static __always_inline __u32 hist_log2(__u64 v)
{
	__u32 shift, r = 0;

	shift = (v > 0xffffffff) << 5;
	v >>= shift;
	r |= shift;
	shift = (v > 0xffff) << 4;
	v >>= shift;
	r |= shift;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	return r | (v >> 1);
}

static __always_inline __u32 hist_slot(__u64 v)
{
	__u32 log, slot;

	if (v < HIST_SUB)
		return v;
	log = hist_log2(v);
	slot = (log - HIST_SUB_BITS + 1) * HIST_SUB +
	       ((v >> (log - HIST_SUB_BITS)) & (HIST_SUB - 1));
	return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

static __always_inline void hist_add(struct hist *h, __u64 v)
{
	__u32 slot = hist_slot(v);

	if (slot < HIST_SLOTS)
		__sync_fetch_and_add(&h->slots[slot], 1);
}

#endif /* VFIOSCOPE_HIST_BPF_H */
