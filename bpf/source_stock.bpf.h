/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event source for everybody else: functions of the stock modules.
 *
 * What is bound here are the file operations, whose arguments are the UAPI's,
 * and the few functions inside that both kernels have. A function has at most a
 * program for its beginning and one for its end, whatever a tool hears of it:
 * each costs about 100 ms to attach, and its part of every call. A program whose
 * function this kernel's module does not have is not loaded, so kernels that
 * differ get a program each. Names begin with st__MODULE__.
 *
 * What the beginning of a call knows is kept with the task for its end. Group
 * references, external users, refused charges and an unmap's phases cannot be
 * seen from here: these events do not come, these figures are EV_UNKNOWN. A
 * map's runs and phases can, at the price of two programs a run: only for a tool
 * that defines STOCK_MAP_PARTS.
 *
 * Where it can be, a struct for a handler is made at once: clang 14 has lost a
 * member that was assigned after the others were initialised.
 */
#ifndef VFIOSCOPE_SOURCE_STOCK_BPF_H
#define VFIOSCOPE_SOURCE_STOCK_BPF_H

#include "views.bpf.h"
#include "event.h"

#define STOCK_PAGE_SHIFT 12

/* What VFIO_IOMMU_MAP_DMA and VFIO_IOMMU_UNMAP_DMA are given. */
struct stock_map_arg {
	__u32 argsz;
	__u32 flags;
	__u64 vaddr;
	__u64 iova;
	__u64 size;
};

struct stock_unmap_arg {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u64 size; /* in: wanted; out: done */
};

/* enum vfio_container_user_reason of our trace events */
#define STOCK_USER_ATTACH      0
#define STOCK_USER_DEVICE_OPEN 1

struct stock_call {
	__u64 start_ns; /* 0: none under way */
	__u32 container;
	__u32 last;  /* this detaching lets the container go */
	__s32 group; /* of a device or a group's file that is closed */
	__u32 open_count;
	union {
		struct stock_map_arg map;
		struct stock_unmap_arg unmap;
		char device[VFIOSCOPE_NAME_LEN];
	};
#ifdef STOCK_MAP_PARTS
	__u64 first_ns; /* of the first run's pinning; 0: none yet */
	__u64 run_ns;	/* of this run's */
	__u64 pin_ns;
	__u64 runs;
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct stock_call);
} stock_calls SEC(".maps");

static __always_inline struct stock_call *stock_begin(void)
{
	struct stock_call *call;

	call = bpf_task_storage_get(&stock_calls, bpf_get_current_task_btf(), 0,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (call)
		call->start_ns = bpf_ktime_get_ns();
#ifdef STOCK_MAP_PARTS
	if (call) {
		call->first_ns = 0;
		call->pin_ns = 0;
		call->runs = 0;
	}
#endif
	return call;
}

static __always_inline struct stock_call *stock_call(void)
{
	return bpf_task_storage_get(&stock_calls, bpf_get_current_task_btf(), 0,
				    0);
}

/* Ends the call; a tool that came in the middle of it does not know. */
static __always_inline __u64 stock_end(struct stock_call *call)
{
	__u64 start;

	if (!call || !call->start_ns)
		return EV_UNKNOWN;
	start = call->start_ns;
	call->start_ns = 0;
	return bpf_ktime_get_ns() - start;
}

/* @file is a program's argument: it is typed, and read without a helper. */
static __always_inline struct vfio_container___view *
stock_container(struct file *file)
{
	return file->private_data;
}

/* The last reference goes with the fd or, if groups stay, with the last one
 * of them.
 */
static __always_inline bool
stock_last_reference(struct vfio_container___view *container)
{
	return container &&
	       BPF_CORE_READ(container, kref.refcount.refs.counter) == 1;
}

#include "source_stock_dma.bpf.h"
#include "source_stock_container.bpf.h"
#include "source_stock_group.bpf.h"
#include "source_stock_device.bpf.h"

#endif /* VFIOSCOPE_SOURCE_STOCK_BPF_H */
