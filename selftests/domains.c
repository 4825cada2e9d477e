// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two domains in one container: groups behind IOMMUs that share no page table.
 *
 * The IOMMUs are those of vfio_testiommu.ko: devices 0 and 1 behind the first, 2
 * and 3 behind the second, which refuses what the first has. What a device sees
 * is asked of its file "dma", page by page.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define DEVICES	   4
#define PARAMETERS "/sys/module/vfio_testiommu/parameters/"
#define UNSAFE	   "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define IOVA	   0x10000000ULL
#define TAG	   0x5ca1ab1e00000000ULL

/* One of each unit. */
#define FIRST	   0
#define FIRST_TOO  1
#define SECOND	   2
#define SECOND_TOO 3

/* Of the units, see module/testdev/iommu.c. */
#define FIRST_LAST     ((1ULL << 48) - 1)
#define SECOND_LAST    ((1ULL << 39) - 1)
#define RESERVED_START 0x200000000ULL
#define MSI_START      0x8000000ULL

static void parameter_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	if (len < 0)
		vfio_die("%s: %m", path);
	text[len] = '\0';
	close(fd);
}

/* Pages that the units still map; -1: as many as they are asked to. */
static void room(int first, int second)
{
	char text[32];

	snprintf(text, sizeof(text), "%d,%d", first, second);
	vfio_must(__vfio_write_file(PARAMETERS "room", text));
}

static int domains(void)
{
	char text[32];

	parameter_read(PARAMETERS "domains", text, sizeof(text));
	return atoi(text);
}

/* Pages that a unit translates. */
static int translated(int unit)
{
	int pages[2] = {-1, -1};
	char text[32];

	parameter_read(PARAMETERS "pages", text, sizeof(text));
	if (sscanf(text, "%d,%d", &pages[0], &pages[1]) != 2)
		vfio_die("pages: %s", text);
	return pages[unit];
}

FIXTURE(domains)
{
	int container;
	int group[DEVICES];
	int dma[DEVICES];
	char unsafe[8];
	long pinned;
	bool there;
};

/* The group joins the container; 0 or a negative errno. */
static int __join(FIXTURE_DATA(domains) * self, int device)
{
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "vfio_testiommu.%d", device);
	self->group[device] =
		vfio_must(vfio_group_open_wait(vfio_group_number(name), 2000));
	ret = __vfio_group_set_container(self->group[device], self->container);
	if (ret)
		vfio_close(&self->group[device]);
	return ret;
}

static void leave(FIXTURE_DATA(domains) * self, int device)
{
	vfio_must(
		vfio_ioctl(self->group[device], VFIO_GROUP_UNSET_CONTAINER, 0));
	vfio_close(&self->group[device]);
}

#define join(device) vfio_must(__join(self, device))

/* The first group, and with it the backend. */
static void begin(FIXTURE_DATA(domains) * self, int device)
{
	join(device);
	vfio_must(vfio_ioctl(self->container, VFIO_SET_IOMMU,
			     VFIO_TYPE1v2_IOMMU));
}

FIXTURE_SETUP(domains)
{
	char path[96];

	/* EBUSY where a kernel has an IOMMU, and room for one kind of it. */
	self->there = !system("modprobe vfio_testiommu 2>/run/testiommu");
	if (!self->there && system("grep -q 'resource busy' /run/testiommu"))
		vfio_die("vfio_testiommu cannot be loaded");
	if (!self->there)
		SKIP(return, "this kernel has one kind of IOMMU at a time; job "
			     "uapi-6.1-alone has these alone");
	parameter_read(UNSAFE, self->unsafe, sizeof(self->unsafe));
	vfio_must(__vfio_write_file(UNSAFE, "Y"));
	room(-1, -1);
	for (int i = 0; i < DEVICES; i++) {
		self->group[i] = -1;
		snprintf(path, sizeof(path),
			 "/sys/bus/platform/devices/vfio_testiommu.%d/dma", i);
		self->dma[i] = open(path, O_RDWR | O_CLOEXEC);
		ASSERT_GE(self->dma[i], 0);
	}
	self->container = vfio_container_open();
	self->pinned = pinned_pages();
}

