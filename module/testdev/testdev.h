/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of vfio_testdev.ko share. */
#ifndef _TESTDEV_H
#define _TESTDEV_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "vfio_testdev.h"

struct vfio_device;

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

int testdev_driver_register(void);
int testdev_create(struct vfio_testdev_create *args);
int testdev_destroy(const char *name);
void testdev_destroy_all(void);
int testdev_pin(const struct vfio_testdev_pin *args);
int testdev_unpin(const struct vfio_testdev_pin *args);
int testdev_dma_rw(const struct vfio_testdev_rw *args);
int testdev_stats(struct vfio_testdev_stats *args);
struct vfio_device *testdev_get(const char *name);

int testdev_external_get(struct testdev_file *file,
			 struct vfio_testdev_external *args);
int testdev_external_find(struct testdev_file *file,
			  struct vfio_testdev_external *args);
int testdev_external_put(struct testdev_file *file, u32 slot);
void testdev_external_put_all(struct testdev_file *file);
int testdev_file_info(struct vfio_testdev_file *args);

#endif /* _TESTDEV_H */
