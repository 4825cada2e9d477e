// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA logging, and user space's bitmap of what was written.
 *
 * The device is the test module's; what it writes is said by ioctl and needs no
 * memory, so that a log may span what no machine has. Bits are compared with those
 * of a map kept here, in every page size, at the edges of bytes, pages and of what
 * the kernel works on at a time (512 pages of bitmap).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define NAME "logs-a"
#define IOVA 0x100000000ULL

#define GET    VFIO_DEVICE_FEATURE_GET
#define SET    VFIO_DEVICE_FEATURE_SET
#define PROBE  VFIO_DEVICE_FEATURE_PROBE
#define START  VFIO_DEVICE_FEATURE_DMA_LOGGING_START
#define STOP   VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP
#define REPORT VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT

typedef struct vfio_device_feature_dma_logging_range range_t;

FIXTURE(logging)
{
	struct vfio_space space;
	int testdev;
	int fd;
	long pinned;
};

FIXTURE_SETUP(logging)
{
	self->testdev = testdev_open();
	vfio_must(
		__testdev_create_with(self->testdev, NAME, VFIO_TESTDEV_LOGS));
	vfio_space_open(&self->space, NAME, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	self->fd = self->space.device;
	self->pinned = pinned_pages();
}

/* The bitmap's pages are pinned no longer than the call. */
FIXTURE_TEARDOWN(logging)
{
	EXPECT_TRUE(pinned_settles(self->pinned));
	vfio_space_close(&self->space);
	EXPECT_EQ(0, __testdev_destroy(self->testdev, NAME));
	close(self->testdev);
}

/* @page_size: what is asked for in, what the device took out. */
static int start(int fd, const range_t *ranges, __u32 n, __u64 *page_size)
{
	struct vfio_device_feature_dma_logging_control control = {
		.page_size = *page_size,
		.num_ranges = n,
		.ranges = (uintptr_t)ranges,
	};
	int ret = __vfio_feature(fd, SET | START, &control, sizeof(control));

	*page_size = control.page_size;
	return ret;
}

static int start_one(int fd, __u64 iova, __u64 length)
{
	range_t range = {.iova = iova, .length = length};
	__u64 page_size = SZ_4K;

	return start(fd, &range, 1, &page_size);
}

static int stop(int fd)
{
	return __vfio_feature(fd, SET | STOP, NULL, 0);
}

static int report(int fd, __u64 iova, __u64 length, __u64 page_size,
		  void *bitmap)
{
	struct vfio_device_feature_dma_logging_report arg = {
		.iova = iova,
		.length = length,
		.page_size = page_size,
		.bitmap = (uintptr_t)bitmap,
	};

	return __vfio_feature(fd, GET | REPORT, &arg, sizeof(arg));
}

static int __device_writes(int testdev, __u64 iova, __u64 length)
{
	struct vfio_testdev_log_write arg = {
		.name = NAME,
		.iova = iova,
		.length = length,
	};

	return vfio_ioctl(testdev, VFIO_TESTDEV_LOG_WRITE, &arg);
}

static void device_writes(int testdev, __u64 iova, __u64 length)
{
	vfio_must(__device_writes(testdev, iova, length));
}

static struct vfio_testdev_log_ranges logged(int testdev, __u32 limit)
{
	struct vfio_testdev_log_ranges arg = {.name = NAME, .limit = limit};

	vfio_must(vfio_ioctl(testdev, VFIO_TESTDEV_LOG_RANGES, &arg));
	return arg;
}

/* A kernel whose IOVA bitmap is iommufd's has none without iommufd. */
static bool has_bitmap(int fd)
{
	__u64 bits = 0;
	int ret;

	vfio_must(start_one(fd, IOVA, SZ_4K));
	ret = report(fd, IOVA, SZ_4K, SZ_4K, &bits);
	vfio_must(stop(fd));
	return ret != -EOPNOTSUPP;
}

#define NEEDS_BITMAP()                                                         \
	do {                                                                   \
		if (!has_bitmap(self->fd))                                     \
			SKIP(return, "this kernel's IOVA bitmap is iommufd's " \
				     "(EOPNOTSUPP)");                          \
	} while (0)

TEST_F(logging, starts_once_and_stops)
{
	__u64 bits;

	EXPECT_EQ(0, __vfio_feature(self->fd, PROBE | SET | START, NULL, 0));
	EXPECT_EQ(0, __vfio_feature(self->fd, PROBE | SET | STOP, NULL, 0));
	EXPECT_EQ(0, __vfio_feature(self->fd, PROBE | GET | REPORT, NULL, 0));
	EXPECT_EQ(-EINVAL,
		  __vfio_feature(self->fd, PROBE | GET | START, NULL, 0));
	EXPECT_EQ(-EINVAL, stop(self->fd));
	EXPECT_GT(0, report(self->fd, IOVA, SZ_4K, SZ_4K, &bits));
	EXPECT_EQ(0, start_one(self->fd, IOVA, 7 * SZ_4K));
	EXPECT_EQ(-EBUSY, start_one(self->fd, IOVA, 7 * SZ_4K));
	EXPECT_EQ(0, stop(self->fd));
	EXPECT_EQ(-EINVAL, stop(self->fd));
	EXPECT_EQ(0, start_one(self->fd, IOVA, 7 * SZ_4K));
	/* It ends with the last close. */
	vfio_close(&self->space.device);
	EXPECT_EQ(0, logged(self->testdev, 0).nranges);
	vfio_space_open_device(&self->space);
	EXPECT_EQ(-EINVAL, stop(self->space.device));
}

TEST_F(logging, asks_the_device_for_the_page_size)
{
	const struct {
		__u64 wanted, taken;
	} sizes[] = {{SZ_4K, SZ_4K}, {8 * SZ_4K, 8 * SZ_4K}, {SZ_1G, SZ_2M}};
	range_t range = {.iova = SZ_1G, .length = SZ_1G};

	for (int i = 0; i < 3; i++) {
		__u64 size = sizes[i].wanted;

		EXPECT_EQ(0, start(self->fd, &range, 1, &size));
		EXPECT_EQ(sizes[i].taken, size);
		EXPECT_EQ(0, stop(self->fd));
	}
}

TEST_F(logging, start_mistakes)
{
	const struct {
		const char *what;
		range_t ranges[2];
		__u32 n;
		int ret;
	} rows[] = {
		{"no range", {}, 0, -EINVAL},
		{"unaligned", {{IOVA + 512, SZ_4K}}, 1, -EINVAL},
		{"unaligned length", {{IOVA, SZ_4K + 512}}, 1, -EINVAL},
		{"overlap",
		 {{IOVA, 3 * SZ_4K}, {IOVA + 2 * SZ_4K, SZ_4K}},
		 2,
		 -EINVAL},
		{"twice", {{IOVA, SZ_4K}, {IOVA, SZ_4K}}, 2, -EINVAL},
		{"wraps", {{-SZ_4K, 2 * SZ_4K}}, 1, -EOVERFLOW},
	};
	__u64 size;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size = SZ_4K;
		EXPECT_EQ(rows[i].ret,
			  start(self->fd, rows[i].ranges, rows[i].n, &size))
		{
			TH_LOG("%s", rows[i].what);
		}
		EXPECT_EQ(0, logged(self->testdev, 0).nranges);
	}
	size = SZ_4K;
	EXPECT_EQ(-EFAULT, start(self->fd, (void *)8, 1, &size));
	EXPECT_EQ(-E2BIG, start(self->fd, NULL, ~0U, &size));
	EXPECT_EQ(-EINVAL, stop(self->fd));
}

