// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container's backend: the IOMMU driver that VFIO_SET_IOMMU chose, and calls
 * into it.
 *
 * It is set under the container's group_lock and released by the last group to
 * leave. Calls come two ways: on behalf of an attached group (attach, detach,
 * an open device), which keeps the backend there; and from user space's ioctls
 * on the container, which hold nothing. Those take no lock either, as one may
 * run for minutes (mapping a large guest) or wait for another one to be made.
 * They count in backend_users instead, and the release waits for them. An
 * ioctl that waits for them or for the lock can be killed meanwhile.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/string.h>

#include "vfio.h"
#include "trace/vfio.h"

static struct vfio_iommu_driver *
borrow_backend(struct vfio_container *container)
{
	/* Else calls that overlap could keep a backend for ever. */
	if (READ_ONCE(container->backend_leaves) ||
	    !refcount_inc_not_zero(&container->backend_users))
		return NULL;
	/* Pairs with smp_wmb() in set_backend(). */
	smp_rmb();
	return container->iommu_driver;
}

static void return_backend(struct vfio_container *container)
{
	int before;

	/*
	 * Whoever borrows holds the container too, so it outlives the wake-up.
	 * Some wait for none to be left, some for the one of its being set.
	 */
	if ((__refcount_dec_and_test(&container->backend_users, &before) ||
	     before == 2) && wq_has_sleeper(&container->backend_idle))
		wake_up_all(&container->backend_idle);
}

static void set_backend(struct vfio_container *container,
			struct vfio_iommu_driver *driver, void *data)
{
	lockdep_assert_held(&container->group_lock);

	container->iommu_data = data;
	/* Pairs with smp_load_acquire() in device_first_open(). */
	smp_store_release(&container->iommu_driver, driver);
	smp_wmb();	/* pairs with smp_rmb() in borrow_backend() */
	refcount_set(&container->backend_users, 1);
}

/**
 * vfio_container_settle - wait until user space's calls have left the backend
 * @container: a container, its group_lock held
 *
 * For an ioctl that is about to take the backend away: the release waits
 * for them too, but cannot give up.
 *
 * Return: 0 or -EINTR if the caller was killed; nothing has happened then.
 */
int vfio_container_settle(struct vfio_container *container)
{
	lockdep_assert_held(&container->group_lock);

	/* One is for the backend's being set. */
	if (wait_event_killable(container->backend_idle,
				refcount_read(&container->backend_users) <= 1))
		return -EINTR;
	return 0;
}

/**
 * vfio_container_release_backend - the last group has left
 * @container: a container with a backend, its group_lock held
 *
 * Waits for the calls that are under way: a map of a large guest takes minutes,
 * so the task is not one that hangs.
 */
void vfio_container_release_backend(struct vfio_container *container)
{
	struct vfio_iommu_driver *driver = container->iommu_driver;

	lockdep_assert_held(&container->group_lock);

	WRITE_ONCE(container->backend_leaves, true);
	return_backend(container);
	wait_event_idle(container->backend_idle,
			!refcount_read(&container->backend_users));
	/* What those calls wrote is seen by the release. */
	smp_acquire__after_ctrl_dep();

	driver->ops->release(container->iommu_data);
	container->iommu_driver = NULL;
	container->iommu_data = NULL;
	WRITE_ONCE(container->backend_leaves, false);
	vfio_iommu_driver_put(driver);
}

/* All of the container's groups, or none. */
static int attach_groups(struct vfio_container *container,
			 const struct vfio_iommu_driver_ops *ops, void *data)
{
	struct vfio_group *refused = NULL, *group;
	int ret = 0;

	list_for_each_entry(group, &container->group_list, container_next) {
		ret = ops->attach_group(data, group->iommu_group, group->type);
		if (ret) {
			refused = group;
			break;
		}
	}
	if (!refused)
		return 0;

	/* Those that stand before it were taken. */
	list_for_each_entry(group, &container->group_list, container_next) {
		if (group == refused)
			break;
		ops->detach_group(data, group->iommu_group);
	}
	return ret;
}

static int try_backend(struct vfio_container *container,
		       struct vfio_iommu_driver *driver, unsigned long type)
{
	void *data;
	int ret;

	data = driver->ops->open(type);
	if (IS_ERR(data))
		return PTR_ERR(data);
	if (driver->ext && driver->ext->set_container)
		driver->ext->set_container(data, container->id);

	ret = attach_groups(container, driver->ops, data);
	if (ret) {
		driver->ops->release(data);
		return ret;
	}
	set_backend(container, driver, data);
	return 0;
}

