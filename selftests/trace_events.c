// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every tracepoint fires, as often as it should and with the right values, for
 * work whose figures are known. Read through a tracefs instance of its own, by
 * the text that TP_printk makes, which is what perf and trace-cmd parse too.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define INSTANCE   "/sys/kernel/tracing/instances/selftest"
#define RECORD_CMD "/sys/kernel/tracing/options/record-cmd"
#define IOVA	   0x10000000ULL

/* The text of all events of the instance since tracing began. */
struct events {
	char *text;
	size_t size;
};

static void write_file(const char *path, const char *text)
{
	int fd = vfio_must(open(path, O_WRONLY | O_TRUNC));

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		vfio_die("%s: %m", path);
	close(fd);
}

static void trace_begin(void)
{
	write_file(INSTANCE "/trace", "\n");
	write_file(INSTANCE "/events/vfio/enable", "1");
	write_file(INSTANCE "/events/vfio_type1/enable", "1");
}

static void trace_end(struct events *e)
{
	size_t room = 4 << 20;
	ssize_t n;
	int fd;

	write_file(INSTANCE "/events/enable", "0");
	free(e->text);
	e->text = malloc(room);
	e->size = 0;
	fd = vfio_must(open(INSTANCE "/trace", O_RDONLY));
	while ((n = read(fd, e->text + e->size, room - e->size - 1)) > 0)
		e->size += n;
	e->text[e->size] = '\0';
	close(fd);
}

/* The next line of @event after @from, from its first field on; or NULL. */
static const char *next(const struct events *e, const char *event,
			const char *from)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), ": %s: ", event);
	at = strstr(from ?: e->text, key);
	return at ? at + strlen(key) : NULL;
}

static int count(const struct events *e, const char *event)
{
	const char *at = NULL;
	int n = 0;

	while ((at = next(e, event, at)))
		n++;
	return n;
}

/* The value of "field=" in a line; the line ends the search. */
static const char *field(const char *line, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = line; at && *at && *at != '\n'; at++)
		if ((at == line || at[-1] == ' ') && !strncmp(at, name, len) &&
		    at[len] == '=')
			return at + len + 1;
	return NULL;
}

static long long number(const char *line, const char *name)
{
	const char *value = line ? field(line, name) : NULL;

	return value ? strtoll(value, NULL, 0) : -99999;
}

static bool word(const char *line, const char *name, const char *wanted)
{
	const char *value = line ? field(line, name) : NULL;

	return value && !strncmp(value, wanted, strlen(wanted)) &&
	       strchr(" \n", value[strlen(wanted)]);
}

/* Of the lines of @event that have name=wanted. */
static int count_word(const struct events *e, const char *event,
		      const char *name, const char *wanted)
{
	const char *at = NULL;
	int n = 0;

	while ((at = next(e, event, at)))
		n += word(at, name, wanted);
	return n;
}

FIXTURE(trace)
{
	struct events e;
	struct vfio_space space;
	char *mem;
};

FIXTURE_SETUP(trace)
{
	if (!ours_loaded())
		SKIP(return, "stock modules have no tracepoints");
	/* Names of tasks would be kept by a probe on every context switch. An
	 * instance begins with the options that are set when it is made.
	 */
	write_file(RECORD_CMD, "0");
	if (mkdir(INSTANCE, 0755) && errno != EEXIST)
		vfio_die("%s: %m", INSTANCE);
	write_file(RECORD_CMD, "1");
	self->mem = vfio_memory_aligned(2 * SZ_2M, SZ_2M);
	trace_begin();
}

FIXTURE_TEARDOWN(trace)
{
	if (!ours_loaded())
		return;
	write_file(INSTANCE "/events/enable", "0");
	rmdir(INSTANCE);
	free(self->e.text);
}

