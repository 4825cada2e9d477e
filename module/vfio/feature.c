// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device features: VFIO_DEVICE_FEATURE.
 *
 * One ioctl, many features; each is probed for, read or set. Those that every
 * driver would answer alike, migration and logging of DMA, are answered here
 * from the driver's mig_ops and log_ops; the others go to the driver.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/interval_tree.h>
#include <linux/iova_bitmap.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vfio.h"

/* The ranges that logging is asked for fill at most one page. */
#define MAX_LOG_RANGES \
	(PAGE_SIZE / sizeof(struct vfio_device_feature_dma_logging_range))

static int feature_migration(struct vfio_device *device, u32 flags,
			     void __user *arg, size_t argsz)
{
	struct vfio_device_feature_migration mig = {
		.flags = device->migration_flags,
	};
	int ret;

	if (!device->mig_ops)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET,
				 sizeof(mig));
	if (ret != 1)
		return ret;
	return copy_to_user(arg, &mig, sizeof(mig)) ? -EFAULT : 0;
}

/* Consumes the file, through which the driver moves the device's state. */
static int return_data_fd(struct file *file,
			  struct vfio_device_feature_mig_state *mig,
			  void __user *arg)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0) {
		fput(file);
		return fd;
	}

	mig->data_fd = fd;
	if (copy_to_user(arg, mig, sizeof(*mig))) {
		put_unused_fd(fd);
		fput(file);
		return -EFAULT;
	}
	fd_install(fd, file);
	return 0;
}

static int set_mig_state(struct vfio_device *device,
			 struct vfio_device_feature_mig_state *mig,
			 void __user *arg)
{
	struct file *file;

	file = device->mig_ops->migration_set_state(device, mig->device_state);
	if (!IS_ERR_OR_NULL(file))
		return return_data_fd(file, mig, arg);

	/* Also on failure user space learns that there is no fd. */
	mig->data_fd = -1;
	if (copy_to_user(arg, mig, sizeof(*mig)))
		return -EFAULT;
	return PTR_ERR_OR_ZERO(file);
}

static int get_mig_state(struct vfio_device *device,
			 struct vfio_device_feature_mig_state *mig,
			 void __user *arg)
{
	enum vfio_device_mig_state state;
	int ret;

	ret = device->mig_ops->migration_get_state(device, &state);
	if (ret)
		return ret;

	mig->device_state = state;
	mig->data_fd = -1;
	return copy_to_user(arg, mig, sizeof(*mig)) ? -EFAULT : 0;
}

static int feature_mig_state(struct vfio_device *device, u32 flags,
			     void __user *arg, size_t argsz)
{
	struct vfio_device_feature_mig_state mig;
	int ret;

	if (!device->mig_ops)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz,
				 VFIO_DEVICE_FEATURE_SET |
				 VFIO_DEVICE_FEATURE_GET, sizeof(mig));
	if (ret != 1)
		return ret;
	if (copy_from_user(&mig, arg, sizeof(mig)))
		return -EFAULT;

	if (flags & VFIO_DEVICE_FEATURE_GET)
		return get_mig_state(device, &mig, arg);
	return set_mig_state(device, &mig, arg);
}

static int feature_mig_data_size(struct vfio_device *device, u32 flags,
				 void __user *arg, size_t argsz)
{
	struct vfio_device_feature_mig_data_size size = {};
	unsigned long stop_copy;
	int ret;

	if (!device->mig_ops)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET,
				 sizeof(size));
	if (ret != 1)
		return ret;

	ret = vfio_compat_mig_data_size(device, &stop_copy);
	if (ret)
		return ret;

	size.stop_copy_length = stop_copy;
	return copy_to_user(arg, &size, sizeof(size)) ? -EFAULT : 0;
}

/* An empty or wrapping range has no last byte. */
static int range_last(u64 iova, u64 length, unsigned long *last)
{
	u64 end;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length, &end) || end > ULONG_MAX)
		return -EOVERFLOW;
	*last = end - 1;
	return 0;
}

/* Reads user space's ranges into a tree of @nodes; they must not overlap. */
static int read_log_ranges(struct rb_root_cached *root,
			   struct interval_tree_node *nodes,
			   const struct vfio_device_feature_dma_logging_control *control)
{
	struct vfio_device_feature_dma_logging_range __user *uranges =
		u64_to_user_ptr(control->ranges);
	struct vfio_device_feature_dma_logging_range range;
	u32 i;
	int ret;

	for (i = 0; i < control->num_ranges; i++) {
		if (copy_from_user(&range, &uranges[i], sizeof(range)))
			return -EFAULT;
		if (!IS_ALIGNED(range.iova, control->page_size) ||
		    !IS_ALIGNED(range.length, control->page_size))
			return -EINVAL;

		nodes[i].start = range.iova;
		ret = range_last(range.iova, range.length, &nodes[i].last);
		if (ret)
			return ret;
		if (interval_tree_iter_first(root, nodes[i].start,
					     nodes[i].last))
			return -EINVAL;
		interval_tree_insert(&nodes[i], root);
	}
	return 0;
}

