/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO core, private parts.
 *
 * Three objects and who keeps them:
 *
 *	container	an I/O address space. Kept by its file and by each group
 *			attached to it. Has a backend (an IOMMU driver and its
 *			data) from VFIO_SET_IOMMU until the last group leaves.
 *	group		the unit of isolation. Kept by counted references, one
 *			a registered device, one for its open file, one while
 *			attached, one an external user.
 *	device		belongs to its driver. Registered devices are kept from
 *			being unregistered by their open files.
 *
 * An attachment of a group to a container has users: one for the attachment,
 * one an open device, one an external user. A group leaves its container when
 * its file and its external users are gone; an open device keeps the group's
 * file.
 *
 * Locks, outermost first, by lockdep's names for them. On the debug kernel
 * selftests/torture/lock-order holds lockdep's own graph against this list.
 *
 *	&dev->mutex	the driver core's, of a device that is bound or unbound:
 *			held around registering and unregistering. A driver's
 *			calls from here may only try it. Lockdep looks away
 *	&kv->lock	KVM's: held around what is asked of a file
 *	vfio_groups.lock	list of groups; births, and the last device's leaving
 *	&group->group_lock	what user space did with the group
 *	&set->lock	struct vfio_device_set: open and close of its devices
 *	&container->group_lock	who is in a container and its backend. Below it
 *			are the backend's: its calls are made with it held, or
 *			with &set->lock, or with none
 *	vfio_iommu_drivers.lock	list of backends; each is asked under it what it
 *			offers
 *	&group->device_lock	list of the group's devices. Below it are locks
 *			that a driver's match() takes (vfio-pci's is a VF
 *			token's), which so must not be held around our calls
 *	vfio_device_sets.lock	sets of devices and their counts; nothing below
 *	&group->kvm_ref_lock	spinlock, a leaf: KVM calls with locks of its
 *			own, so nothing else may be taken for it
 *
 * No reference on a KVM VM is dropped under any of them: the last one tears the
 * VM down, which calls back into this module.
 */
#ifndef _VFIO_CORE_H
#define _VFIO_CORE_H

#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/file.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>
#include <linux/wait.h>

#include "compat/vfio.h"
#include "iommu_driver.h"
#include "trace/vfio_trace_types.h"

struct kvm;

/* How long users have to let go before they are asked again. */
#define VFIO_REQUEST_INTERVAL	(10 * HZ)

/* What an event shows of a string from outside, with its end. */
#define VFIO_TRACE_WORD		64

/**
 * struct vfio_iommu_driver - a registered backend
 * @ops: its calls
 * @ext: what it offers beyond stock's, or NULL
 * @vfio_next: in the list of backends
 *
 * All constant while registered; @vfio_next is under the list's lock. Whoever
 * holds a reference on @ops->owner keeps it registered.
 */
struct vfio_iommu_driver {
	const struct vfio_iommu_driver_ops	*ops;
	const struct vfio_iommu_driver_ext	*ext;
	struct list_head			vfio_next;
};

/**
 * struct vfio_container - an I/O address space and the groups in it
 * @kref: one for the file, one an attached group
 * @group_list: attached groups; under @group_lock
 * @group_lock: guards who is attached and changes of the backend
 * @iommu_driver: the backend, NULL when there is none. Written under
 *	@group_lock; stable while a group is known to be attached and a backend
 *	to be set, or while a backend user is held
 * @iommu_data: the backend's own; as @iommu_driver
 * @backend_users: 0 without a backend, else one for its being set and one a
 *	call into it that nothing else protects; the backend is released at 0
 * @backend_leaves: nobody may call into it anew; written under @group_lock
 * @backend_idle: woken when @backend_users drops to 1 or 0
 * @id: number that names the container in trace events, no other living one's
 * @opened_ns: coarse time of open, for the age at release
 */
struct vfio_container {
	struct kref			kref;
	struct list_head		group_list;
	struct mutex			group_lock;
	struct vfio_iommu_driver	*iommu_driver;
	void				*iommu_data;
	refcount_t			backend_users;
	bool				backend_leaves;
	wait_queue_head_t		backend_idle;
	u32				id;
	u64				opened_ns;
};

/**
 * struct vfio_group - an IOMMU group that has VFIO devices
 * @dev: the char device's, and the lifetime of the memory
 * @cdev: /dev/vfio/N
 * @drivers: registered devices; at 0, where it gets under the lock of the list,
 *	the group is being removed
 * @container_users: users of the attachment; under @group_lock
 * @iommu_group: the IOMMU's object, referenced; NULL once the last device is
 *	gone. Written under @group_lock; devices registered keep it
 * @container: what the group is attached to, or NULL; under @group_lock, and
 *	stable while a device is open or an external user held
 * @device_list: registered devices; under @device_lock
 * @device_lock: guards @device_list
 * @vfio_next: in the list of groups; under its lock
 * @container_next: in the container's list; under its lock
 * @type: what stands behind the group; constant
 * @group_lock: guards what user space did with the group
 * @kvm: the VM that user space linked with the group; under @kvm_ref_lock
 * @opened_file: the open file, or NULL; under @group_lock
 * @kvm_ref_lock: guards @kvm
 * @refs: references on this object, see enum vfio_group_ref_reason
 * @id: number of the IOMMU group; constant, so valid after @iommu_group
 * @external_users: users in the kernel, part of @container_users; under
 *	@group_lock
 * @external_gone: woken when @external_users drops to 0
 * @removed: completed when the attachment has ended for good
 */
