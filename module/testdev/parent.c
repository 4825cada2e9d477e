// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_testparent.ko: parents of mediated devices, for tests.
 *
 * Platform devices, vfio_testparent.0 to .2, whose driver registers each as a parent with the mdev core when it is bound and takes it back when it is
 * unbound, as a real device's driver does. They differ in what a driver may
 * leave to the core:
 *
 *	.0  the core counts: "instances" devices, of whichever type; no
 *	    description; a type without a pretty name
 *	.1  the driver counts, by type, and has words for each type
 *	.2  the driver has nothing at all that it may leave out, nor a device
 *	    that VFIO would know
 *
 * Their mediated devices do nothing but be there, open or not. How one is made
 * can be told by parameters: "hold" keeps the driver's probe waiting until it is
 * cleared, "probe_errno" then lets it fail.
 *
 * A module of its own, as it needs mdev.ko, which the rest of testdev/ does not.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "compat/vfio.h"

static unsigned int instances = 3;
module_param(instances, uint, 0444);
MODULE_PARM_DESC(instances, "How many devices parent 0 has");

static bool hold;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "Keep probe of a mediated device waiting");

static ushort probe_errno;
module_param(probe_errno, ushort, 0644);
MODULE_PARM_DESC(probe_errno, "What probe of a mediated device fails with");

static uint requests;
module_param(requests, uint, 0444);
MODULE_PARM_DESC(requests, "How often open devices were asked for");

#define TESTPARENT_TYPES	2

/**
 * struct testparent_type - a type, as long as its parent is registered
 * @type: the core's part
 * @free: where the driver counts: how many more can be made
 * @description: where the driver has one
 */
struct testparent_type {
	struct mdev_type	type;
	atomic_t		free;
	const char		*description;
};

/**
 * struct testparent - a parent, as long as it is registered
 * @parent: the core's part
 * @types: what it can make
 * @list: the same, as the core wants it
 */
struct testparent {
	struct mdev_parent	parent;
	struct testparent_type	types[TESTPARENT_TYPES];
	struct mdev_type	*list[TESTPARENT_TYPES];
};

static struct testparent_type *to_testparent_type(struct mdev_type *type)
{
	return container_of(type, struct testparent_type, type);
}

static void testparent_release_device(struct vfio_device *vdev)
{
	/* Before the core freed devices itself, the driver had to. */
	vfio_compat_driver_frees(vdev);
}

static int testparent_open_device(struct vfio_device *vdev)
{
	return 0;
}

static void testparent_request(struct vfio_device *vdev, unsigned int count)
{
	WRITE_ONCE(requests, requests + 1);
}

static const struct vfio_device_ops testparent_ops = {
	.name		= "vfio-testparent",
	.release	= testparent_release_device,
	.open_device	= testparent_open_device,
	.request	= testparent_request,
};

/* A test that is killed must not leave its task here. */
static int wait_while_held(void)
{
	while (READ_ONCE(hold) && !fatal_signal_pending(current))
		msleep(20);
	return -READ_ONCE(probe_errno);
}

static int testparent_probe(struct mdev_device *mdev)
{
	struct vfio_device *vdev;
	int ret;

	ret = wait_while_held();
	if (ret)
		return ret;
	vdev = _vfio_alloc_device(sizeof(*vdev), &mdev->dev, &testparent_ops);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	ret = vfio_register_emulated_iommu_dev(vdev);
	if (ret) {
		vfio_put_device(vdev);
		return ret;
	}
	dev_set_drvdata(&mdev->dev, vdev);
	return 0;
}

static void testparent_remove(struct mdev_device *mdev)
{
	struct vfio_device *vdev = dev_get_drvdata(&mdev->dev);

	vfio_unregister_group_dev(vdev);
	vfio_put_device(vdev);
}

static int counting_probe(struct mdev_device *mdev)
{
	struct testparent_type *type = to_testparent_type(mdev->type);
	int ret;

	if (!atomic_add_unless(&type->free, -1, 0))
		return -ENOSPC;
	ret = testparent_probe(mdev);
	if (ret)
		atomic_inc(&type->free);
	return ret;
}

static void counting_remove(struct mdev_device *mdev)
{
	testparent_remove(mdev);
	atomic_inc(&to_testparent_type(mdev->type)->free);
}

static unsigned int counting_get_available(struct mdev_type *type)
{
	return atomic_read(&to_testparent_type(type)->free);
}

static ssize_t counting_show_description(struct mdev_type *type, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_testparent_type(type)->description);
}

