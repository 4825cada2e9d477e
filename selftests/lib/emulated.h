/* SPDX-License-Identifier: GPL-2.0-only */
/* The test module's devices and external users (module/testdev). */
#ifndef _SELFTESTS_EMULATED_H
#define _SELFTESTS_EMULATED_H

#include "lib/vfio.h"
#include "vfio_testdev.h"

/* -ENOENT without the module. */
int __testdev_open(void);
/* Skips the program when the module is not there. */
int testdev_open(void);
/* Its group's number. */
int __testdev_create(int testdev, const char *name);
/* With VFIO_TESTDEV_* flags. */
int __testdev_create_with(int testdev, const char *name, __u32 flags);
int __testdev_destroy(int testdev, const char *name);
int __testdev_pin(int testdev, const char *name, __u64 iova, __u32 npage,
		  __u32 prot);
int __testdev_unpin(int testdev, const char *name, __u64 iova, __u32 npage);
int __testdev_rw(int testdev, const char *name, __u64 iova, void *data,
		 __u64 len, __u32 flags);
struct vfio_testdev_stats testdev_stats(int testdev, const char *name);
int __testdev_external_get(int testdev, int fd,
			   struct vfio_testdev_external *e);
/* The same, but no group twice. */
int __testdev_external_once(int testdev, int fd,
			    struct vfio_testdev_external *e);
int __testdev_external_find(int testdev, int fd,
			    struct vfio_testdev_external *e);
int __testdev_external_put(int testdev, __u32 slot);
/* What is wanted of the backend from now on, and what was noted until now. */
const char *testdev_backend(int testdev, __u32 attach_ms, bool refuses);
/* Opens a container while the counter of their ids is at @next. */
int __testdev_container_id(int testdev, __u32 next);
int __testdev_file(int testdev, int fd, const char *name, __u32 *flags);

#endif /* _SELFTESTS_EMULATED_H */
