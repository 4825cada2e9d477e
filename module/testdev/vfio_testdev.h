/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ioctls of /dev/vfio_testdev, for tests only.
 *
 * Two things that user space cannot make by itself: a device without an IOMMU
 * (its memory accesses go through vfio_pin_pages() and vfio_dma_rw()), and code
 * in the kernel that holds a group while it works on it.
 *
 * A device is called by the name it was created with; that is also its name for
 * VFIO_GROUP_GET_DEVICE_FD. Calls that need the device open return ENODEV while
 * it is not. What one file of /dev/vfio_testdev holds as an external user is
 * given back when that file is closed; devices stay until they are destroyed or
 * the module goes.
 */
#ifndef _VFIO_TESTDEV_H
#define _VFIO_TESTDEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VFIO_TESTDEV_NAME_LEN	32
#define VFIO_TESTDEV_REGION_SIZE 4096
/* A pin call takes at most this many pages; the core's own limit is lower. */
#define VFIO_TESTDEV_PIN_MAX	1024
#define VFIO_TESTDEV_RW_MAX	(1 << 20)
/* No way from one migration state to another has more arcs. */
#define VFIO_TESTDEV_ROUTE_MAX	8
/* Ranges that a device can log at most. */
#define VFIO_TESTDEV_LOG_MAX	32

#define VFIO_TESTDEV_MIGRATES	(1 << 0)	/* VFIO_MIGRATION_STOP_COPY */
#define VFIO_TESTDEV_P2P	(1 << 1)	/* with MIGRATES */
/* With MIGRATES; EOPNOTSUPP for a kernel that does not know it. */
#define VFIO_TESTDEV_PRE_COPY	(1 << 2)
#define VFIO_TESTDEV_LOGS	(1 << 3)	/* DMA logging */
#define VFIO_TESTDEV_MUTE	(1 << 4)	/* its driver has no ioctl() */
#define VFIO_TESTDEV_STUCK	(1 << 5)	/* its open_device() says EIO */

struct vfio_testdev_create {
	char	name[VFIO_TESTDEV_NAME_LEN];
	__s32	group;		/* out: number of the IOMMU group made for it */
	__u32	flags;		/* VFIO_TESTDEV_* above */
};

struct vfio_testdev_pin {
	char	name[VFIO_TESTDEV_NAME_LEN];
	__u64	iova;
	__u32	npage;
	__u32	prot;		/* 1 read, 2 write (pin only) */
};

#define VFIO_TESTDEV_RW_WRITE	(1 << 0)	/* to the user's memory */
#define VFIO_TESTDEV_RW_KTHREAD	(1 << 1)	/* from a thread without an mm */

struct vfio_testdev_rw {
	char	name[VFIO_TESTDEV_NAME_LEN];
	__u64	iova;
	__u64	data;		/* the caller's buffer */
	__u64	len;
	__u32	flags;
	__u32	pad;
};

struct vfio_testdev_stats {
	char	name[VFIO_TESTDEV_NAME_LEN];
	__s32	group;
	__u32	opened;		/* 1 while a user has the device open */
	__u64	opens;
	__u64	closes;
	__u64	requests;	/* the core asked for the device back */
	__u64	resets;
	__u64	pinned;		/* pages, each pin call counted */
	__u64	unmap_calls;	/* dma_unmap callbacks */
	__u64	unmap_bytes;	/* their lengths, summed */
	__u64	unmap_unpinned;	/* pages given back inside them */
	__u32	kvm;		/* 1 if the last open found a VM linked */
	__u32	pad;
};

/* For GET: EEXIST if this file holds the group already. */
#define VFIO_TESTDEV_EXTERNAL_ONCE	(1 << 0)

struct vfio_testdev_external {
	__s32	fd;		/* in: a group's fd */
	__s32	iommu_id;	/* out */
	__u32	slot;		/* out of GET and FIND, into PUT */
	__u32	flags;		/* in: VFIO_TESTDEV_EXTERNAL_* */
};

#define VFIO_TESTDEV_FILE_GROUP		(1 << 0)
#define VFIO_TESTDEV_FILE_COHERENT	(1 << 1)
#define VFIO_TESTDEV_FILE_HAS_DEV	(1 << 2)
#define VFIO_TESTDEV_FILE_VALID		(1 << 3)	/* where the kernel asks */

struct vfio_testdev_file {
	char	name[VFIO_TESTDEV_NAME_LEN];	/* for HAS_DEV; may be empty */
	__s32	fd;
	__u32	flags;		/* out: VFIO_TESTDEV_FILE_* */
};