static struct mdev_driver counted_driver = {
	.device_api	= VFIO_DEVICE_API_PLATFORM_STRING,
	.probe		= testparent_probe,
	.remove		= testparent_remove,
	.driver = {
		.name	= "testparent_counted",
		.owner	= THIS_MODULE,
	},
};

static struct mdev_driver counting_driver = {
	.device_api		= VFIO_DEVICE_API_AP_STRING,
	.probe			= counting_probe,
	.remove			= counting_remove,
	.get_available		= counting_get_available,
	.show_description	= counting_show_description,
	.driver = {
		.name	= "testparent_counting",
		.owner	= THIS_MODULE,
	},
};

static struct mdev_driver bare_driver = {
	.device_api	= VFIO_DEVICE_API_CCW_STRING,
	.max_instances	= 1,
	.driver = {
		.name	= "testparent_bare",
		.owner	= THIS_MODULE,
	},
};

/* What the parents are, by their number. */
static const struct testparent_kind {
	struct mdev_driver *driver;
	struct {
		const char *sysfs_name, *pretty_name, *description;
		int free;
	} types[TESTPARENT_TYPES];
} kinds[] = {
	{
		.driver = &counted_driver,
		.types = {
			{ .sysfs_name = "one", .pretty_name = "One of a kind" },
			{ .sysfs_name = "other" },
		},
	}, {
		.driver = &counting_driver,
		.types = {
			{ "few", "Few", "there are two", 2 },
			{ "none", "None", "there is not one", 0 },
		},
	}, {
		.driver = &bare_driver,
		.types = {
			{ .sysfs_name = "bare" },
			{ .sysfs_name = "spare" },
		},
	},
};

static void testparent_unregister(void *parent)
{
	mdev_unregister_parent(parent);
}

static int testparent_bind(struct platform_device *pdev)
{
	const struct testparent_kind *kind;
	struct testparent *tp;
	int i, ret;

	/* By driver_override any platform device may come here. */
	if (pdev->id < 0 || pdev->id >= ARRAY_SIZE(kinds))
		return -ENODEV;
	kind = &kinds[pdev->id];
	/* The core forgets all of it when the parent is unregistered. */
	tp = devm_kzalloc(&pdev->dev, sizeof(*tp), GFP_KERNEL);
	if (!tp)
		return -ENOMEM;
	for (i = 0; i < TESTPARENT_TYPES; i++) {
		struct testparent_type *type = &tp->types[i];

		type->type.sysfs_name = kind->types[i].sysfs_name;
		type->type.pretty_name = kind->types[i].pretty_name;
		type->description = kind->types[i].description;
		atomic_set(&type->free, kind->types[i].free);
		tp->list[i] = &type->type;
	}
	ret = mdev_register_parent(&tp->parent, &pdev->dev, kind->driver,
				   tp->list, TESTPARENT_TYPES);
	if (ret)
		return ret;
	return devm_add_action_or_reset(&pdev->dev, testparent_unregister,
					&tp->parent);
}

static struct platform_driver testparent_driver = {
	.probe = testparent_bind,
	.driver = {
		.name = "vfio_testparent",
	},
};

static struct platform_device *testparents[ARRAY_SIZE(kinds)];

static void testparent_drivers_unregister(int count)
{
	while (count--)
		mdev_unregister_driver(kinds[count].driver);
}

static int testparent_drivers_register(void)
{
	int i, ret;

	counted_driver.max_instances = instances;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ret = mdev_register_driver(kinds[i].driver);
		if (ret) {
			testparent_drivers_unregister(i);
			return ret;
		}
	}
	return 0;
}

/* With the first @count parents. */
static void testparent_take_down(int count)
{
	while (count--)
		platform_device_unregister(testparents[count]);
	platform_driver_unregister(&testparent_driver);
	testparent_drivers_unregister(ARRAY_SIZE(kinds));
}

static int __init testparent_init(void)
{
	int i, ret;

	ret = testparent_drivers_register();
	if (ret)
		return ret;
	ret = platform_driver_register(&testparent_driver);
	if (ret) {
		testparent_drivers_unregister(ARRAY_SIZE(kinds));
		return ret;
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		testparents[i] = platform_device_register_simple("vfio_testparent",
								 i, NULL, 0);
		if (IS_ERR(testparents[i])) {
			ret = PTR_ERR(testparents[i]);
			testparent_take_down(i);
			return ret;
		}
	}
	return 0;
}

static void __exit testparent_exit(void)
{
	testparent_take_down(ARRAY_SIZE(kinds));
}

module_init(testparent_init);
module_exit(testparent_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Parents of mediated devices for tests of mdev");
MODULE_VERSION("1.0");
