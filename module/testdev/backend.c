// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOMMU backend of tests: what the core does with one, and when.
 *
 * A container that chooses VFIO_TESTDEV_IOMMU gets it. It maps nothing; it notes
 * what it is told, and the devices of this module note what their driver is
 * told. When it hears of a device or of its end it asks the core to unpin a page
 * for it, as a driver may that is asked for its pages in that moment: the note
 * of the unpin says that the core took the device for an open one.
 *
 * A test can make it slow, so that others wait for the locks that the core
 * holds meanwhile, and make it refuse a group.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "testdev.h"
#include "vfio/iommu_driver.h"

/* Guards the notes and what is asked of the backend. */
static DEFINE_SPINLOCK(backend_lock);
static struct vfio_testdev_backend backend;

/**
 * testdev_note - remember that something happened
 * @what: a word
 *
 * What does not fit is left out: a test that reads the notes begins anew.
 */
void testdev_note(const char *what)
{
	size_t used;

	spin_lock(&backend_lock);
	used = strlen(backend.notes);
	scnprintf(backend.notes + used, sizeof(backend.notes) - used, "%s%s",
		  used ? " " : "", what);
	spin_unlock(&backend_lock);
}

/**
 * testdev_backend - read the notes, and say what is wanted from now on
 * @args: both, out and in; the notes begin anew
 *
 * Return: 0.
 */
int testdev_backend(struct vfio_testdev_backend *args)
{
	struct vfio_testdev_backend before;

	spin_lock(&backend_lock);
	before = backend;
	backend = *args;
	memset(backend.notes, 0, sizeof(backend.notes));
	spin_unlock(&backend_lock);
	*args = before;
	return 0;
}

/* Whoever is killed sleeps no longer. */
static void sleep_ms(unsigned int ms)
{
	if (ms)
		schedule_timeout_killable(msecs_to_jiffies(ms));
}

static void *backend_open(unsigned long type)
{
	return &backend;
}

static void backend_release(void *data)
{
}

static long backend_ioctl(void *data, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case VFIO_CHECK_EXTENSION:
		return arg == VFIO_TESTDEV_IOMMU;
	case VFIO_TESTDEV_BACKEND_SLEEP:
		sleep_ms(min(arg, 10000UL));
		return 0;
	default:
		return -ENOTTY;
	}
}

static int backend_attach(void *data, struct iommu_group *group,
			  enum vfio_group_type type)
{
	sleep_ms(READ_ONCE(backend.attach_ms));
	return READ_ONCE(backend.refuses) ? -EPERM : 0;
}

static void backend_detach(void *data, struct iommu_group *group)
{
}

static void backend_unpin(void *data, dma_addr_t iova, int npage)
{
	testdev_note("unpin");
}

static void backend_register(void *data, struct vfio_device *vdev)
{
	testdev_note("register");
	vfio_unpin_pages(vdev, 0, 1);
}

static void backend_unregister(void *data, struct vfio_device *vdev)
{
	testdev_note("unregister");
	vfio_unpin_pages(vdev, 0, 1);
}

static const struct vfio_iommu_driver_ops backend_ops = {
	.name			= "vfio-testbackend",
	.owner			= THIS_MODULE,
	.open			= backend_open,
	.release		= backend_release,
	.ioctl			= backend_ioctl,
	.attach_group		= backend_attach,
	.detach_group		= backend_detach,
	.unpin_pages		= backend_unpin,
	.register_device	= backend_register,
	.unregister_device	= backend_unregister,
};

/**
 * testdev_backend_register - at module init
 *
 * Return: 0 or a negative errno.
 */
int testdev_backend_register(void)
{
	return vfio_register_iommu_driver(&backend_ops);
}

/**
 * testdev_backend_unregister - at module exit
 */
void testdev_backend_unregister(void)
{
	vfio_unregister_iommu_driver(&backend_ops);
}