TEST_F(trace, open_and_close)
{
	const char *line;
	long long id;

	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
	vfio_space_open_device(&self->space);
	vfio_space_close(&self->space);
	trace_end(&self->e);

	ASSERT_EQ(1, count(&self->e, "vfio_container_open"));
	id = number(next(&self->e, "vfio_container_open", NULL), "container");
	EXPECT_GT(id, 0);
	line = next(&self->e, "vfio_container_release", NULL);
	EXPECT_EQ(id, number(line, "container"));
	EXPECT_GT(number(line, "lifetime_ns"), 0);

	/* One that worked and one that did not. */
	EXPECT_EQ(2, count(&self->e, "vfio_group_open"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_group_open", "ret", "0"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_group_open", "ret", "-16"));
	EXPECT_EQ(1, count(&self->e, "vfio_group_release"));
	line = next(&self->e, "vfio_group_open", NULL);
	EXPECT_EQ(self->space.number, number(line, "group"));

	line = next(&self->e, "vfio_container_attach", NULL);
	EXPECT_EQ(id, number(line, "container"));
	EXPECT_EQ(self->space.number, number(line, "group"));
	EXPECT_EQ(0, number(line, "ret"));
	EXPECT_GT(number(line, "duration_ns"), 0);
	EXPECT_EQ(1, count(&self->e, "vfio_container_detach"));

	line = next(&self->e, "vfio_container_set_iommu", NULL);
	EXPECT_TRUE(word(line, "driver", "vfio-iommu-type1"));
	EXPECT_EQ(VFIO_TYPE1v2_IOMMU, number(line, "type"));
	EXPECT_EQ(0, number(line, "ret"));

	line = next(&self->e, "vfio_device_open", NULL);
	EXPECT_TRUE(word(line, "device", EDU_BDF));
	EXPECT_EQ(1, number(line, "open_count"));
	EXPECT_EQ(0, number(line, "ret"));
	line = next(&self->e, "vfio_device_close", NULL);
	EXPECT_EQ(0, number(line, "open_count"));
	EXPECT_GT(number(line, "duration_ns"), 0);
}

TEST_F(trace, references_and_users_balance)
{
	long long refs;
	const char *line;

	for (int i = 0; i < 7; i++) {
		vfio_space_open(&self->space, E1000E_BDF, VFIO_TYPE1_IOMMU);
		vfio_space_close(&self->space);
	}
	trace_end(&self->e);
	EXPECT_EQ(7, count_word(&self->e, "vfio_group_get", "reason", "file"));
	EXPECT_EQ(7, count_word(&self->e, "vfio_group_put", "reason", "file"));
	EXPECT_EQ(7, count_word(&self->e, "vfio_group_get", "reason",
				"container"));
	EXPECT_EQ(7, count_word(&self->e, "vfio_group_put", "reason",
				"container"));
	EXPECT_EQ(14, count_word(&self->e, "vfio_container_users", "reason",
				 "attach"));
	/* Device, then file, then container. */
	line = next(&self->e, "vfio_group_get", NULL);
	refs = number(line, "refs");
	EXPECT_EQ(2, refs);
	EXPECT_EQ(3, number(next(&self->e, "vfio_group_get", line), "refs"));
	line = next(&self->e, "vfio_container_users", NULL);
	EXPECT_EQ(1, number(line, "users"));
	EXPECT_EQ(1, number(line, "delta"));
	line = next(&self->e, "vfio_container_users", line);
	EXPECT_EQ(0, number(line, "users"));
	EXPECT_EQ(-1, number(line, "delta"));
}