struct vfio_testdev_route {
	char	name[VFIO_TESTDEV_NAME_LEN];
	__u32	fail_arc;	/* in: the next SET_STATE fails there (from 1); 0: none */
	__u32	narcs;		/* out: arcs that the last SET_STATE took */
	__u32	states[VFIO_TESTDEV_ROUTE_MAX];	/* out: where each of them led */
};

struct vfio_testdev_log_write {
	char	name[VFIO_TESTDEV_NAME_LEN];
	__u64	iova;
	__u64	length;
};

struct vfio_testdev_log_ranges {
	char	name[VFIO_TESTDEV_NAME_LEN];
	__u32	limit;		/* in: of ranges, for the next start; 0: as it is */
	__u32	nranges;	/* out: what is being logged */
	struct {
		__u64	iova;
		__u64	last;
	} ranges[VFIO_TESTDEV_LOG_MAX];
};

/* An IOMMU type: that of the module's own backend, which maps nothing. */
#define VFIO_TESTDEV_IOMMU	0x7e57

/*
 * What the backend and the devices' driver were told since the notes were read,
 * in words: register, unregister (a device, of the backend), unpin (the backend,
 * which asks for one in either), open, close (a device, of the driver).
 */
struct vfio_testdev_backend {
	char	notes[128];	/* out */
	__u32	attach_ms;	/* in: taking a group lasts, unless one is killed */
	__u32	refuses;	/* in: 1: takes no group, EPERM */
};

struct vfio_testdev_container_id {
	__u32	next;		/* in: the id that is looked for first */
	__u32	pad;
};

#define VFIO_TESTDEV_TYPE	'T'
/* EEXIST when the name is taken. */
#define VFIO_TESTDEV_CREATE	_IOWR(VFIO_TESTDEV_TYPE, 0, struct vfio_testdev_create)
/* Waits until the last user is gone; ENOENT when there is no such device. */
#define VFIO_TESTDEV_DESTROY	_IOW(VFIO_TESTDEV_TYPE, 1, struct vfio_testdev_create)
/* vfio_pin_pages(): returns the pages pinned. */
#define VFIO_TESTDEV_PIN	_IOW(VFIO_TESTDEV_TYPE, 2, struct vfio_testdev_pin)
/* vfio_unpin_pages() of a range that one PIN took; EINVAL for another. */
#define VFIO_TESTDEV_UNPIN	_IOW(VFIO_TESTDEV_TYPE, 3, struct vfio_testdev_pin)
#define VFIO_TESTDEV_DMA_RW	_IOW(VFIO_TESTDEV_TYPE, 4, struct vfio_testdev_rw)
#define VFIO_TESTDEV_STATS	_IOWR(VFIO_TESTDEV_TYPE, 5, struct vfio_testdev_stats)
/* EOPNOTSUPP where vfio.ko has no external users. */
#define VFIO_TESTDEV_EXTERNAL_GET _IOWR(VFIO_TESTDEV_TYPE, 6, struct vfio_testdev_external)
#define VFIO_TESTDEV_EXTERNAL_PUT _IOW(VFIO_TESTDEV_TYPE, 7, struct vfio_testdev_external)
#define VFIO_TESTDEV_FILE	_IOWR(VFIO_TESTDEV_TYPE, 8, struct vfio_testdev_file)
/* The slot of a group that this file holds, by a fd; ENOENT for another group. */
#define VFIO_TESTDEV_EXTERNAL_FIND _IOWR(VFIO_TESTDEV_TYPE, 9, struct vfio_testdev_external)
/* The way that the last change of the migration state took. */
#define VFIO_TESTDEV_ROUTE	_IOWR(VFIO_TESTDEV_TYPE, 10, struct vfio_testdev_route)
/* As if the device had written there; what is outside its ranges is not logged. */
#define VFIO_TESTDEV_LOG_WRITE	_IOW(VFIO_TESTDEV_TYPE, 11, struct vfio_testdev_log_write)
#define VFIO_TESTDEV_LOG_RANGES	_IOWR(VFIO_TESTDEV_TYPE, 12, struct vfio_testdev_log_ranges)

#define VFIO_TESTDEV_BACKEND	_IOWR(VFIO_TESTDEV_TYPE, 13, struct vfio_testdev_backend)
/* Of a container with that backend: lasts as many ms as the argument says. */
#define VFIO_TESTDEV_BACKEND_SLEEP _IO(VFIO_TESTDEV_TYPE, 14)
/* Opens a container and closes it; EIO where ids are not counted up so. */
#define VFIO_TESTDEV_CONTAINER_ID _IOW(VFIO_TESTDEV_TYPE, 15, struct vfio_testdev_container_id)

#endif /* _VFIO_TESTDEV_H */
