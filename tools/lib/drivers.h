/* SPDX-License-Identifier: GPL-2.0-only */
/* Which drivers devices have, and what that means for their group. */
#ifndef VFIOSCOPE_DRIVERS_H
#define VFIOSCOPE_DRIVERS_H

#include <stdbool.h>
#include <stddef.h>

/* The device's driver; false and "": it has none. */
bool driver_of(const char *device, char *name, size_t size);
/* Whether it is one that gives devices to users. */
bool driver_is_vfio(const char *driver);
bool device_is_bridge(const char *device);
/* Whether a device with this driver may share a group with a user's. */
bool driver_is_harmless(const char *device, const char *driver);
/* Whether all devices of a group have such; negative: there is no such group. */
int drivers_let_use(int group);

#endif /* VFIOSCOPE_DRIVERS_H */
