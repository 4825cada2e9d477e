/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shape of a histogram: powers of two of ns or bytes, each in four equal
 * parts, so that a percentile is known to within an eighth. Below 4 a slot is
 * a value. The last slot holds everything above.
 */
#ifndef VFIOSCOPE_HIST_H
#define VFIOSCOPE_HIST_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define HIST_SUB_BITS 2
#define HIST_SUB      (1 << HIST_SUB_BITS)
#define HIST_LOG2_MAX 44 /* 2^44 ns are five hours */
#define HIST_SLOTS    (HIST_LOG2_MAX * HIST_SUB)

struct hist {
	__u32 slots[HIST_SLOTS];
};

#endif /* VFIOSCOPE_HIST_H */