struct vfio_group {
	struct device			dev;
	struct cdev			cdev;
	refcount_t			drivers;
	unsigned int			container_users;
	struct iommu_group		*iommu_group;
	struct vfio_container		*container;
	struct list_head		device_list;
	struct mutex			device_lock;
	struct list_head		vfio_next;
	struct list_head		container_next;
	enum vfio_group_type		type;
	struct mutex			group_lock;
	struct kvm			*kvm;
	struct file			*opened_file;
	spinlock_t			kvm_ref_lock;
	refcount_t			refs;
	int				id;
	unsigned int			external_users;
	wait_queue_head_t		external_gone;
	struct completion		removed;
};

/**
 * struct vfio_device_file - what a device's open file stands for
 * @device: the device; the file holds its registration
 * @group: the device's group
 */
struct vfio_device_file {
	struct vfio_device		*device;
	struct vfio_group		*group;
};

/*
 * The clock of a trace event that ends an operation: read only if someone
 * listens when it begins, 0 otherwise.
 */
#define vfio_trace_start(event) \
	(trace_##event##_enabled() ? ktime_get_ns() : 0)

static inline u64 vfio_trace_elapsed(u64 start)
{
	return start ? ktime_get_ns() - start : 0;
}

/* iommu_driver.c */
struct vfio_iommu_driver *vfio_iommu_driver_next(struct vfio_iommu_driver *prev,
						 unsigned long type);
void vfio_iommu_driver_put(struct vfio_iommu_driver *driver);
long vfio_iommu_drivers_check(unsigned long extension);

/* backend.c */
int vfio_container_settle(struct vfio_container *container);
void vfio_container_release_backend(struct vfio_container *container);
void vfio_container_close_notify(struct vfio_container *container);
long vfio_container_set_iommu(struct vfio_container *container,
			      unsigned long type);
long vfio_container_backend_ioctl(struct vfio_container *container,
				  unsigned int cmd, unsigned long arg);
long vfio_container_check_extension(struct vfio_container *container,
				    unsigned long extension);
void vfio_container_add_device(struct vfio_container *container,
			       struct vfio_device *device);
void vfio_container_remove_device(struct vfio_container *container,
				  struct vfio_device *device);

/* container.c */
struct vfio_container *vfio_container_from_file(struct file *file);
int vfio_container_attach_group(struct vfio_container *container,
				struct vfio_group *group);
void vfio_group_detach_container(struct vfio_group *group);
int vfio_group_unset_container(struct vfio_group *group);
unsigned int vfio_container_user_get(struct vfio_group *group,
				     enum vfio_container_user_reason reason);
unsigned int vfio_container_user_put(struct vfio_group *group,
				     enum vfio_container_user_reason reason);
int vfio_container_init(void);
void vfio_container_cleanup(void);

/* group.c */
void vfio_group_get(struct vfio_group *group,
		    enum vfio_group_ref_reason reason);
void vfio_group_put(struct vfio_group *group,
		    enum vfio_group_ref_reason reason);
int vfio_device_join_group(struct vfio_device *device,
			   enum vfio_group_type type);
void vfio_device_leave_group(struct vfio_device *device);
int vfio_group_init(void);
void vfio_group_cleanup(void);

/* group_file.c */
extern const struct file_operations vfio_group_fops;
struct vfio_group *vfio_group_from_file(struct file *file);

/* device.c */
bool vfio_device_try_get_registration(struct vfio_device *device);
void vfio_device_put_registration(struct vfio_device *device);
int vfio_device_setup(struct vfio_device *device, struct device *parent,
		      const struct vfio_device_ops *ops);
void vfio_device_warn_blocked(struct vfio_device *device);
int vfio_device_init(void);
void vfio_device_cleanup(void);

/* device_file.c */
extern const struct file_operations vfio_device_fops;
struct file *vfio_device_open_file(struct vfio_device *device);
struct vfio_device_file *vfio_device_file_from(struct file *file);

/* device_set.c */
void vfio_device_leave_set(struct vfio_device *device);

/* kvm_file.c */
void vfio_device_link_kvm(struct vfio_device *device);
struct kvm *vfio_device_unlink_kvm(struct vfio_device *device);
void vfio_kvm_put(struct kvm *kvm);

/* feature.c */
int vfio_ioctl_device_feature(struct vfio_device *device,
			      struct vfio_device_feature __user *arg);

/* trace.c */
void vfio_trace_word(char word[VFIO_TRACE_WORD], const char *text);

#endif /* _VFIO_CORE_H */
