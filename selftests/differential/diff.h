/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differential table: one line a case, to be compared between modules.
 *
 * A case begins with the name of a call and of what is wrong or special about
 * it, and ends with what the kernel said. A call that fails must leave the
 * container, the group and the caller's charge as they were; that is looked at
 * around every case. Where the answer is known the row says it, so that the
 * table is also a test of either module by itself.
 */
#ifndef _DIFFERENTIAL_H
#define _DIFFERENTIAL_H

#include <limits.h>

#include "lib/vfio.h"

/* What a row expects when only the comparison decides. */
#define ANY LONG_MIN

#define IOVA	  0x10000000ULL
#define PAGES(n)  ((n)*SZ_4K)
#define MEM_PAGES 64

/**
 * struct env - where the cases of a section run
 * @section: first word of every case's name
 * @type: the IOMMU type, or 0
 * @space: a container with edu's group, and its device if a section opens it
 * @mem: MEM_PAGES pages, all there
 * @testdev: the test module's fd, or -1
 */
struct env {
	const char *section;
	int type;
	struct vfio_space space;
	char *mem;
	int testdev;
};

void begin(struct env *env, const char *call, const char *mistake);
/* @ret as of vfio_ioctl(); @want likewise, or ANY. */
void end(struct env *env, long ret, long want);
void end_values(struct env *env, long ret, long want, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A call that gives a fd: it is closed, and its number not compared. */
void end_fd(struct env *env, long ret, long want);
void end_skipped(const char *reason);
bool v2(const struct env *env);

__u64 digest(const void *data, size_t size);

void container_cases(struct env *env);
void group_cases(struct env *env);
void map_cases(struct env *env);
void unmap_cases(struct env *env);
void info_cases(struct env *env);
void dirty_cases(struct env *env);
void device_cases(struct env *env);
void emulated_cases(struct env *env);

#endif /* _DIFFERENTIAL_H */
