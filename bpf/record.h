/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An event as it is handed to user space and kept in a recording: who, when,
 * and the event's struct of event.h as it was given to the handler.
 *
 * A record is as long as its event needs: what follows the event's struct may
 * be missing, and is taken for zeroes. A recording keeps these structs, so
 * members are added at the end of a struct of event.h, never moved, and events
 * are added at the end of RECORD_EVENTS.
 */
#ifndef VFIOSCOPE_RECORD_H
#define VFIOSCOPE_RECORD_H

#include "event.h"

/* Every event's name and its struct, which is also its member in a record. */
#define RECORD_EVENTS(X)                  \
	X(container_open, container)      \
	X(container_release, container)   \
	X(group_open, group)              \
	X(group_release, group)           \
	X(group_get, group_ref)           \
	X(group_put, group_ref)           \
	X(container_attach, attach)       \
	X(container_detach, attach)       \
	X(container_set_iommu, set_iommu) \
	X(container_users, users)         \
	X(device_open, device)            \
	X(device_close, device)           \
	X(external_user_get, external)    \
	X(external_user_put, external)    \
	X(group_set_kvm, set_kvm)         \
	X(dma_map_start, dma_map)         \
	X(dma_map, dma_map)               \
	X(dma_map_progress, dma_map)      \
	X(dma_unmap, dma_unmap)           \
	X(dma_pin, dma_pin)               \
	X(dma_unpin, dma_pin)             \
	X(locked_vm, locked_vm)           \
	X(dma_unmap_start, dma_unmap)

#define RECORD_ID(event, type) REC_##event,
enum record_event { RECORD_EVENTS(RECORD_ID) REC_EVENTS };
#undef RECORD_ID

struct record {
	__u32 size;  /* of this record */
	__u32 event; /* enum record_event */
	__u32 tid;
	__u32 tgid;
	__u64 ts_ns;  /* CLOCK_MONOTONIC */
	__s32 stack;  /* in the map "stacks", negative: none was taken */
	__u32 hidden; /* for the books alone: was not asked for */
	/* Of the task, when it was refused memory: in pages, EV_UNKNOWN where
	 * there is no limit. Not refused: both 0.
	 */
	__u64 locked;
	__u64 limit;
	char comm[VFIOSCOPE_COMM_LEN];
	union {
		struct ev_container container;
		struct ev_group group;
		struct ev_group_ref group_ref;
		struct ev_attach attach;
		struct ev_set_iommu set_iommu;
		struct ev_users users;
		struct ev_device device;
		struct ev_external external;
		struct ev_set_kvm set_kvm;
		struct ev_dma_map dma_map;
		struct ev_dma_unmap dma_unmap;
		struct ev_dma_pin dma_pin;
		struct ev_locked_vm locked_vm;
	};
	/* What the pointer in a device or set_iommu event led to. */
	char name[VFIOSCOPE_NAME_LEN];
};

#define RECORD_HEAD __builtin_offsetof(struct record, container)

#define RECORD_STACK_DEPTH 32 /* frames in the map "stacks" */

#endif /* VFIOSCOPE_RECORD_H */