/* Stock takes it for all that there is, or for nothing. */
TEST_F(logging, refuses_an_empty_range)
{
	__u64 bits = 0;

	if (!ours_loaded())
		SKIP(return, "stock does not look");
	EXPECT_EQ(-EINVAL, start_one(self->fd, IOVA, 0));
	EXPECT_EQ(-EINVAL, start_one(self->fd, 0, 0));
	ASSERT_EQ(0, start_one(self->fd, IOVA, SZ_4K));
	EXPECT_EQ(-EINVAL, report(self->fd, IOVA, 0, SZ_4K, &bits));
}

/* As many as fit in a page. */
TEST_F(logging, takes_256_ranges)
{
	const __u32 most = 256;
	range_t *ranges = calloc(most + 1, sizeof(*ranges));
	__u64 size = SZ_4K;
	int ret;

	for (__u32 i = 0; i <= most; i++)
		ranges[i] = (range_t){IOVA + 2 * i * SZ_4K, SZ_4K};
	EXPECT_EQ(-E2BIG, start(self->fd, ranges, most + 1, &size));
	ret = start(self->fd, ranges, most, &size);
	if (kernel_has("vfio_combine_iova_ranges")) {
		EXPECT_EQ(0, ret);
		EXPECT_EQ(VFIO_TESTDEV_LOG_MAX,
			  logged(self->testdev, 0).nranges);
	} else {
		/* The device has 32, and nobody merges them. */
		EXPECT_EQ(-E2BIG, ret);
	}
	free(ranges);
}

