/* SPDX-License-Identifier: GPL-2.0-only */
/* Files, links and folders of sysfs. Paths are printf formats. */
#ifndef VFIOSCOPE_SYSFS_H
#define VFIOSCOPE_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSFS_NAME_LEN	256
#define SYSFS_PRINTF(n) __attribute__((format(printf, n, n + 1)))

bool sysfs_exists(const char *path, ...) SYSFS_PRINTF(1);
/* The number in a file, -1: there is none. */
int64_t sysfs_number(const char *path, ...) SYSFS_PRINTF(1);
/* A file's text without the last newline; false and "": there is none. */
bool sysfs_read(char *buf, size_t size, const char *path, ...) SYSFS_PRINTF(3);
/* The last part of what a link leads to; false and "": there is none. */
bool sysfs_link(char *buf, size_t size, const char *path, ...) SYSFS_PRINTF(3);

struct sysfs_list {
	char (*names)[SYSFS_NAME_LEN]; /* sorted */
	size_t count;
};

/* What is in a folder; nothing, if it is not there. */
struct sysfs_list sysfs_list(const char *path, ...) SYSFS_PRINTF(1);
void sysfs_list_free(struct sysfs_list *list);

#endif /* VFIOSCOPE_SYSFS_H */