TEST_F(trace, device_users)
{
	const char *line;

	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	EXPECT_EQ(-ENODEV, __vfio_device_open(self->space.group, "none"));
	vfio_space_close(&self->space);
	trace_end(&self->e);
	EXPECT_EQ(2, count_word(&self->e, "vfio_container_users", "reason",
				"device_open"));
	line = next(&self->e, "vfio_container_users", NULL);
	line = next(&self->e, "vfio_container_users", line);
	EXPECT_EQ(2, number(line, "users"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_device_open", "ret", "-19"));
}

TEST_F(trace, maps_and_unmaps)
{
	const char *line;

	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	for (int i = 0; i < 23; i++)
		vfio_map(self->space.container, self->mem + i * SZ_4K,
			 IOVA + 2 * i * SZ_4K, SZ_4K);
	vfio_map(self->space.container, self->mem, 2 * IOVA, 31 * SZ_4K);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(-EEXIST, __vfio_map(self->space.container, self->mem,
					      IOVA, SZ_4K, VFIO_RW));
	for (int i = 0; i < 17; i++)
		vfio_unmap(self->space.container, IOVA + 2 * i * SZ_4K, SZ_4K);
	vfio_unmap(self->space.container, 4 * IOVA, SZ_4K);
	vfio_unmap(self->space.container, 2 * IOVA, 31 * SZ_4K);
	vfio_space_close(&self->space);
	trace_end(&self->e);

	EXPECT_EQ(29, count(&self->e, "vfio_dma_map"));
	EXPECT_EQ(24, count_word(&self->e, "vfio_dma_map", "ret", "0"));
	EXPECT_EQ(5, count_word(&self->e, "vfio_dma_map", "ret", "-17"));
	EXPECT_EQ(23, count_word(&self->e, "vfio_dma_map", "pages", "1"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_dma_map", "pages", "31"));
	EXPECT_GE(count(&self->e, "vfio_dma_map_start"), 24);
	line = next(&self->e, "vfio_dma_map", NULL);
	EXPECT_EQ((long long)IOVA, number(line, "iova"));
	EXPECT_EQ((long long)(uintptr_t)self->mem, number(line, "vaddr"));
	EXPECT_EQ(4096, number(line, "size"));
	EXPECT_EQ(1, number(line, "runs"));
	EXPECT_TRUE(word(line, "prot", "READ|WRITE"));
	EXPECT_GT(number(line, "pin_ns"), 0);
	EXPECT_GT(number(line, "iommu_ns"), 0);
	EXPECT_GE(number(line, "duration_ns"),
		  number(line, "pin_ns") + number(line, "iommu_ns"));

	EXPECT_EQ(19, count(&self->e, "vfio_dma_unmap"));
	EXPECT_EQ(19, count_word(&self->e, "vfio_dma_unmap", "ret", "0"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_dma_unmap", "unmapped", "0"));
	EXPECT_EQ(1,
		  count_word(&self->e, "vfio_dma_unmap", "unmapped", "126976"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_dma_unmap", "pages", "31"));
	EXPECT_EQ(19, count(&self->e, "vfio_dma_unmap_start"));
	line = next(&self->e, "vfio_dma_unmap_start", NULL);
	EXPECT_EQ((long long)IOVA, number(line, "iova"));
	EXPECT_EQ(4096, number(line, "size"));
	line = next(&self->e, "vfio_dma_unmap", NULL);
	EXPECT_GT(number(line, "iommu_ns"), 0);
	EXPECT_GT(number(line, "unpin_ns"), 0);
}

TEST_F(trace, progress_of_a_large_map)
{
	const size_t size = 3 * SZ_1G / 2;
	long long done = 0, seen;
	const char *line = NULL;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	madvise(mem, size, MADV_HUGEPAGE);
	vfio_map(self->space.container, mem, IOVA, size);
	vfio_space_close(&self->space);
	trace_end(&self->e);
	munmap(mem, size);

	EXPECT_GE(count(&self->e, "vfio_dma_map_progress"), 1);
	while ((line = next(&self->e, "vfio_dma_map_progress", line))) {
		seen = number(line, "done");
		EXPECT_GT(seen, done);
		EXPECT_LE(seen, (long long)size);
		EXPECT_EQ((long long)size, number(line, "size"));
		done = seen;
	}
	line = next(&self->e, "vfio_dma_map", NULL);
	EXPECT_EQ((long long)(size / SZ_4K), number(line, "pages"));
}

static int refused(void *arg)
{
	struct vfio_space space;

	vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	drop_ipc_lock();
	set_memlock(11 * SZ_4K);
	return -__vfio_map(space.container, arg, IOVA, 13 * SZ_4K, VFIO_RW);
}

TEST_F(trace, limit_refused)
{
	const char *line;

	EXPECT_EQ(ENOMEM, run_child(refused, self->mem));
	trace_end(&self->e);
	ASSERT_EQ(1, count(&self->e, "vfio_locked_vm"));
	line = next(&self->e, "vfio_locked_vm", NULL);
	EXPECT_EQ(13, number(line, "pages"));
	EXPECT_EQ(0, number(line, "locked"));
	EXPECT_EQ(11, number(line, "limit"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_dma_map", "ret", "-12"));
}

TEST_F(trace, emulated_pins)
{
	int testdev = testdev_open();

	vfio_must(__testdev_create(testdev, "trace-a"));
	vfio_space_open(&self->space, "trace-a", VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	vfio_map(self->space.container, self->mem, IOVA, 31 * SZ_4K);
	EXPECT_EQ(13, __testdev_pin(testdev, "trace-a", IOVA, 13, 3));
	EXPECT_EQ(7,
		  __testdev_pin(testdev, "trace-a", IOVA + 20 * SZ_4K, 7, 3));
	EXPECT_EQ(0, __testdev_unpin(testdev, "trace-a", IOVA, 13));
	EXPECT_EQ(0, __testdev_unpin(testdev, "trace-a", IOVA + 20 * SZ_4K, 7));
	vfio_space_close(&self->space);
	vfio_must(__testdev_destroy(testdev, "trace-a"));
	close(testdev);
	trace_end(&self->e);

	EXPECT_EQ(2, count(&self->e, "vfio_dma_pin"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_dma_pin", "pages", "13"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_dma_pin", "pages", "7"));
	EXPECT_EQ(2, count(&self->e, "vfio_dma_unpin"));
	/* Its group was born and died meanwhile. */
	EXPECT_EQ(1,
		  count_word(&self->e, "vfio_group_get", "reason", "device"));
	EXPECT_EQ(1,
		  count_word(&self->e, "vfio_group_put", "reason", "device"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_group_put", "refs", "0"));
}

TEST_F(trace, external_users)
{
	struct vfio_testdev_external held;
	int testdev = testdev_open();
	const char *line;

	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_map(self->space.container, self->mem, IOVA, 5 * SZ_4K);
	EXPECT_EQ(0, __testdev_external_get(testdev, self->space.group, &held));
	vfio_space_close(&self->space);
	EXPECT_EQ(0, __testdev_external_put(testdev, held.slot));
	EXPECT_EQ(-EINVAL, __testdev_external_get(testdev, testdev, &held));
	close(testdev);
	trace_end(&self->e);

	ASSERT_EQ(2, count(&self->e, "vfio_external_user_get"));
	line = next(&self->e, "vfio_external_user_get", NULL);
	EXPECT_EQ(self->space.number, number(line, "group"));
	EXPECT_EQ(2, number(line, "users"));
	EXPECT_EQ(0, number(line, "ret"));
	/* Printed as a symbol: the caller is the test module. */
	EXPECT_NE(NULL, strstr(line, "[vfio_testdev]"));
	EXPECT_EQ(1,
		  count_word(&self->e, "vfio_external_user_get", "ret", "-22"));
	EXPECT_EQ(1, count(&self->e, "vfio_external_user_put"));
	EXPECT_EQ(2, count_word(&self->e, "vfio_container_users", "reason",
				"external"));
	/* The files went first; the mapping and the attachment stayed. */
	line = next(&self->e, "vfio_group_release", NULL);
	ASSERT_NE(NULL, line);
	EXPECT_NE(NULL, next(&self->e, "vfio_container_detach", line));
	EXPECT_NE(NULL, next(&self->e, "vfio_external_user_put", line));
	EXPECT_EQ(0, count(&self->e, "vfio_dma_unmap"));
}

TEST_F(trace, kvm_links)
{
	struct kvm_create_device create = {.type = KVM_DEV_TYPE_VFIO};
	struct kvm_device_attr attr = {.group = KVM_DEV_VFIO_GROUP,
				       .attr = KVM_DEV_VFIO_GROUP_ADD};
	int kvm, vm;
	__s32 fd;

	if (system("modprobe -q kvm_amd || modprobe -q kvm_intel"))
		SKIP(return, "no KVM in this machine");
	kvm = vfio_must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	vm = vfio_must(vfio_ioctl(kvm, KVM_CREATE_VM, 0));
	vfio_must(vfio_ioctl(vm, KVM_CREATE_DEVICE, &create));
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	fd = self->space.group;
	attr.addr = (uintptr_t)&fd;
	EXPECT_EQ(0, vfio_ioctl(create.fd, KVM_SET_DEVICE_ATTR, &attr));
	close(create.fd);
	close(vm);
	close(kvm);
	vfio_space_close(&self->space);
	trace_end(&self->e);
	EXPECT_EQ(1, count_word(&self->e, "vfio_group_set_kvm", "linked", "1"));
	EXPECT_EQ(1, count_word(&self->e, "vfio_group_set_kvm", "linked", "0"));
	EXPECT_EQ(self->space.number,
		  number(next(&self->e, "vfio_group_set_kvm", NULL), "group"));
}

TEST_HARNESS_MAIN
