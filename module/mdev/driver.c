// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mdev bus: what binds a mediated device to its parent's driver.
 *
 * Nothing matches: the driver that is to have a device is known when the device
 * is made, and is attached to it there.
 */
#include <linux/device.h>
#include <linux/mdev.h>
#include <linux/module.h>

#include "mdev.h"

static int mdev_bus_match(struct device *dev, MDEV_MATCH_DRIVER *driver)
{
	return 0;
}

static int mdev_bus_probe(struct device *dev)
{
	struct mdev_driver *driver =
		container_of(dev->driver, struct mdev_driver, driver);

	/* Without one it takes whatever there is. */
	return driver->probe ? driver->probe(to_mdev_device(dev)) : 0;
}

static void mdev_bus_remove(struct device *dev)
{
	struct mdev_driver *driver =
		container_of(dev->driver, struct mdev_driver, driver);

	if (driver->remove)
		driver->remove(to_mdev_device(dev));
}

MDEV_BUS_TYPE mdev_bus = {
	.name = "mdev",
	.match = mdev_bus_match,
	.probe = mdev_bus_probe,
	.remove = mdev_bus_remove,
	.dev_groups = mdev_device_groups,
};

/**
 * mdev_register_driver - make a driver of mediated devices known to the bus
 * @driver: with device_api set; probe and remove may be left out
 *
 * To be called before a parent that uses it is registered.
 *
 * Context: Process context, may sleep.
 * Return: 0, -EINVAL without a device_api, or what the bus says.
 */
int mdev_register_driver(struct mdev_driver *driver)
{
	if (!driver->device_api)
		return -EINVAL;
	driver->driver.bus = &mdev_bus;
	return driver_register(&driver->driver);
}
EXPORT_SYMBOL(mdev_register_driver);

/**
 * mdev_unregister_driver - the driver goes
 * @driver: registered, and no parent uses it any more
 *
 * Context: Process context, may sleep.
 */
void mdev_unregister_driver(struct mdev_driver *driver)
{
	driver_unregister(&driver->driver);
}
EXPORT_SYMBOL(mdev_unregister_driver);
