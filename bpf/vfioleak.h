/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vfioleak's two halves share: a record of each thing that was taken or
 * given back, with the stacks of who did. The books are user space's.
 */
#ifndef VFIOSCOPE_VFIOLEAK_H
#define VFIOSCOPE_VFIOLEAK_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define LEAK_RING    (16 << 20) /* bytes */
#define LEAK_FAMILY  65536	/* processes of a command */
#define LEAK_KSTACK  24
#define LEAK_USTACK  12
#define LEAK_FILE    24
#define LEAK_NAME    32
#define LEAK_UNKNOWN 0xffffffffU /* a reason */

enum leak_kind {
	LEAK_CONTAINER, /* a container's fd */
	LEAK_GROUP,
	LEAK_DEVICE,
	LEAK_ATTACHMENT,
	LEAK_USER,	/* of an attachment, by reason */
	LEAK_REFERENCE, /* on a group, by reason */
	LEAK_MAPPING,
	LEAK_PIN, /* for an emulated device */
	LEAK_EXTERNAL,
	LEAK_KVM,
	LEAK_KINDS,
};

/* Where in user space; told at once, since the process may be gone when it is
 * read.
 */
struct leak_frame {
	__u64 offset; /* in the file; without one, the address */
	char file[LEAK_FILE];
};

struct leak_event {
	__u64 ts; /* CLOCK_MONOTONIC */
	__u32 kind;
	__s32 change; /* 1: taken, -1: given back */
	__u32 container;
	__s32 group;
	__u32 reason;
	__u32 tgid;
	__u32 tid;
	__u32 family; /* a process of the command */
	__u64 iova;
	__u64 size; /* bytes; given back: 0 is all */
	__u64 kvm;
	__s32 kstack_bytes; /* negative: could not be read */
	__u32 frames;	    /* of user space */
	char comm[16];
	char device[LEAK_NAME];
	__u64 kstack[LEAK_KSTACK];
	struct leak_frame user[LEAK_USTACK];
};

#endif /* VFIOSCOPE_VFIOLEAK_H */
