// SPDX-License-Identifier: GPL-2.0-only
/* vfiotop, in the kernel. */
#include "sums.bpf.h"

char LICENSE[] SEC("license") = "GPL";