static int choose_backend(struct vfio_container *container, unsigned long type)
{
	struct vfio_iommu_driver *driver = NULL;
	int ret = -ENODEV;

	lockdep_assert_held(&container->group_lock);

	if (list_empty(&container->group_list) || container->iommu_driver)
		return -EINVAL;

	while ((driver = vfio_iommu_driver_next(driver, type))) {
		if (IS_ERR(driver))
			return PTR_ERR(driver);
		ret = try_backend(container, driver, type);
		if (!ret)
			break;
	}
	return ret;
}

/**
 * vfio_container_set_iommu - VFIO_SET_IOMMU
 * @container: the container
 * @type: an IOMMU type
 *
 * Asks the backends that offer the type in turn: the first that takes all the
 * container's groups is it.
 *
 * Return: 0; -EINVAL without groups or with a backend already; -ENODEV if no
 * backend offers the type; -EINTR if the caller was killed while it waited; else
 * what the last one said.
 */
long vfio_container_set_iommu(struct vfio_container *container,
			      unsigned long type)
{
	u64 start = vfio_trace_start(vfio_container_set_iommu);
	char name[VFIO_TRACE_WORD];
	int ret;

	ret = mutex_lock_killable(&container->group_lock);
	if (ret) {
		trace_vfio_container_set_iommu(container->id, "", type, ret,
					       vfio_trace_elapsed(start));
		return ret;
	}
	ret = choose_backend(container, type);
	if (trace_vfio_container_set_iommu_enabled()) {
		/* A backend that refused has not been chosen. */
		vfio_trace_word(name, ret ? "" :
				container->iommu_driver->ops->name);
		trace_vfio_container_set_iommu(container->id, name, type, ret,
					       vfio_trace_elapsed(start));
	}
	mutex_unlock(&container->group_lock);
	return ret;
}

/**
 * vfio_container_check_extension - VFIO_CHECK_EXTENSION
 * @container: the container
 * @extension: number of an extension or an IOMMU type
 *
 * Return: what the backend says; without one, what any registered says.
 */
long vfio_container_check_extension(struct vfio_container *container,
				    unsigned long extension)
{
	struct vfio_iommu_driver *driver = borrow_backend(container);
	long ret;

	if (!driver)
		return vfio_iommu_drivers_check(extension);

	ret = driver->ops->ioctl(container->iommu_data, VFIO_CHECK_EXTENSION,
				 extension);
	return_backend(container);
	return ret;
}

/**
 * vfio_container_backend_ioctl - an ioctl that is not the core's
 * @container: the container
 * @cmd: the ioctl
 * @arg: its argument
 *
 * Return: what the backend says; -EINVAL without one.
 */
long vfio_container_backend_ioctl(struct vfio_container *container,
				  unsigned int cmd, unsigned long arg)
{
	struct vfio_iommu_driver *driver = borrow_backend(container);
	long ret;

	if (!driver)
		return -EINVAL;
	ret = driver->ops->ioctl(container->iommu_data, cmd, arg);
	return_backend(container);
	return ret;
}

/**
 * vfio_container_close_notify - tell the backend that the file is closed
 * @container: the container
 *
 * A backend that waits for user space to pass new addresses gives up then.
 */
void vfio_container_close_notify(struct vfio_container *container)
{
	struct vfio_iommu_driver *driver;

	/* Others do not read this far into the backend's calls. */
	if (!VFIO_BACKEND_HEARS_CLOSE)
		return;
	driver = borrow_backend(container);
	if (!driver)
		return;
	if (driver->ops->notify)
		driver->ops->notify(container->iommu_data,
				    VFIO_IOMMU_CONTAINER_CLOSE);
	return_backend(container);
}

/**
 * vfio_container_add_device - tell the backend that a device is opened
 * @container: a container with a backend, held by an attachment
 * @device: the device
 */
void vfio_container_add_device(struct vfio_container *container,
			       struct vfio_device *device)
{
	struct vfio_iommu_driver *driver = container->iommu_driver;

	if (driver->ops->register_device)
		driver->ops->register_device(container->iommu_data, device);
}

/**
 * vfio_container_remove_device - undo vfio_container_add_device()
 * @container: the same container
 * @device: the device
 */
void vfio_container_remove_device(struct vfio_container *container,
				  struct vfio_device *device)
{
	struct vfio_iommu_driver *driver = container->iommu_driver;

	if (driver->ops->unregister_device)
		driver->ops->unregister_device(container->iommu_data, device);
}