static int start_logging(struct vfio_device *device,
			 struct vfio_device_feature_dma_logging_control *control,
			 void __user *arg)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	struct interval_tree_node *nodes;
	int ret;

	nodes = kmalloc_array(control->num_ranges, sizeof(*nodes), GFP_KERNEL);
	if (!nodes)
		return -ENOMEM;

	ret = read_log_ranges(&root, nodes, control);
	if (ret)
		goto out;
	ret = device->log_ops->log_start(device, &root, control->num_ranges,
					 &control->page_size);
	if (ret)
		goto out;

	/* The driver may have chosen another page size. */
	if (copy_to_user(arg, control, sizeof(*control))) {
		device->log_ops->log_stop(device);
		ret = -EFAULT;
	}
out:
	kfree(nodes);
	return ret;
}

static int feature_log_start(struct vfio_device *device, u32 flags,
			     void __user *arg, size_t argsz)
{
	struct vfio_device_feature_dma_logging_control control;
	int ret;

	if (!device->log_ops)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET,
				 sizeof(control));
	if (ret != 1)
		return ret;
	if (copy_from_user(&control, arg, sizeof(control)))
		return -EFAULT;
	if (!control.num_ranges)
		return -EINVAL;
	if (control.num_ranges > MAX_LOG_RANGES)
		return -E2BIG;

	return start_logging(device, &control, arg);
}

static int feature_log_stop(struct vfio_device *device, u32 flags,
			    void __user *arg, size_t argsz)
{
	int ret;

	if (!device->log_ops)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, 0);
	if (ret != 1)
		return ret;
	return device->log_ops->log_stop(device);
}

static int read_and_clear(struct iova_bitmap *bitmap, unsigned long iova,
			  size_t length, void *opaque)
{
	struct vfio_device *device = opaque;

	return device->log_ops->log_read_and_clear(device, iova, length,
						   bitmap);
}

static int feature_log_report(struct vfio_device *device, u32 flags,
			      void __user *arg, size_t argsz)
{
	struct vfio_device_feature_dma_logging_report report;
	struct iova_bitmap *bitmap;
	unsigned long last;
	int ret;

	if (!device->log_ops)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET,
				 sizeof(report));
	if (ret != 1)
		return ret;
	if (copy_from_user(&report, arg, sizeof(report)))
		return -EFAULT;
	if (report.page_size < SZ_4K || !is_power_of_2(report.page_size))
		return -EINVAL;
	ret = range_last(report.iova, report.length, &last);
	if (ret)
		return ret;

	bitmap = iova_bitmap_alloc(report.iova, report.length, report.page_size,
				   u64_to_user_ptr(report.bitmap));
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	ret = iova_bitmap_for_each(bitmap, device, read_and_clear);
	iova_bitmap_free(bitmap);
	return ret;
}

typedef int (*feature_fn)(struct vfio_device *device, u32 flags,
			  void __user *arg, size_t argsz);

static feature_fn core_feature(u32 feature)
{
	switch (feature) {
	case VFIO_DEVICE_FEATURE_MIGRATION:
		return feature_migration;
	case VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
		return feature_mig_state;
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
		return feature_log_start;
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP:
		return feature_log_stop;
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT:
		return feature_log_report;
	case VFIO_DEVICE_FEATURE_MIG_DATA_SIZE:
		return VFIO_KNOWS_MIG_DATA_SIZE ? feature_mig_data_size : NULL;
	default:
		return NULL;
	}
}

/**
 * vfio_ioctl_device_feature - VFIO_DEVICE_FEATURE
 * @device: an open device
 * @arg: user space's argument
 *
 * Return: 0 or a negative errno; -ENOTTY for a feature that is not there.
 */
int vfio_ioctl_device_feature(struct vfio_device *device,
			      struct vfio_device_feature __user *arg)
{
	const u32 ops = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_GET;
	const size_t minsz = offsetofend(struct vfio_device_feature, flags);
	struct vfio_device_feature feature;
	feature_fn fn;

	if (copy_from_user(&feature, arg, minsz))
		return -EFAULT;
	if (feature.argsz < minsz)
		return -EINVAL;
	if (feature.flags & ~(VFIO_DEVICE_FEATURE_MASK | ops |
			      VFIO_DEVICE_FEATURE_PROBE))
		return -EINVAL;
	/* Both at once can be asked about, not done. */
	if (!(feature.flags & VFIO_DEVICE_FEATURE_PROBE) &&
	    (feature.flags & ops) == ops)
		return -EINVAL;

	fn = core_feature(feature.flags & VFIO_DEVICE_FEATURE_MASK);
	if (!fn)
		fn = device->ops->device_feature;
	if (!fn)
		return -ENOTTY;
	return fn(device, feature.flags, arg->data, feature.argsz - minsz);
}