/* The smallest gap goes first, and what it was is logged as well. */
TEST_F(logging, merges_over_the_smallest_gaps)
{
	/* Gaps of 5, 2, 11, 3 and 7 pages, given out of order. */
	const range_t ranges[] = {
		{IOVA + 26 * SZ_4K, SZ_4K},    {IOVA, SZ_4K},
		{IOVA + 6 * SZ_4K, SZ_4K},     {IOVA + 34 * SZ_4K, SZ_4K},
		{IOVA + 9 * SZ_4K, 2 * SZ_4K}, {IOVA + 22 * SZ_4K, SZ_4K},
	};
	/* First and last page of what is left, by the limit. */
	const struct {
		int n;
		int pages[6][2];
	} wanted[] = {
		{1, {{0, 34}}},
		{2, {{0, 10}, {22, 34}}},
		{3, {{0, 10}, {22, 26}, {34, 34}}},
		{4, {{0, 0}, {6, 10}, {22, 26}, {34, 34}}},
		{5, {{0, 0}, {6, 10}, {22, 22}, {26, 26}, {34, 34}}},
		{6, {{0, 0}, {6, 6}, {9, 10}, {22, 22}, {26, 26}, {34, 34}}},
	};

	if (!kernel_has("vfio_combine_iova_ranges"))
		SKIP(return, "this kernel merges no ranges");
	for (int i = 0; i < 6; i++) {
		__u64 size = SZ_4K;
		struct vfio_testdev_log_ranges seen;

		logged(self->testdev, wanted[i].n);
		ASSERT_EQ(0, start(self->fd, ranges, 6, &size));
		seen = logged(self->testdev, 0);
		ASSERT_EQ(wanted[i].n, seen.nranges);
		for (int j = 0; j < wanted[i].n; j++) {
			EXPECT_EQ(IOVA + wanted[i].pages[j][0] * SZ_4K,
				  seen.ranges[j].iova);
			EXPECT_EQ(IOVA + (wanted[i].pages[j][1] + 1) * SZ_4K -
					  1,
				  seen.ranges[j].last);
		}
		ASSERT_EQ(0, stop(self->fd));
	}
}

TEST_F(logging, report_mistakes)
{
	const struct {
		__u64 iova, length, page_size;
		int ret;
	} rows[] = {
		{IOVA, SZ_4K, 0, -EINVAL},
		{IOVA, SZ_4K, 2048, -EINVAL},
		{IOVA, SZ_4K, 3 * SZ_4K, -EINVAL},
		{-SZ_4K, 2 * SZ_4K, SZ_4K, -EOVERFLOW},
	};
	__u64 bits = 0;

	ASSERT_EQ(0, start_one(self->fd, IOVA, SZ_4K));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		EXPECT_EQ(rows[i].ret,
			  report(self->fd, rows[i].iova, rows[i].length,
				 rows[i].page_size, &bits));
	EXPECT_EQ(0, bits);
}

