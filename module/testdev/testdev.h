/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of vfio_testdev.ko share. */
#ifndef _TESTDEV_H
#define _TESTDEV_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>

#include "vfio_testdev.h"

/**
 * struct testdev_file - an open /dev/vfio_testdev
 * @lock: guards the members below
 * @held: the groups that this file holds as an external user
 * @next_slot: the slot of the next one
 */
struct testdev_file {
	struct mutex		lock;
	struct list_head	held;
	u32			next_slot;
};

/**
 * struct testdev_migration - a device's part of migration
 * @lock: guards the members below
 * @state: enum vfio_device_mig_state
 * @session: the file of the session that goes on, or NULL; holds a reference
 * @region: the device's region: all that is carried over
 * @fail_arc: see struct vfio_testdev_route
 * @narcs: arcs that the last change of the state took
 * @states: where each of them led
 */
struct testdev_migration {
	struct mutex	lock;
	u32		state;
	struct file	*session;
	u8		*region;
	u32		fail_arc;
	u32		narcs;
	u32		states[VFIO_TESTDEV_ROUTE_MAX];
};

/**
 * struct testdev_log - a device's log of its writes
 * @lock: guards the members below
 * @started: between log_start and log_stop
 * @limit: of @nranges
 * @nranges: in @ranges
 * @ranges: what is logged
 * @written: struct testdev_written: in @ranges, and not reported yet
 */
struct testdev_log {
	struct mutex		lock;
	bool			started;
	u32			limit;
	u32			nranges;
	struct {
		u64		iova;
		u64		last;
	} ranges[VFIO_TESTDEV_LOG_MAX];
	struct list_head	written;
};

/**
 * struct testdev - one device
 * @vdev: the core's part
 * @list: in testdev_list, guarded by testdev_lock
 * @name: for good
 * @group: number of its IOMMU group, for good
 * @flags: VFIO_TESTDEV_*, for good
 * @use: see memory.c; guards @opened
 * @opened: a user has it open
 * @pins_lock: guards @pins and @stats
 * @pins: struct testdev_pin_record, see memory.c
 * @in_flight: pin calls that are not in @pins yet
 * @stats: what happened so far
 * @region: the device's only region, guarded by nothing: users' business
 * @migration: see migration.c
 * @log: see logging.c
 */
struct testdev {
	struct vfio_device		vdev;
	struct list_head		list;
	char				name[VFIO_TESTDEV_NAME_LEN];
	int				group;
	u32				flags;
	struct rw_semaphore		use;
	bool				opened;
	spinlock_t			pins_lock;
	struct list_head		pins;
	atomic_t			in_flight;
	struct vfio_testdev_stats	stats;
	u8				region[VFIO_TESTDEV_REGION_SIZE];
	struct testdev_migration	migration;
	struct testdev_log		log;
};

static inline struct testdev *to_testdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct testdev, vdev);
}

/* Gives back what testdev_get() has found. */
static inline void testdev_put(struct testdev *td)
{
	vfio_put_device(&td->vdev);
}

int testdev_driver_register(void);
int testdev_create(struct vfio_testdev_create *args);
int testdev_destroy(const char *name);
void testdev_destroy_all(void);
int testdev_stats(struct vfio_testdev_stats *args);
struct testdev *testdev_get(const char *name);

int testdev_pin(const struct vfio_testdev_pin *args);
int testdev_unpin(const struct vfio_testdev_pin *args);
int testdev_dma_rw(const struct vfio_testdev_rw *args);
void testdev_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length);
void testdev_unpin_all(struct testdev *td);

int testdev_migration_init(struct testdev_migration *mig, u8 *region,
			   struct vfio_device *vdev, u32 flags);
void testdev_migration_reset(struct testdev_migration *mig);
int testdev_route(struct vfio_testdev_route *args);

void testdev_log_init(struct testdev_log *log, struct vfio_device *vdev,
		      u32 flags);
void testdev_log_reset(struct testdev_log *log);
int testdev_log_write(const struct vfio_testdev_log_write *args);
int testdev_log_ranges(struct vfio_testdev_log_ranges *args);

int testdev_external_get(struct testdev_file *file,
			 struct vfio_testdev_external *args);
int testdev_external_find(struct testdev_file *file,
			  struct vfio_testdev_external *args);
int testdev_external_put(struct testdev_file *file, u32 slot);
void testdev_external_put_all(struct testdev_file *file);
int testdev_file_info(struct vfio_testdev_file *args);

void testdev_note(const char *what);
int testdev_backend(struct vfio_testdev_backend *args);
int testdev_backend_register(void);
void testdev_backend_unregister(void);

int testdev_container_id(struct vfio_testdev_container_id *args);

int testdev_physical_register(void);
void testdev_physical_unregister(void);

#endif /* _TESTDEV_H */
