/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of mdev.ko know of each other.
 *
 *	parent	a device whose driver can be asked for mediated devices of some
 *		types; the driver's from mdev_register_parent() on
 *	type	a kobject below the parent's mdev_supported_types/, in which a
 *		UUID is written to have a device made
 *	device	on the mdev bus, child of the parent; its driver is the
 *		parent's, bound by name and never by chance
 *
 * Parent and types are the driver's memory and end with
 * mdev_unregister_parent(), which takes the devices along first. A device's
 * memory ends with the last reference on it, which may be later, and must not
 * lead to them then. A call in one of its sysfs files keeps the device alive, as
 * its removal waits for the call to end; an open file alone does not, nor does a
 * call that has taken its own file away: for the rest of it only what it holds
 * by itself is there.
 *
 * Locks, in this order:
 *	parent->unreg_sem	read: a device is being made or removed by user
 *				space. Write: the parent goes, and takes all of
 *				its devices along. Readers only try, as they are
 *				in the middle of a sysfs file that the writer
 *				waits for.
 *	mdev_lock		the list of all devices, who of them is active,
 *				and the parents' free instances. The last reader
 *				of unreg_sem also leaves under it, see
 *				mdev_removal_end().
 */
#ifndef _MDEV_PRIVATE_H
#define _MDEV_PRIVATE_H

#include <linux/mdev.h>

#include "compat/mdev.h"

extern MDEV_BUS_TYPE mdev_bus;

int mdev_create(struct mdev_type *type, const guid_t *uuid);
struct mdev_parent *mdev_removal_begin(struct mdev_device *mdev);
void mdev_removal_end(struct mdev_parent *parent);
void mdev_take_down(struct mdev_device *mdev);
unsigned int mdev_available(struct mdev_type *type);

int mdev_types_add(struct mdev_parent *parent);
void mdev_types_remove(struct mdev_parent *parent);
int mdev_links_add(struct mdev_device *mdev);
void mdev_links_remove(struct mdev_device *mdev);
extern const struct attribute_group *mdev_device_groups[];

#endif /* _MDEV_PRIVATE_H */