/* Sets the bits of [@from, @from + @length) of a log that begins at @base. */
static void mark(__u8 *bits, __u64 base, __u64 page_size, __u64 from,
		 __u64 length)
{
	__u64 last = (from + length - 1 - base) / page_size;

	for (__u64 bit = (from - base) / page_size; bit <= last; bit++)
		bits[bit / 8] |= 1 << (bit % 8);
}

struct write {
	__u64 page; /* of the report's size, from its first */
	__u64 offset;
	__u64 pages; /* that it touches, fully but for the offset */
};

/*
 * Writes, reports, compares; @at is the bitmap's place in @room, which is larger
 * by what must not be touched. Bits that are set stay set.
 */
static void report_and_compare(FIXTURE_DATA(logging) * self,
			       struct __test_metadata *_metadata, __u64 length,
			       __u64 page_size, const struct write *writes,
			       int n, size_t at)
{
	size_t bytes = (length / page_size + 7) / 8, room = bytes + at + 64;
	__u8 *seen = vfio_memory(room, 0), *wanted = calloc(1, room);

	ASSERT_EQ(0, start_one(self->fd, IOVA, length));
	seen[0] = wanted[0] = 0x81;
	seen[at] |= 4;
	wanted[at] |= 4;
	for (int i = 0; i < n; i++) {
		__u64 iova =
			IOVA + writes[i].page * page_size + writes[i].offset;
		__u64 size = writes[i].pages * page_size - writes[i].offset;

		device_writes(self->testdev, iova, size);
		mark(wanted + at, IOVA, page_size, iova, size);
	}
	/* Not logged: before and behind. */
	device_writes(self->testdev, IOVA - 3, 3);
	device_writes(self->testdev, IOVA + length, 3);
	EXPECT_EQ(0, report(self->fd, IOVA, length, page_size, seen + at));
	EXPECT_EQ(0, memcmp(seen, wanted, room));

	/* It was told once. */
	memset(seen, 0, room);
	EXPECT_EQ(0, report(self->fd, IOVA, length, page_size, seen + at));
	memset(wanted, 0, room);
	EXPECT_EQ(0, memcmp(seen, wanted, room));
	ASSERT_EQ(0, stop(self->fd));
	munmap(seen, room);
	free(wanted);
}

TEST_F(logging, reports_in_every_page_size)
{
	const struct write writes[] = {
		{0, 0, 1},  {7, 3, 2},	 {63, 1, 1},
		{64, 0, 1}, {95, 5, 34}, {190, 0, 1},
	};

	NEEDS_BITMAP();
	for (__u64 size = SZ_4K; size <= SZ_1G; size *= 2)
		report_and_compare(self, _metadata, 191 * size, size, writes, 6,
				   8);
}

/* The bitmap's address may be any byte's. */
TEST_F(logging, reports_to_any_address)
{
	const struct write writes[] = {{0, 0, 1}, {5, 0, 9}, {100, 0, 1}};

	NEEDS_BITMAP();
	for (size_t at = 1; at < 24; at += 5)
		report_and_compare(self, _metadata, 101 * SZ_4K, SZ_4K, writes,
				   3, at);
	/* Its last byte begins a page. */
	report_and_compare(self, _metadata, 8 * 4096 * SZ_4K, SZ_4K, writes, 3,
			   1);
}

