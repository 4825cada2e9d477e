// SPDX-License-Identifier: GPL-2.0-only
/* The test module's ioctls. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "kselftest.h"
#include "lib/emulated.h"

#define name_into(args, text) \
	snprintf((args).name, sizeof((args).name), "%s", text)

int __testdev_open(void)
{
	int fd = open("/dev/vfio_testdev", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int testdev_open(void)
{
	return vfio_must(__testdev_open());
}

int __testdev_create(int testdev, const char *name)
{
	return __testdev_create_with(testdev, name, 0);
}

int __testdev_create_with(int testdev, const char *name, __u32 flags)
{
	struct vfio_testdev_create args = {.flags = flags};
	int ret;

	name_into(args, name);
	ret = vfio_ioctl(testdev, VFIO_TESTDEV_CREATE, &args);
	return ret < 0 ? ret : args.group;
}

int __testdev_destroy(int testdev, const char *name)
{
	struct vfio_testdev_create args = {};

	name_into(args, name);
	return vfio_ioctl(testdev, VFIO_TESTDEV_DESTROY, &args);
}

int __testdev_pin(int testdev, const char *name, __u64 iova, __u32 npage,
		  __u32 prot)
{
	struct vfio_testdev_pin args = {
		.iova = iova,
		.npage = npage,
		.prot = prot,
	};

	name_into(args, name);
	return vfio_ioctl(testdev, VFIO_TESTDEV_PIN, &args);
}

int __testdev_unpin(int testdev, const char *name, __u64 iova, __u32 npage)
{
	struct vfio_testdev_pin args = {.iova = iova, .npage = npage};

	name_into(args, name);
	return vfio_ioctl(testdev, VFIO_TESTDEV_UNPIN, &args);
}

int __testdev_rw(int testdev, const char *name, __u64 iova, void *data,
		 __u64 len, __u32 flags)
{
	struct vfio_testdev_rw args = {
		.iova = iova,
		.data = (uintptr_t)data,
		.len = len,
		.flags = flags,
	};

	name_into(args, name);
	return vfio_ioctl(testdev, VFIO_TESTDEV_DMA_RW, &args);
}

struct vfio_testdev_stats testdev_stats(int testdev, const char *name)
{
	struct vfio_testdev_stats stats = {};

	name_into(stats, name);
	vfio_must(vfio_ioctl(testdev, VFIO_TESTDEV_STATS, &stats));
	return stats;
}

int __testdev_external_get(int testdev, int fd, struct vfio_testdev_external *e)
{
	*e = (struct vfio_testdev_external){.fd = fd};
	return vfio_ioctl(testdev, VFIO_TESTDEV_EXTERNAL_GET, e);
}

int __testdev_external_once(int testdev, int fd,
			    struct vfio_testdev_external *e)
{
	*e = (struct vfio_testdev_external){
		.fd = fd,
		.flags = VFIO_TESTDEV_EXTERNAL_ONCE,
	};
	return vfio_ioctl(testdev, VFIO_TESTDEV_EXTERNAL_GET, e);
}

int __testdev_external_find(int testdev, int fd,
			    struct vfio_testdev_external *e)
{
	*e = (struct vfio_testdev_external){.fd = fd};
	return vfio_ioctl(testdev, VFIO_TESTDEV_EXTERNAL_FIND, e);
}

int __testdev_external_put(int testdev, __u32 slot)
{
	struct vfio_testdev_external args = {.slot = slot};

	return vfio_ioctl(testdev, VFIO_TESTDEV_EXTERNAL_PUT, &args);
}

int __testdev_file(int testdev, int fd, const char *name, __u32 *flags)
{
	struct vfio_testdev_file args = {.fd = fd};
	int ret;

	if (name)
		name_into(args, name);
	ret = vfio_ioctl(testdev, VFIO_TESTDEV_FILE, &args);
	*flags = args.flags;
	return ret;
}

const char *testdev_backend(int testdev, __u32 attach_ms, bool refuses)
{
	static struct vfio_testdev_backend args;

	args.attach_ms = attach_ms;
	args.refuses = refuses;
	vfio_must(vfio_ioctl(testdev, VFIO_TESTDEV_BACKEND, &args));
	return args.notes;
}

int __testdev_container_id(int testdev, __u32 next)
{
	struct vfio_testdev_container_id args = {.next = next};

	return vfio_ioctl(testdev, VFIO_TESTDEV_CONTAINER_ID, &args);
}
