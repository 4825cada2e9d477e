// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_IOMMU_GET_INFO: sizes, what is written, the chain of capabilities. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differential/diff.h"

static void sizes(struct env *env)
{
	static const __u32 argszs[] = {0,  4,  8,  12,	15,   16, 19,
				       20, 23, 24, 100, 4096, -1U};

	for (size_t i = 0; i < sizeof(argszs) / sizeof(*argszs); i++) {
		/* As a whole, so that what is written past its end shows. */
		unsigned char buffer[SZ_4K];
		struct vfio_iommu_type1_info *info = (void *)buffer;
		char what[32];
		long ret;

		memset(buffer, 0xa5, sizeof(buffer));
		info->argsz = argszs[i];
		snprintf(what, sizeof(what), "argsz %u", argszs[i]);
		begin(env, "GET_INFO", what);
		ret = vfio_ioctl(env->space.container, VFIO_IOMMU_GET_INFO,
				 info);
		end_values(env, ret, argszs[i] < 16 ? -EINVAL : 0,
			   "argsz=%u flags=0x%x pgsizes=0x%llx bytes=0x%llx",
			   info->argsz, info->flags,
			   (unsigned long long)info->iova_pgsizes,
			   digest(buffer, sizeof(buffer)));
	}
}

static void chain(struct env *env, const char *when)
{
	struct vfio_iommu_type1_info *info;
	char text[512] = "";
	__u32 offset;

	begin(env, "GET_INFO", when);
	info = vfio_iommu_info(env->space.container);
	offset = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;
	while (offset) {
		struct vfio_info_cap_header *cap =
			(void *)((char *)info + offset);
		__u32 stop = cap->next ? cap->next : info->argsz;
		size_t used = strlen(text);

		if (stop > SZ_4K)
			stop = offset + sizeof(*cap);
		snprintf(text + used, sizeof(text) - used,
			 "cap%u.%u@%u=0x%llx ", cap->id, cap->version, offset,
			 digest(cap,
				(stop > offset ? stop - offset : 8) < 128
					? (stop > offset ? stop - offset : 8)
					: 128));
		offset = cap->next;
	}
	end_values(env, 0, 0, "%savail=%ld", text,
		   vfio_dma_avail(env->space.container));
	free(info);
}

void info_cases(struct env *env)
{
	begin(env, "GET_INFO", "bad pointer");
	end(env, vfio_ioctl(env->space.container, VFIO_IOMMU_GET_INFO, 8),
	    -EFAULT);
	sizes(env);
	chain(env, "capabilities, nothing mapped");
	vfio_map(env->space.container, env->mem, IOVA, PAGES(3));
	vfio_map(env->space.container, env->mem, 2 * IOVA, PAGES(3));
	chain(env, "capabilities, two mappings");
	vfio_unmap_all(env->space.container);
}