/* What the kernel holds at a time are 512 pages of bitmap: 64 GiB of 4 KiB pages. */
TEST_F(logging, reports_more_than_a_window)
{
	const __u64 window = 512ULL * 4096 * 8;
	const struct write writes[] = {
		{0, 0, 1},	    {window - 3, 0, 7},
		{window + 4, 0, 1}, {2 * window - 1, 0, 1},
		{2 * window, 0, 1}, {2 * window + 100, 7, 1},
	};

	NEEDS_BITMAP();
	report_and_compare(self, _metadata, (2 * window + 101) * SZ_4K, SZ_4K,
			   writes, 6, 8);
	report_and_compare(self, _metadata, (2 * window + 101) * SZ_4K, SZ_4K,
			   writes, 6, 4095);
}

TEST_F(logging, reports_a_part_and_keeps_the_rest)
{
	__u64 *bits = vfio_memory(2 * SZ_4K, 0);

	NEEDS_BITMAP();
	ASSERT_EQ(0, start_one(self->fd, IOVA, 64 * SZ_4K));
	device_writes(self->testdev, IOVA + 10 * SZ_4K, 20 * SZ_4K);
	ASSERT_EQ(0,
		  report(self->fd, IOVA + 15 * SZ_4K, 5 * SZ_4K, SZ_4K, bits));
	EXPECT_EQ(0x1f, *bits);
	*bits = 0;
	ASSERT_EQ(0, report(self->fd, IOVA, 64 * SZ_4K, SZ_4K, bits));
	EXPECT_EQ((((1ULL << 30) - 1) & ~((1ULL << 20) - 1)) |
			  (((1ULL << 15) - 1) & ~((1ULL << 10) - 1)),
		  *bits);
	munmap(bits, 2 * SZ_4K);
}

/* Its page alone is needed. */
TEST_F(logging, bitmap_before_a_hole)
{
	__u8 *mem = vfio_memory(2 * SZ_4K, 0);
	__u64 *bits = (__u64 *)(mem + SZ_4K) - 1;

	NEEDS_BITMAP();
	ASSERT_EQ(0, munmap(mem + SZ_4K, SZ_4K));
	ASSERT_EQ(0, start_one(self->fd, IOVA, 64 * SZ_4K));
	device_writes(self->testdev, IOVA + 10 * SZ_4K, 20 * SZ_4K);
	ASSERT_EQ(0, report(self->fd, IOVA, 64 * SZ_4K, SZ_4K, bits));
	EXPECT_EQ(((1ULL << 20) - 1) << 10, *bits);
	munmap(mem, SZ_4K);
}

TEST_F(logging, bitmap_that_is_not_there)
{
	const __u64 page = 4096ULL * 8 * SZ_4K;
	__u8 *mem = vfio_memory(2 * SZ_4K, 0);

	NEEDS_BITMAP();
	ASSERT_EQ(0, start_one(self->fd, IOVA, 2 * page));
	EXPECT_EQ(-EFAULT, report(self->fd, IOVA, page, SZ_4K, (void *)8));
	/* Its second page: the first one's bits may be there or not. */
	ASSERT_EQ(0, munmap(mem + SZ_4K, SZ_4K));
	EXPECT_EQ(-EFAULT, report(self->fd, IOVA, 2 * page, SZ_4K, mem));
	ASSERT_EQ(0, mprotect(mem, SZ_4K, PROT_READ));
	EXPECT_EQ(-EFAULT, report(self->fd, IOVA, page, SZ_4K, mem));
	munmap(mem, SZ_4K);
}

TEST(a_device_that_does_not_log)
{
	int testdev = testdev_open();
	struct vfio_space s;
	__u64 bits;

	vfio_must(__testdev_create(testdev, NAME));
	vfio_space_open(&s, NAME, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&s);
	EXPECT_EQ(-ENOTTY, start_one(s.device, IOVA, SZ_4K));
	EXPECT_EQ(-ENOTTY, stop(s.device));
	EXPECT_EQ(-ENOTTY, report(s.device, IOVA, SZ_4K, SZ_4K, &bits));
	vfio_space_close(&s);
	EXPECT_EQ(0, __testdev_destroy(testdev, NAME));
	close(testdev);
}

TEST_HARNESS_MAIN
