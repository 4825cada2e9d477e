/* SPDX-License-Identifier: GPL-2.0-only */
/* Mediated devices in sysfs: made, removed, looked at. */
#ifndef _SELFTESTS_MDEV_H
#define _SELFTESTS_MDEV_H

#include <stdbool.h>
#include <sys/types.h>

#define MDEV_PARENTS "/sys/class/mdev_bus/"
#define MDEV_TYPES   "/mdev_supported_types/"
#define MDEV_DEVICES "/sys/bus/mdev/devices/"

/* 0 or a negative errno. */
int __mdev_create(const char *parent, const char *type, const char *uuid);
int __mdev_remove(const char *uuid);
int mdev_available(const char *parent, const char *type);
bool mdev_exists(const char *uuid);

/* A file's first line; overwritten by the next call. */
const char *sysfs_read(const char *path);
/* Entries of a folder but for . and .., -1 for none such. */
int sysfs_entries(const char *path);
/* Whether a link's last part is @name. */
bool sysfs_leads_to(const char *link, const char *name);

/* Whether a child ends within that time, and its wait status. */
bool ends_within(pid_t child, int ms, int *status);

#endif /* _SELFTESTS_MDEV_H */
