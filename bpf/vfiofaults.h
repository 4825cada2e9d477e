/* SPDX-License-Identifier: GPL-2.0-only */
/* What vfiofaults' two halves share: unmaps, as they happen. */
#ifndef VFIOSCOPE_VFIOFAULTS_H
#define VFIOSCOPE_VFIOFAULTS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

struct fault_unmap {
	__u64 ts_ns; /* CLOCK_MONOTONIC */
	__u64 iova;
	__u64 size;
	__u32 container;
	__u32 tgid;
	char comm[16];
};

#endif /* VFIOSCOPE_VFIOFAULTS_H */
