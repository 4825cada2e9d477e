// SPDX-License-Identifier: GPL-2.0-only
/* A group: opening, status, containers of the wrong kind, device names. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "differential/diff.h"
#include "lib/proc.h"

static int open_as_nobody(void *number)
{
	int fd;

	if (setgid(65534) || setuid(65534))
		return 255;
	fd = __vfio_group_open(*(int *)number);
	return fd < 0 ? -fd : 0;
}

static int open_container_as_nobody(void *unused)
{
	int fd;

	if (setgid(65534) || setuid(65534))
		return 255;
	fd = __vfio_container_open();
	return fd < 0 ? -fd : 0;
}

static void opening(struct env *env)
{
	begin(env, "open", "a second time");
	end_fd(env, __vfio_group_open(env->space.number), -EBUSY);
	begin(env, "open", "a group that does not exist");
	end_fd(env, __vfio_group_open(999999), -ENOENT);
	begin(env, "open", "no privilege");
	end(env, -run_child(open_as_nobody, &env->space.number), -EACCES);
	begin(env, "open container", "no privilege is needed");
	end(env, -run_child(open_container_as_nobody, NULL), 0);
	begin(env, "read", "not for reading");
	end(env, read(env->space.group, env->mem, 8) < 0 ? -errno : 0, -EINVAL);
}

static void status(struct env *env, const char *when, __u32 flags)
{
	static const struct {
		const char *mistake;
		__u32 argsz;
		long want;
	} rows[] = {
		{"argsz 0", 0, -EINVAL},
		{"argsz one short", sizeof(struct vfio_group_status) - 1,
		 -EINVAL},
		{"argsz exact", sizeof(struct vfio_group_status), 0},
		{"argsz large", 4096, 0},
		{"argsz all ones", -1U, 0},
	};
	char what[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct vfio_group_status arg = {.argsz = rows[i].argsz,
						.flags = 0xff};
		long ret;

		snprintf(what, sizeof(what), "%s, %s", rows[i].mistake, when);
		begin(env, "GET_STATUS", what);
		ret = vfio_ioctl(env->space.group, VFIO_GROUP_GET_STATUS, &arg);
		end_values(env, ret,
			   rows[i].want || arg.flags == flags ? rows[i].want
							      : -EPROTO,
			   "argsz=%u flags=0x%x", arg.argsz, arg.flags);
	}
	snprintf(what, sizeof(what), "bad pointer, %s", when);
	begin(env, "GET_STATUS", what);
	end(env, vfio_ioctl(env->space.group, VFIO_GROUP_GET_STATUS, 8),
	    -EFAULT);
}

static void set_container(struct env *env)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct {
		const char *mistake;
		int fd;
		long want;
	} rows[] = {
		{"fd -1", -1, -EBADF},
		{"fd not open", 999, -EBADF},
		{"fd of another device", null, ANY},
		{"fd of the group itself", env->space.group, ANY},
		{"good", env->space.container, 0},
		{"again", env->space.container, -EINVAL},
		{"a bad fd when one is set", -1, -EBADF},
		{"another device's fd when one is set", null, -EINVAL},
	};

	begin(env, "UNSET_CONTAINER", "none is set");
	end(env, vfio_ioctl(env->space.group, VFIO_GROUP_UNSET_CONTAINER, 0),
	    -EINVAL);
	begin(env, "SET_CONTAINER", "bad pointer");
	end(env, vfio_ioctl(env->space.group, VFIO_GROUP_SET_CONTAINER, 8),
	    -EFAULT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(env, "SET_CONTAINER", rows[i].mistake);
		end(env,
		    __vfio_group_set_container(env->space.group, rows[i].fd),
		    rows[i].want);
	}
	close(null);
}

static void devices(struct env *env, const char *when, long good)
{
	static char unending[2 * SZ_4K];
	const struct {
		const char *mistake;
		const char *name;
		long want;
	} rows[] = {
		{"bad pointer", (char *)8, -EFAULT},
		{"name without an end", unending, -EINVAL},
		{"empty name", "", -ENODEV},
		{"a device of another group", E1000E_BDF, -ENODEV},
		{"no such device", "0000:7f:1f.7", -ENODEV},
		{"name with more behind it", EDU_BDF "x", ANY},
		{"name with options", EDU_BDF " vf_token=4711", ANY},
		{"name without its domain", "00:10.0", -ENODEV},
		{"the device", EDU_BDF, good},
	};

	memset(unending, 'x', sizeof(unending));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char what[64] = "";

		strcat(strcat(strcat(what, rows[i].mistake), ", "), when);
		begin(env, "GET_DEVICE_FD", what);
		end_fd(env, __vfio_device_open(env->space.group, rows[i].name),
		       rows[i].want);
	}
}

static void unset(struct env *env)
{
	int device = vfio_must(__vfio_device_open(env->space.group, EDU_BDF));

	begin(env, "UNSET_CONTAINER", "a device is open");
	end(env, vfio_ioctl(env->space.group, VFIO_GROUP_UNSET_CONTAINER, 0),
	    -EBUSY);
	close(device);
	begin(env, "UNSET_CONTAINER", "good");
	end(env, vfio_ioctl(env->space.group, VFIO_GROUP_UNSET_CONTAINER, 0),
	    0);
}

void group_cases(struct env *env)
{
	static const struct {
		const char *call;
		unsigned long cmd;
	} strangers[] = {
		{"GET_API_VERSION", VFIO_GET_API_VERSION},
		{"SET_IOMMU", VFIO_SET_IOMMU},
		{"MAP_DMA", VFIO_IOMMU_MAP_DMA},
		{"DEVICE_GET_INFO", VFIO_DEVICE_GET_INFO},
		{"unknown ioctl", 0x3bff},
	};

	env->section = "group";
	env->type = 0;
	env->space.number = vfio_group_number(EDU_BDF);
	env->space.group = vfio_group_open(env->space.number);
	env->space.container = vfio_container_open();
	env->space.device = -1;
	opening(env);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		begin(env, strangers[i].call, "not a group's");
		end(env, vfio_ioctl(env->space.group, strangers[i].cmd, 0),
		    -ENOTTY);
	}
	status(env, "no container", VFIO_GROUP_FLAGS_VIABLE);
	devices(env, "no container", -EINVAL);
	set_container(env);
	status(env, "container set",
	       VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET);
	devices(env, "no IOMMU", -EINVAL);
	vfio_must(vfio_ioctl(env->space.container, VFIO_SET_IOMMU,
			     VFIO_TYPE1v2_IOMMU));
	devices(env, "IOMMU set", 0);
	unset(env);
	vfio_space_close(&env->space);
	env->space.container = env->space.group = -1;
}