FIXTURE_TEARDOWN(domains)
{
	if (!self->there)
		return;
	for (int i = 0; i < DEVICES; i++) {
		vfio_close(&self->group[i]);
		vfio_close(&self->dma[i]);
	}
	vfio_close(&self->container);
	EXPECT_TRUE(pinned_settles(self->pinned));
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(0, domains());
	EXPECT_EQ(0, translated(0));
	EXPECT_EQ(0, translated(1));
	vfio_must(__vfio_write_file(UNSAFE, self->unsafe));
}

/* What tells one page from another. */
static void stamp(char *mem, int pages, int from)
{
	for (int i = 0; i < pages; i++)
		*(uint64_t *)(mem + i * SZ_4K) = TAG + from + i;
}

/*
 * Pages no two of which are neighbours in memory, as far as the allocator gives
 * them out in order: they are asked for from the last to the first, and shared
 * ones singly.
 */
static char *scattered(int pages, int from)
{
	char *mem = mmap(NULL, pages * SZ_4K, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		vfio_die("mmap of %d pages: %m", pages);
	for (int i = pages - 1; i >= 0; i--)
		*(uint64_t *)(mem + i * SZ_4K) = TAG + from + i;
	return mem;
}

/* What the device reads there; a negative errno instead. */
static int64_t dma_read(FIXTURE_DATA(domains) * self, int device, __u64 iova)
{
	uint64_t value;

	if (pread(self->dma[device], &value, sizeof(value), iova) < 0)
		return -errno;
	return value;
}

static int dma_write(FIXTURE_DATA(domains) * self, int device, __u64 iova,
		     uint64_t value)
{
	if (pwrite(self->dma[device], &value, sizeof(value), iova) < 0)
		return -errno;
	return 0;
}

/* Pages that the device sees as they were stamped. */
static int sees(FIXTURE_DATA(domains) * self, int device, __u64 iova, int pages,
		int from)
{
	int found = 0;

	for (int i = 0; i < pages; i++)
		found += dma_read(self, device, iova + i * SZ_4K) ==
			 (int64_t)(TAG + from + i);
	return found;
}

TEST_F(domains, a_map_reaches_both)
{
	char *mem = scattered(31, 0);

	begin(self, FIRST);
	join(SECOND);
	EXPECT_EQ(2, domains());
	vfio_map(self->container, mem, IOVA, 31 * SZ_4K);
	EXPECT_EQ(31, translated(0));
	EXPECT_EQ(31, translated(1));
	EXPECT_EQ(31, locked_pages(0));
	EXPECT_EQ(self->pinned + 31, pinned_pages());
	EXPECT_EQ(31, sees(self, FIRST, IOVA, 31, 0));
	EXPECT_EQ(31, sees(self, SECOND, IOVA, 31, 0));
	EXPECT_EQ(-EFAULT, dma_read(self, FIRST, IOVA + 31 * SZ_4K));
	EXPECT_EQ(-EFAULT, dma_read(self, SECOND, IOVA - SZ_4K));
	/* What one device writes, the other reads, and so does the process. */
	EXPECT_EQ(0, dma_write(self, SECOND, IOVA + 7 * SZ_4K, 4711));
	EXPECT_EQ(4711, dma_read(self, FIRST, IOVA + 7 * SZ_4K));
	EXPECT_EQ(4711, *(uint64_t *)(mem + 7 * SZ_4K));

	EXPECT_EQ(31 * SZ_4K, vfio_unmap(self->container, IOVA, 31 * SZ_4K));
	EXPECT_EQ(-EFAULT, dma_read(self, FIRST, IOVA));
	EXPECT_EQ(-EFAULT, dma_read(self, SECOND, IOVA));
	EXPECT_EQ(0, translated(0));
	EXPECT_EQ(0, translated(1));
	EXPECT_EQ(self->pinned, pinned_pages());
}

TEST_F(domains, groups_of_one_unit_share)
{
	begin(self, FIRST);
	join(FIRST_TOO);
	EXPECT_EQ(1, domains());
	join(SECOND);
	join(SECOND_TOO);
	EXPECT_EQ(2, domains());
	leave(self, FIRST);
	leave(self, SECOND);
	EXPECT_EQ(2, domains());
	leave(self, FIRST_TOO);
	EXPECT_EQ(1, domains());
	join(FIRST);
	EXPECT_EQ(2, domains());
}

TEST_F(domains, without_isolated_interrupts)
{
	vfio_must(__vfio_write_file(UNSAFE, "N"));
	join(FIRST);
	EXPECT_EQ(-EPERM, vfio_ioctl(self->container, VFIO_SET_IOMMU,
				     VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, domains());
}

TEST_F(domains, a_late_group_gets_what_is_there)
{
	char *many = scattered(601, 0), *huge;

	/* As huge pages, wherever that can be had. */
	huge = vfio_memory_aligned(2 * SZ_2M, SZ_2M);
	madvise(huge, 2 * SZ_2M, MADV_HUGEPAGE);
	stamp(huge, 1024, 1000);
	begin(self, FIRST);
	vfio_map(self->container, many, IOVA, 601 * SZ_4K);
	vfio_map(self->container, huge, 4 * IOVA, 2 * SZ_2M);
	ASSERT_EQ(0, __vfio_map(self->container, many, 8 * IOVA, 3 * SZ_4K,
				VFIO_DMA_MAP_FLAG_READ));
	join(SECOND);
	EXPECT_EQ(2, domains());
	/* The pages are pinned and charged as before, not once more. */
	EXPECT_EQ(601 + 1024 + 3, locked_pages(0));
	EXPECT_EQ(self->pinned + 601 + 1024 + 3, pinned_pages());
	EXPECT_EQ(601 + 1024 + 3, translated(1));
	EXPECT_EQ(601, sees(self, SECOND, IOVA, 601, 0));
	EXPECT_EQ(1024, sees(self, SECOND, 4 * IOVA, 1024, 1000));
	EXPECT_EQ(3, sees(self, SECOND, 8 * IOVA, 3, 0));
	EXPECT_EQ(0, dma_write(self, SECOND, IOVA, 4711));
	EXPECT_EQ(-EFAULT, dma_write(self, SECOND, 8 * IOVA, 4711));
	EXPECT_EQ((601 + 1024 + 3) * SZ_4K, vfio_unmap_all(self->container));
	EXPECT_EQ(0, translated(0) + translated(1));
}

TEST_F(domains, the_older_goes)
{
	char *mem = scattered(601, 0);

	begin(self, FIRST);
	vfio_map(self->container, mem, IOVA, 601 * SZ_4K);
	join(SECOND);
	leave(self, FIRST);
	EXPECT_EQ(1, domains());
	EXPECT_EQ(0, translated(0));
	EXPECT_EQ(-EFAULT, dma_read(self, FIRST, IOVA));
	EXPECT_EQ(601, locked_pages(0));
	EXPECT_EQ(601, sees(self, SECOND, IOVA, 601, 0));
	/* And comes back, while the other stays. */
	join(FIRST);
	EXPECT_EQ(601, sees(self, FIRST, IOVA, 601, 0));
	EXPECT_EQ(601 * SZ_4K, vfio_unmap_all(self->container));
	EXPECT_EQ(self->pinned, pinned_pages());
}

TEST_F(domains, the_last_takes_all_along)
{
	char *mem = scattered(31, 0);

	begin(self, FIRST);
	join(SECOND);
	vfio_map(self->container, mem, IOVA, 31 * SZ_4K);
	leave(self, SECOND);
	EXPECT_EQ(31, sees(self, FIRST, IOVA, 31, 0));
	leave(self, FIRST);
	EXPECT_EQ(0, domains());
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(self->pinned, pinned_pages());
}

TEST_F(domains, a_late_group_that_fails)
{
	char *mem = scattered(601, 0);

	begin(self, FIRST);
	for (int i = 0; i < 3; i++)
		vfio_map(self->container, mem + i * 200 * SZ_4K,
			 IOVA + i * SZ_2M, 200 * SZ_4K);
	/* In the first mapping, between two, and in the last page of all. */
	for (int i = 0; i < 3; i++) {
		room(-1, (const int[]){131, 200, 599}[i]);
		EXPECT_EQ(-ENOMEM, __join(self, SECOND));
		EXPECT_EQ(1, domains());
		EXPECT_EQ(0, translated(1));
		EXPECT_EQ(600, translated(0));
		EXPECT_EQ(600, locked_pages(0));
		EXPECT_EQ(self->pinned + 600, pinned_pages());
	}
	EXPECT_EQ(200, sees(self, FIRST, IOVA + SZ_2M, 200, 200));
	room(-1, -1);
	join(SECOND);
	EXPECT_EQ(200, sees(self, SECOND, IOVA + 2 * SZ_2M, 200, 400));
}

/* Whichever of the domains refuses, and when, the map leaves nothing. */
TEST_F(domains, a_map_that_one_refuses)
{
	static const int after[] = {0, 1, 511, 512, 1500, 1999};
	char *mem = scattered(2000, 0);
	long avail;

	begin(self, FIRST);
	join(SECOND);
	avail = vfio_dma_avail(self->container);
	for (size_t i = 0; i < 2 * sizeof(after) / sizeof(*after); i++) {
		int n = after[i / 2];

		room(i % 2 ? -1 : n, i % 2 ? n : -1);
		EXPECT_EQ(-ENOMEM, __vfio_map(self->container, mem, IOVA,
					      2000 * SZ_4K, VFIO_RW));
		EXPECT_EQ(0, translated(0));
		EXPECT_EQ(0, translated(1));
		EXPECT_EQ(0, locked_pages(0));
		EXPECT_EQ(self->pinned, pinned_pages());
		EXPECT_EQ(avail, vfio_dma_avail(self->container));
	}
	room(2000, 2000);
	vfio_map(self->container, mem, IOVA, 2000 * SZ_4K);
	EXPECT_EQ(2000, sees(self, FIRST, IOVA, 2000, 0));
	EXPECT_EQ(2000, sees(self, SECOND, IOVA, 2000, 0));
}

TEST_F(domains, coherent_if_both_are)
{
	begin(self, FIRST);
	EXPECT_EQ(1, vfio_ioctl(self->container, VFIO_CHECK_EXTENSION,
				VFIO_DMA_CC_IOMMU));
	join(SECOND);
	EXPECT_EQ(0, vfio_ioctl(self->container, VFIO_CHECK_EXTENSION,
				VFIO_DMA_CC_IOMMU));
	leave(self, SECOND);
	EXPECT_EQ(1, vfio_ioctl(self->container, VFIO_CHECK_EXTENSION,
				VFIO_DMA_CC_IOMMU));
}

/* The usable ranges, at most @max; how many there are. */
static int usable(int container, struct vfio_iova_range *ranges, int max)
{
	struct vfio_iommu_type1_info *info = vfio_iommu_info(container);
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		(void *)vfio_iommu_cap(info,
				       VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	int n = 0;

	for (; cap && n < (int)cap->nr_iovas && n < max; n++)
		ranges[n] = cap->iova_ranges[n];
	free(info);
	return n;
}

TEST_F(domains, what_may_be_mapped_is_what_both_take)
{
	struct vfio_iova_range r[8] = {};
	char *mem = scattered(1, 0);

	begin(self, FIRST);
	ASSERT_EQ(1, usable(self->container, r, 8));
	EXPECT_EQ(0, r[0].start);
	EXPECT_EQ(FIRST_LAST, r[0].end);
	vfio_map(self->container, mem, RESERVED_START, SZ_4K);
	vfio_unmap(self->container, RESERVED_START, SZ_4K);

	join(SECOND);
	ASSERT_EQ(3, usable(self->container, r, 8));
	EXPECT_EQ(0, r[0].start);
	EXPECT_EQ(MSI_START - 1, r[0].end);
	EXPECT_EQ(MSI_START + SZ_1M, r[1].start);
	EXPECT_EQ(RESERVED_START - 1, r[1].end);
	EXPECT_EQ(RESERVED_START + SZ_1M, r[2].start);
	EXPECT_EQ(SECOND_LAST, r[2].end);
	EXPECT_EQ(-EINVAL, __vfio_map(self->container, mem, RESERVED_START,
				      SZ_4K, VFIO_RW));
	EXPECT_EQ(-EINVAL,
		  __vfio_map(self->container, mem, MSI_START, SZ_4K, VFIO_RW));
	EXPECT_EQ(-EINVAL, __vfio_map(self->container, mem, SECOND_LAST + 1,
				      SZ_4K, VFIO_RW));
	EXPECT_EQ(0, translated(0) + translated(1));
	vfio_map(self->container, mem, SECOND_LAST + 1 - SZ_4K, SZ_4K);
	EXPECT_EQ(1, sees(self, SECOND, SECOND_LAST + 1 - SZ_4K, 1, 0));

	leave(self, SECOND);
	ASSERT_EQ(1, usable(self->container, r, 8));
	EXPECT_EQ(FIRST_LAST, r[0].end);
}

TEST_F(domains, a_late_group_that_cannot_take_what_is_there)
{
	static const __u64 where[] = {RESERVED_START, MSI_START,
				      SECOND_LAST + 1, FIRST_LAST + 1 - SZ_4K};
	struct vfio_iova_range r[8];
	char *mem = scattered(1, 0);

	begin(self, FIRST);
	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++) {
		vfio_map(self->container, mem, where[i], SZ_4K);
		EXPECT_EQ(-EINVAL, __join(self, SECOND));
		EXPECT_EQ(1, domains());
		EXPECT_EQ(1, usable(self->container, r, 8));
		EXPECT_EQ(1, sees(self, FIRST, where[i], 1, 0));
		EXPECT_EQ(SZ_4K, vfio_unmap(self->container, where[i], SZ_4K));
	}
	join(SECOND);
}

TEST_F(domains, all_is_dirty)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {.argsz = sizeof(arg)};
	__u64 bits[2] = {};
	struct {
		struct vfio_iommu_type1_dma_unmap head;
		struct vfio_bitmap bitmap;
	} unmap = {
		.head = {.argsz = sizeof(unmap),
			 .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			 .iova = IOVA,
			 .size = 31 * SZ_4K},
		.bitmap = {.pgsize = SZ_4K, .size = 8, .data = bits},
	};

	begin(self, FIRST);
	join(SECOND);
	vfio_map(self->container, scattered(31, 0), IOVA, 31 * SZ_4K);
	arg.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START;
	ASSERT_EQ(0, vfio_ioctl(self->container, VFIO_IOMMU_DIRTY_PAGES, &arg));
	leave(self, FIRST);
	ASSERT_EQ(0, vfio_ioctl(self->container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	EXPECT_EQ((1ULL << 31) - 1, bits[0]);
	EXPECT_EQ(0, bits[1]);
	EXPECT_EQ(0, translated(0) + translated(1));
}

/* A device that pins what it wants, and then those that want everything. */
TEST_F(domains, after_an_emulated_device)
{
	static const char name[] = "domains-emulated";
	int testdev = testdev_open(), group, device;
	char *mem = scattered(31, 0);

	group = vfio_group_open(vfio_must(__testdev_create(testdev, name)));
	vfio_must(__vfio_group_set_container(group, self->container));
	vfio_must(vfio_ioctl(self->container, VFIO_SET_IOMMU,
			     VFIO_TYPE1v2_IOMMU));
	device = vfio_must(__vfio_device_open(group, name));
	vfio_map(self->container, mem, IOVA, 31 * SZ_4K);
	ASSERT_EQ(5, __testdev_pin(testdev, name, IOVA + 3 * SZ_4K, 5, 3));
	EXPECT_EQ(5, locked_pages(0));

	/* The first domain has to pin, and may fail; the second copies. */
	room(30, -1);
	EXPECT_EQ(-ENOMEM, __join(self, FIRST));
	EXPECT_EQ(5, locked_pages(0));
	EXPECT_EQ(self->pinned + 5, pinned_pages());
	room(-1, 17);
	join(FIRST);
	EXPECT_EQ(31, locked_pages(0));
	EXPECT_EQ(self->pinned + 31 + 5, pinned_pages());
	EXPECT_EQ(-ENOMEM, __join(self, SECOND));
	room(-1, -1);
	join(SECOND);
	EXPECT_EQ(31, sees(self, FIRST, IOVA, 31, 0));
	EXPECT_EQ(31, sees(self, SECOND, IOVA, 31, 0));
	EXPECT_EQ(31, locked_pages(0));

	/* Mappings are promises again when both are gone. */
	leave(self, FIRST);
	leave(self, SECOND);
	EXPECT_EQ(5, locked_pages(0));
	EXPECT_EQ(self->pinned + 5, pinned_pages());
	EXPECT_EQ(0, __testdev_unpin(testdev, name, IOVA + 3 * SZ_4K, 5));
	EXPECT_EQ(31 * SZ_4K, vfio_unmap_all(self->container));
	close(device);
	close(group);
	EXPECT_EQ(0, __testdev_destroy(testdev, name));
	close(testdev);
}

/* A kernel that has two kinds of IOMMU: the machine's own beside ours. */
TEST_F(domains, beside_another_kind)
{
	char *mem = scattered(601, 0);
	int number = __vfio_group_number(EDU_BDF), group;

	if (number < 0)
		SKIP(return, "no other IOMMU in this machine");
	group = vfio_must(vfio_group_open_wait(number, 2000));
	vfio_must(__vfio_group_set_container(group, self->container));
	vfio_must(vfio_ioctl(self->container, VFIO_SET_IOMMU,
			     VFIO_TYPE1v2_IOMMU));
	/* Where every machine's own has room, and nothing reserved. */
	vfio_map(self->container, mem, IOVA, 601 * SZ_4K);
	join(FIRST);
	EXPECT_EQ(601, locked_pages(0));
	EXPECT_EQ(601, sees(self, FIRST, IOVA, 601, 0));
	vfio_map(self->container, mem, 2 * IOVA, 31 * SZ_4K);
	EXPECT_EQ(31, sees(self, FIRST, 2 * IOVA, 31, 0));
	vfio_must(vfio_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, 0));
	close(group);
	EXPECT_EQ(601, sees(self, FIRST, IOVA, 601, 0));
	EXPECT_EQ(632 * SZ_4K, vfio_unmap_all(self->container));
	EXPECT_EQ(self->pinned, pinned_pages());
}

/* Groups that come and go, mappings that come and go, in any order. */
TEST_F(domains, any_order)
{
	bool in[DEVICES] = {true}, mapped[7] = {};
	char *mem = scattered(7 * 23, 0);
	unsigned int seed = 4711;
	int members = 1;

	begin(self, FIRST);
	for (int step = 0; step < 401; step++) {
		int device = rand_r(&seed) % DEVICES;
		int slot = rand_r(&seed) % 7, pages = 0;
		__u64 iova = IOVA + slot * SZ_2M;

		if (rand_r(&seed) % 2) {
			if (mapped[slot]) {
				EXPECT_EQ(23 * SZ_4K,
					  vfio_unmap(self->container, iova,
						     23 * SZ_4K));
			} else {
				vfio_map(self->container,
					 mem + slot * 23 * SZ_4K, iova,
					 23 * SZ_4K);
			}
			mapped[slot] = !mapped[slot];
		} else if (!in[device]) {
			join(device);
			in[device] = true;
			members++;
		} else if (members > 1) {
			leave(self, device);
			in[device] = false;
			members--;
		}
		for (int i = 0; i < 7; i++)
			pages += mapped[i] ? 23 : 0;
		ASSERT_EQ(pages, locked_pages(0));
		ASSERT_EQ(in[0] || in[1] ? pages : 0, translated(0));
		ASSERT_EQ(in[2] || in[3] ? pages : 0, translated(1));
		ASSERT_EQ(in[device] && mapped[slot] ? 23 : 0,
			  sees(self, device, iova, 23, slot * 23));
	}
}

struct churner {
	int container;
	char *mem;
	atomic_bool stop;
	int maps;
	int failed;
};

static void *churn(void *data)
{
	struct churner *c = data;

	while (!c->stop) {
		if (__vfio_map(c->container, c->mem, IOVA, 601 * SZ_4K,
			       VFIO_RW) ||
		    __vfio_unmap(c->container, IOVA, 601 * SZ_4K, 0, NULL))
			c->failed++;
		c->maps++;
	}
	return NULL;
}

/* Groups that come and go while another thread maps and unmaps. */
TEST_F(domains, under_load)
{
	struct churner c = {.container = self->container,
			    .mem = scattered(601, 0)};
	char *still = scattered(31, 1000);
	pthread_t thread;

	begin(self, FIRST);
	vfio_map(self->container, still, 2 * IOVA, 31 * SZ_4K);
	ASSERT_EQ(0, pthread_create(&thread, NULL, churn, &c));
	for (int i = 0; i < 101; i++) {
		join(SECOND);
		ASSERT_EQ(31, sees(self, SECOND, 2 * IOVA, 31, 1000));
		leave(self, FIRST);
		join(FIRST);
		ASSERT_EQ(31, sees(self, FIRST, 2 * IOVA, 31, 1000));
		leave(self, SECOND);
	}
	c.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, c.failed);
	EXPECT_LT(0, c.maps);
	EXPECT_EQ(31, locked_pages(0));
	EXPECT_EQ(31, translated(0));
	EXPECT_EQ(0, translated(1));
}

TEST_HARNESS_MAIN
