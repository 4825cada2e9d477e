// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device without an IOMMU: what a pin and a dma_rw say. Ten pages at IOVA are
 * mapped for reading and writing, three behind them for reading.
 */
#include <string.h>
#include <unistd.h>

#include "differential/diff.h"
#include "lib/emulated.h"
#include "lib/proc.h"

#define NAME "diff-emulated"

static const struct {
	const char *what;
	long want;
	__u64 iova;
	__u32 npage, prot;
} pins[] = {
	{"no pages", -EINVAL, IOVA, 0, 3},
	{"one page", 1, IOVA, 1, 3},
	{"all pages", 10, IOVA, 10, 3},
	{"to read, both mappings", 13, IOVA, 13, 1},
	{"to write, both mappings", -EPERM, IOVA, 13, 2},
	{"to write what is for reading", -EPERM, IOVA + PAGES(10), 1, 2},
	{"more than is mapped", -EINVAL, IOVA, 14, 1},
	{"nothing mapped", -EINVAL, 3 * IOVA, 1, 1},
	{"unaligned", ANY, IOVA + 1, 1, 1},
	{"the most and one", -E2BIG, IOVA, 513, 1},
	{"no protection", ANY, IOVA, 1, 0},
	{"last page of the space", -EINVAL, -SZ_4K, 1, 1},
};

static void pin_table(struct env *env)
{
	for (size_t i = 0; i < sizeof(pins) / sizeof(*pins); i++) {
		long ret, want = pins[i].want;

		/* What the core itself says comes before the backend's EACCES. */
		if (!v2(env) && want != -E2BIG && pins[i].npage)
			want = -EACCES;
		begin(env, "pin_pages", pins[i].what);
		ret = __testdev_pin(env->testdev, NAME, pins[i].iova,
				    pins[i].npage, pins[i].prot);
		end_values(env, ret, want, "charged=%ld", locked_pages(0));
		if (ret > 0)
			vfio_must(__testdev_unpin(env->testdev, NAME,
						  pins[i].iova, ret));
	}
}

static const struct {
	const char *what;
	long want;
	__u64 iova, len;
	__u32 flags;
} rws[] = {
	{"read", 0, IOVA + 7, 4099, 0},
	{"write", 0, IOVA + 7, 4099, VFIO_TESTDEV_RW_WRITE},
	{"read, no mm", 0, IOVA, 11, VFIO_TESTDEV_RW_KTHREAD},
	{"write, no mm", 0, IOVA, 11,
	 VFIO_TESTDEV_RW_KTHREAD | VFIO_TESTDEV_RW_WRITE},
	{"read over two mappings", 0, IOVA + PAGES(10) - 3, 7, 0},
	{"write over two mappings", -EPERM, IOVA + PAGES(10) - 3, 7,
	 VFIO_TESTDEV_RW_WRITE},
	{"write what is for reading", -EPERM, IOVA + PAGES(10), 7,
	 VFIO_TESTDEV_RW_WRITE},
	{"nothing mapped", -EINVAL, 3 * IOVA, 7, 0},
	{"over the end", -EINVAL, IOVA + PAGES(13) - 3, 7, 0},
	{"last bytes of the space", -EINVAL, -4ULL, 4, 0},
};

static void rw_table(struct env *env)
{
	char data[8192];

	for (size_t i = 0; i < sizeof(rws) / sizeof(*rws); i++) {
		long ret;

		memset(data, i, sizeof(data));
		memset(env->mem, 0x40 + i, PAGES(13));
		begin(env, "dma_rw", rws[i].what);
		ret = __testdev_rw(env->testdev, NAME, rws[i].iova, data,
				   rws[i].len, rws[i].flags);
		end_values(env, ret, rws[i].want, "data=0x%llx memory=0x%llx",
			   digest(data, sizeof(data)),
			   digest(env->mem, PAGES(13)));
	}
}

static void unmaps(struct env *env)
{
	__u64 unmapped = 0;
	long ret;

	if (v2(env))
		vfio_must(__testdev_pin(env->testdev, NAME, IOVA + PAGES(3), 5,
					1));
	begin(env, "UNMAP_DMA", "vaddr, beside an emulated device");
	ret = __vfio_unmap(env->space.container, IOVA, PAGES(10),
			   VFIO_DMA_UNMAP_FLAG_VADDR, &unmapped);
	end(env, ret, ANY);
	begin(env, "CHECK_EXTENSION", "vaddr, beside an emulated device");
	end(env,
	    vfio_ioctl(env->space.container, VFIO_CHECK_EXTENSION,
		       VFIO_UPDATE_VADDR),
	    0);
	begin(env, "UNMAP_DMA", "what a device has pinned");
	ret = __vfio_unmap(env->space.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL,
			   &unmapped);
	end_values(env, ret, 0, "unmapped=0x%llx charged=%ld callbacks=%llu",
		   unmapped, locked_pages(0),
		   (unsigned long long)testdev_stats(env->testdev, NAME)
			   .unmap_calls);
}

void emulated_cases(struct env *env)
{
	struct env here = *env;

	if (env->testdev < 0)
		vfio_die("no vfio_testdev: half of the table would be missing");
	here.section = v2(env) ? "type1v2 emulated" : "type1 emulated";
	vfio_must(__testdev_create(env->testdev, NAME));
	vfio_space_open(&here.space, NAME, env->type);
	begin(&here, "pin_pages", "device closed");
	end(&here, __testdev_pin(env->testdev, NAME, IOVA, 1, 1), -ENODEV);
	vfio_space_open_device(&here.space);
	vfio_map(here.space.container, env->mem, IOVA, PAGES(10));
	vfio_must(__vfio_map(here.space.container, env->mem + PAGES(10),
			     IOVA + PAGES(10), PAGES(3),
			     VFIO_DMA_MAP_FLAG_READ));
	pin_table(&here);
	rw_table(&here);
	unmaps(&here);
	vfio_space_close(&here.space);
	vfio_must(__testdev_destroy(env->testdev, NAME));
}
