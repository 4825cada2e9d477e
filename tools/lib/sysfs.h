/* SPDX-License-Identifier: GPL-2.0-only */
/* Files, links and folders of sysfs, and of a root that has one. Paths are printf
 * formats.
 */
#ifndef VFIOSCOPE_SYSFS_H
#define VFIOSCOPE_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SYSFS_NAME_LEN	256
#define SYSFS_PRINTF(n) __attribute__((format(printf, n, n + 1)))

/* Looks below this folder from now on, a tree like that of a host; NULL: at the
 * host's own.
 */
void sysfs_set_root(const char *root);

bool sysfs_exists(const char *path, ...) SYSFS_PRINTF(1);
/* The number in a file, -1: there is none. */
int64_t sysfs_number(const char *path, ...) SYSFS_PRINTF(1);
/* A file's text without the last newline; false and "": there is none. */
bool sysfs_read(char *buf, size_t size, const char *path, ...) SYSFS_PRINTF(3);
/* The last part of what a link leads to; false and "": there is none. */
bool sysfs_link(char *buf, size_t size, const char *path, ...) SYSFS_PRINTF(3);

/* Whether this is a PCI address, "0000:00:10.0", or "00:10.0" without domain. All
 * of it goes to @bdf, which may be NULL, and has SYSFS_NAME_LEN.
 */
bool sysfs_bdf(const char *text, char *bdf);

/* Where a link leads to, without links, from the root on; @buf has PATH_MAX. */
bool sysfs_resolve(char *buf, const char *path, ...) SYSFS_PRINTF(2);
/* A file, to read, which may be one of /proc; NULL: it cannot be opened. */
FILE *sysfs_open(const char *path, ...) SYSFS_PRINTF(1);

struct sysfs_list {
	char (*names)[SYSFS_NAME_LEN]; /* sorted */
	size_t count;
};

/* What is in a folder; nothing, if it is not there. */
struct sysfs_list sysfs_list(const char *path, ...) SYSFS_PRINTF(1);
void sysfs_list_free(struct sysfs_list *list);

#endif /* VFIOSCOPE_SYSFS_H */
