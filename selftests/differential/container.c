// SPDX-License-Identifier: GPL-2.0-only
/* A container that has no IOMMU yet, and choosing one. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "differential/diff.h"

static void extensions(struct env *env)
{
	for (int i = 0; i < 14; i++) {
		char what[32];

		snprintf(what, sizeof(what), "extension %d", i);
		begin(env, "CHECK_EXTENSION", what);
		end(env,
		    vfio_ioctl(env->space.container, VFIO_CHECK_EXTENSION, i),
		    ANY);
	}
	begin(env, "CHECK_EXTENSION", "a number nobody knows");
	end(env, vfio_ioctl(env->space.container, VFIO_CHECK_EXTENSION, -1UL),
	    0);
}

static void without_iommu(struct env *env)
{
	static const struct {
		const char *call;
		unsigned long cmd;
		unsigned long arg;
		long want;
	} rows[] = {
		{"SET_IOMMU", VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU, -EINVAL},
		{"SET_IOMMU", VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU, -EINVAL},
		{"IOMMU_GET_INFO", VFIO_IOMMU_GET_INFO, 0, -EINVAL},
		{"MAP_DMA", VFIO_IOMMU_MAP_DMA, 0, -EINVAL},
		{"UNMAP_DMA", VFIO_IOMMU_UNMAP_DMA, 0, -EINVAL},
		{"DIRTY_PAGES", VFIO_IOMMU_DIRTY_PAGES, 0, -EINVAL},
		{"GROUP_GET_STATUS", VFIO_GROUP_GET_STATUS, 0, -EINVAL},
		{"DEVICE_RESET", VFIO_DEVICE_RESET, 0, -EINVAL},
		{"unknown ioctl", 0x3bff, 0, -EINVAL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char what[48];

		snprintf(what, sizeof(what), "no group, argument %lu",
			 rows[i].arg);
		begin(env, rows[i].call, what);
		end(env,
		    vfio_ioctl(env->space.container, rows[i].cmd, rows[i].arg),
		    rows[i].want);
	}
}

static void set_iommu(struct env *env)
{
	static const struct {
		unsigned long type;
		const char *mistake;
		long want;
	} rows[] = {
		{0, "type 0", -ENODEV},
		{VFIO_SPAPR_TCE_IOMMU, "another machine's type", -ENODEV},
		{VFIO_NOIOMMU_IOMMU, "no-IOMMU", -ENODEV},
		{VFIO_DMA_CC_IOMMU, "an extension that is no type", -ENODEV},
		{VFIO_UNMAP_ALL, "UNMAP_ALL, an extension of type1", -EINVAL},
		{VFIO_UPDATE_VADDR, "UPDATE_VADDR as a type", ANY},
		{4711, "a number nobody knows", -ENODEV},
		{-1UL, "-1", -ENODEV},
		{VFIO_TYPE1_IOMMU, "good", 0},
		{VFIO_TYPE1v2_IOMMU, "another when one is set", -EINVAL},
		{0, "type 0 when one is set", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(env, "SET_IOMMU", rows[i].mistake);
		end(env,
		    vfio_ioctl(env->space.container, VFIO_SET_IOMMU,
			       rows[i].type),
		    rows[i].want);
	}
}

/* Whether there is a second stage is the IOMMU's to say; a container that was
 * refused it may have something else.
 */
static void nesting(struct env *env)
{
	int fd = env->space.container;

	begin(env, "SET_IOMMU", "nesting");
	end(env, vfio_ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1_NESTING_IOMMU), ANY);
	begin(env, "MAP_DMA", "nesting was asked for");
	end(env, __vfio_map(fd, env->mem, 0, SZ_4K, VFIO_RW), ANY);
	begin(env, "SET_IOMMU", "type1v2 after nesting");
	end(env, vfio_ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), ANY);
	begin(env, "MAP_DMA", "after both");
	end(env, __vfio_map(fd, env->mem, SZ_2M, SZ_4K, VFIO_RW), 0);
}

void container_cases(struct env *env)
{
	env->section = "container";
	env->type = 0;
	env->space.container = vfio_container_open();
	begin(env, "GET_API_VERSION", "good");
	end(env, vfio_ioctl(env->space.container, VFIO_GET_API_VERSION, 0), 0);
	extensions(env);
	without_iommu(env);
	begin(env, "read", "not for reading");
	end(env, read(env->space.container, env->mem, 8) < 0 ? -errno : 0,
	    -EINVAL);
	begin(env, "write", "not for writing");
	end(env, write(env->space.container, env->mem, 8) < 0 ? -errno : 0,
	    -EINVAL);
	close(env->space.container);

	vfio_space_open(&env->space, EDU_BDF, 0);
	env->section = "container with a group";
	extensions(env);
	set_iommu(env);
	env->section = "container with an IOMMU";
	extensions(env);
	begin(env, "unknown ioctl", "the backend is asked");
	end(env, vfio_ioctl(env->space.container, 0x3bff, 0), -ENOTTY);
	vfio_space_close(&env->space);

	vfio_space_open(&env->space, EDU_BDF, 0);
	env->section = "nesting";
	nesting(env);
	vfio_space_close(&env->space);
	env->space.container = env->space.group = -1;
}
