// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that logs what it writes (VFIO_DEVICE_FEATURE_DMA_LOGGING_*).
 *
 * It logs a limited number of ranges, as real ones do, and has the core merge what
 * it is asked for until they fit, where the core can. What it "writes" a test says
 * by an ioctl, without any memory: so a log may span more than a machine has. What
 * was reported is forgotten, to the byte.
 */
#include <linux/interval_tree.h>
#include <linux/iova_bitmap.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "compat/vfio.h"
#include "testdev.h"

/* The page sizes that the device can log in. */
#define PAGE_SIZE_MIN	SZ_4K
#define PAGE_SIZE_MAX	SZ_2M

/**
 * struct testdev_written - bytes that were written and not reported yet
 * @list: in struct testdev_log
 * @iova: the first
 * @last: the last
 */
struct testdev_written {
	struct list_head	list;
	u64			iova;
	u64			last;
};

static void forget(struct testdev_written *w)
{
	list_del(&w->list);
	kfree(w);
}

static void forget_all(struct testdev_log *log)
{
	struct testdev_written *w, *next;

	list_for_each_entry_safe(w, next, &log->written, list)
		forget(w);
}

static int remember(struct testdev_log *log, u64 iova, u64 last)
{
	struct testdev_written *w = kmalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return -ENOMEM;
	w->iova = iova;
	w->last = last;
	list_add(&w->list, &log->written);
	return 0;
}

/* Takes the ranges over, merged until there are few enough. */
static int take_ranges(struct testdev_log *log, struct rb_root_cached *ranges,
		       u32 nnodes)
{
	struct interval_tree_node *node;

	nnodes = vfio_compat_combine_ranges(ranges, nnodes, log->limit);
	if (nnodes > log->limit)
		return -E2BIG;
	log->nranges = 0;
	for (node = interval_tree_iter_first(ranges, 0, ULONG_MAX); node;
	     node = interval_tree_iter_next(node, 0, ULONG_MAX)) {
		if (WARN_ON(log->nranges == log->limit))
			return -E2BIG;
		log->ranges[log->nranges].iova = node->start;
		log->ranges[log->nranges++].last = node->last;
	}
	return 0;
}

static int testdev_log_start(struct vfio_device *vdev,
			     struct rb_root_cached *ranges, u32 nnodes,
			     u64 *page_size)
{
	struct testdev_log *log = &to_testdev(vdev)->log;
	int ret = -EBUSY;

	mutex_lock(&log->lock);
	if (!log->started)
		ret = take_ranges(log, ranges, nnodes);
	if (!ret) {
		log->started = true;
		*page_size = clamp_t(u64, *page_size, PAGE_SIZE_MIN,
				     PAGE_SIZE_MAX);
	}
	mutex_unlock(&log->lock);
	return ret;
}

static void log_end(struct testdev_log *log)
{
	log->started = false;
	log->nranges = 0;
	forget_all(log);
}

static int testdev_log_stop(struct vfio_device *vdev)
{
	struct testdev_log *log = &to_testdev(vdev)->log;
	int ret = -EINVAL;

	mutex_lock(&log->lock);
	if (log->started) {
		log_end(log);
		ret = 0;
	}
	mutex_unlock(&log->lock);
	return ret;
}

/* Reports what @w has of [@iova, @last] and keeps the rest. */
static int report(struct testdev_log *log, struct testdev_written *w, u64 iova,
		  u64 last, struct iova_bitmap *bitmap)
{
	u64 from = max(w->iova, iova);
	u64 to = min(w->last, last);
	int ret = 0;

	if (from > to)
		return 0;
	iova_bitmap_set(bitmap, from, to - from + 1);
	if (w->last > to)
		ret = remember(log, to + 1, w->last);
	if (w->iova < from)
		w->last = from - 1;
	else
		forget(w);
	return ret;
}

static int testdev_log_read_and_clear(struct vfio_device *vdev,
				      unsigned long iova, unsigned long length,
				      struct iova_bitmap *bitmap)
{
	struct testdev_log *log = &to_testdev(vdev)->log;
	struct testdev_written *w, *next;
	int ret = 0;

	mutex_lock(&log->lock);
	if (!log->started)
		ret = -EINVAL;
	else
		list_for_each_entry_safe(w, next, &log->written, list) {
			ret = report(log, w, iova, iova + length - 1, bitmap);
			if (ret)
				break;
		}
	mutex_unlock(&log->lock);
	return ret;
}

static const struct vfio_log_ops testdev_log_ops = {
	.log_start		= testdev_log_start,
	.log_stop		= testdev_log_stop,
	.log_read_and_clear	= testdev_log_read_and_clear,
};

/**
 * testdev_log_init - for a device that is not registered yet
 * @log: its log
 * @vdev: the device
 * @flags: VFIO_TESTDEV_*
 */
void testdev_log_init(struct testdev_log *log, struct vfio_device *vdev,
		      u32 flags)
{
	mutex_init(&log->lock);
	INIT_LIST_HEAD(&log->written);
	log->limit = VFIO_TESTDEV_LOG_MAX;
	if (flags & VFIO_TESTDEV_LOGS)
		vdev->log_ops = &testdev_log_ops;
}

/**
 * testdev_log_reset - ends it, if it was started
 * @log: a device's log
 */
void testdev_log_reset(struct testdev_log *log)
{
	mutex_lock(&log->lock);
	log_end(log);
	log->limit = VFIO_TESTDEV_LOG_MAX;
	mutex_unlock(&log->lock);
}

/* What lies in the ranges that are logged. */
static int log_write(struct testdev_log *log, u64 iova, u64 last)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < log->nranges && !ret; i++) {
		u64 from = max(iova, log->ranges[i].iova);
		u64 to = min(last, log->ranges[i].last);

		if (from <= to)
			ret = remember(log, from, to);
	}
	return ret;
}

/**
 * testdev_log_write - as if the device had written
 * @args: which device, and where
 *
 * Return: 0, -ENOENT without the device, -EINVAL for no range.
 */
int testdev_log_write(const struct vfio_testdev_log_write *args)
{
	struct testdev_log *log;
	struct testdev *td;
	u64 last;
	int ret;

	if (!args->length ||
	    check_add_overflow(args->iova, args->length - 1, &last))
		return -EINVAL;
	td = testdev_get(args->name);
	if (!td)
		return -ENOENT;
	log = &td->log;
	mutex_lock(&log->lock);
	ret = log_write(log, args->iova, last);
	mutex_unlock(&log->lock);
	testdev_put(td);
	return ret;
}

/**
 * testdev_log_ranges - what a device logs
 * @args: the device and, if not 0, the limit of its next start in; the ranges out
 *
 * Return: 0, -ENOENT without the device, -EINVAL for too high a limit.
 */
int testdev_log_ranges(struct vfio_testdev_log_ranges *args)
{
	struct testdev_log *log;
	struct testdev *td;
	u32 i;

	if (args->limit > VFIO_TESTDEV_LOG_MAX)
		return -EINVAL;
	td = testdev_get(args->name);
	if (!td)
		return -ENOENT;
	log = &td->log;
	mutex_lock(&log->lock);
	if (args->limit)
		log->limit = args->limit;
	args->nranges = log->nranges;
	for (i = 0; i < log->nranges; i++) {
		args->ranges[i].iova = log->ranges[i].iova;
		args->ranges[i].last = log->ranges[i].last;
	}
	mutex_unlock(&log->lock);
	testdev_put(td);
	return 0;
}
