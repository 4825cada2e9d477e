// SPDX-License-Identifier: GPL-2.0-only
/* vfio-exporter, in the kernel: what vfiotop has, and what never goes back. */
#define SUMS_TOTALS
#include "sums.bpf.h"

char LICENSE[] SEC("license") = "GPL";
