/* SPDX-License-Identifier: GPL-2.0-only */
/* What a BPF program of a cgroup says of a device. */
#ifndef VFIOSCOPE_VFIODOCTOR_DEVPROG_H
#define VFIOSCOPE_VFIODOCTOR_DEVPROG_H

#include <linux/bpf.h>
#include <stddef.h>

enum devprog_answer {
	DEVPROG_ALLOWS,
	DEVPROG_REFUSES,
	DEVPROG_UNKNOWN, /* it does what is not followed here */
};

/* Goes through a program as the kernel would for @device. */
enum devprog_answer devprog_ask(const struct bpf_insn *insns, size_t count,
				const struct bpf_cgroup_dev_ctx *device);

#endif /* VFIOSCOPE_VFIODOCTOR_DEVPROG_H */
