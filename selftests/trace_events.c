// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every tracepoint fires, as often as it should and with the right values, for
 * work whose figures are known.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/events.h"
#include "lib/kvm.h"
#include "lib/proc.h"
#include "lib/sleeper.h"
#include "lib/vfio.h"

#define IOVA 0x10000000ULL

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
	self->mem = vfio_memory_aligned(2 * SZ_2M, SZ_2M);
	events_begin();
}

FIXTURE_TEARDOWN(trace)
{
	if (!ours_loaded())
		return;
	events_drop(&self->e);
}

TEST_F(trace, open_and_close)
{
	const char *line;
	long long id;

	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
	vfio_space_open_device(&self->space);
	vfio_space_close(&self->space);
	events_end(&self->e);

	ASSERT_EQ(1, events_count(&self->e, "vfio_container_open"));
	id = event_number(events_next(&self->e, "vfio_container_open", NULL),
			  "container");
	EXPECT_GT(id, 0);
	line = events_next(&self->e, "vfio_container_release", NULL);
	EXPECT_EQ(id, event_number(line, "container"));
	EXPECT_GT(event_number(line, "lifetime_ns"), 0);

	/* One that worked and one that did not. */
	EXPECT_EQ(2, events_count(&self->e, "vfio_group_open"));
	EXPECT_EQ(1,
		  events_count_word(&self->e, "vfio_group_open", "ret", "0"));
	EXPECT_EQ(1,
		  events_count_word(&self->e, "vfio_group_open", "ret", "-16"));
	EXPECT_EQ(1, events_count(&self->e, "vfio_group_release"));
	line = events_next(&self->e, "vfio_group_open", NULL);
	EXPECT_EQ(self->space.number, event_number(line, "group"));

	line = events_next(&self->e, "vfio_container_attach", NULL);
	EXPECT_EQ(id, event_number(line, "container"));
	EXPECT_EQ(self->space.number, event_number(line, "group"));
	EXPECT_EQ(0, event_number(line, "ret"));
	EXPECT_GT(event_number(line, "duration_ns"), 0);
	EXPECT_EQ(1, events_count(&self->e, "vfio_container_detach"));

	line = events_next(&self->e, "vfio_container_set_iommu", NULL);
	EXPECT_TRUE(event_word(line, "driver", "vfio-iommu-type1"));
	EXPECT_EQ(VFIO_TYPE1v2_IOMMU, event_number(line, "type"));
	EXPECT_EQ(0, event_number(line, "ret"));

	line = events_next(&self->e, "vfio_device_open", NULL);
	EXPECT_TRUE(event_word(line, "device", EDU_BDF));
	EXPECT_EQ(1, event_number(line, "open_count"));
	EXPECT_EQ(0, event_number(line, "ret"));
	line = events_next(&self->e, "vfio_device_close", NULL);
	EXPECT_EQ(0, event_number(line, "open_count"));
	EXPECT_GT(event_number(line, "duration_ns"), 0);
}

TEST_F(trace, references_and_users_balance)
{
	long long refs;
	const char *line;

	for (int i = 0; i < 7; i++) {
		vfio_space_open(&self->space, E1000E_BDF, VFIO_TYPE1_IOMMU);
		vfio_space_close(&self->space);
	}
	events_end(&self->e);
	EXPECT_EQ(7, events_count_word(&self->e, "vfio_group_get", "reason",
				       "file"));
	EXPECT_EQ(7, events_count_word(&self->e, "vfio_group_put", "reason",
				       "file"));
	EXPECT_EQ(7, events_count_word(&self->e, "vfio_group_get", "reason",
				       "container"));
	EXPECT_EQ(7, events_count_word(&self->e, "vfio_group_put", "reason",
				       "container"));
	EXPECT_EQ(14, events_count_word(&self->e, "vfio_container_users",
					"reason", "attach"));
	/* Device, then file, then container. */
	line = events_next(&self->e, "vfio_group_get", NULL);
	refs = event_number(line, "refs");
	EXPECT_EQ(2, refs);
	EXPECT_EQ(3, event_number(events_next(&self->e, "vfio_group_get", line),
				  "refs"));
	line = events_next(&self->e, "vfio_container_users", NULL);
	EXPECT_EQ(1, event_number(line, "users"));
	EXPECT_EQ(1, event_number(line, "delta"));
	line = events_next(&self->e, "vfio_container_users", line);
	EXPECT_EQ(0, event_number(line, "users"));
	EXPECT_EQ(-1, event_number(line, "delta"));
}

TEST_F(trace, device_users)
{
	const char *line;

	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	EXPECT_EQ(-ENODEV, __vfio_device_open(self->space.group, "none"));
	vfio_space_close(&self->space);
	events_end(&self->e);
	EXPECT_EQ(2, events_count_word(&self->e, "vfio_container_users",
				       "reason", "device_open"));
	line = events_next(&self->e, "vfio_container_users", NULL);
	line = events_next(&self->e, "vfio_container_users", line);
	EXPECT_EQ(2, event_number(line, "users"));
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_device_open", "ret",
				       "-19"));
}

/* A word a call, whatever was passed; what comes behind a name may be a secret. */
TEST_F(trace, names_from_outside)
{
	static char endless[4091];
	static const struct {
		const char *name, *shown;
	} table[] = {
		{"", ""},
		{" 0000:00:10.0", ""},
		{"none\nx-1 [000] ..... 1.0: vfio_device_open: group=7",
		 "none"},
		{"none\tvfio", "none"},
		{EDU_BDF " vf_token=2ab74924-c335-45f4-9b16-8569e5b08258",
		 EDU_BDF},
		{"\033]0;x\a", "?]0;x?"},
		{"caf\303\251", "caf??"},
		{endless, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			  "xxxxxxxx..."},
	};
	const char *line = NULL;

	memset(endless, 'x', sizeof(endless) - 1);
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		EXPECT_GT(0,
			  __vfio_device_open(self->space.group, table[i].name));
	EXPECT_EQ(-EFAULT, __vfio_device_open(self->space.group, (char *)8));
	vfio_space_close(&self->space);
	events_end(&self->e);

	EXPECT_EQ(ARRAY_SIZE(table) + 1,
		  events_count(&self->e, "vfio_device_open"));
	EXPECT_EQ(NULL, strstr(self->e.text, "vf_token"));
	EXPECT_EQ(NULL, strstr(self->e.text, "2ab74924"));
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		line = events_next(&self->e, "vfio_device_open", line);
		EXPECT_TRUE(event_word(line, "device", table[i].shown))
		{
			TH_LOG("%.90s", line);
		}
		EXPECT_GT(0, event_number(line, "ret"));
	}
	line = events_next(&self->e, "vfio_device_open", line);
	EXPECT_TRUE(event_word(line, "device", ""));
	EXPECT_EQ(-EFAULT, event_number(line, "ret"));
}

static long long opened_as(struct events *e)
{
	const char *line = NULL, *last = NULL;

	events_read(e);
	while ((line = events_next(e, "vfio_container_open", line)))
		last = line;
	return event_number(last, "container");
}

/* 2^31 containers later. */
TEST_F(trace, ids_of_living_containers_differ)
{
	int testdev = testdev_open();
	int first = vfio_container_open(), last, again;
	long long id = opened_as(&self->e);

	EXPECT_EQ(0, __testdev_container_id(testdev, INT32_MAX - 1));
	last = vfio_container_open();
	EXPECT_EQ(INT32_MAX, opened_as(&self->e));
	again = vfio_container_open();
	EXPECT_GT(opened_as(&self->e), 0);
	close(again);

	/* The one that the first has. */
	EXPECT_EQ(0, __testdev_container_id(testdev, id));
	EXPECT_NE(id, opened_as(&self->e));
	close(last);
	close(first);
	/* Whoever looks at this machine from outside knows the ids until then. */
	EXPECT_EQ(0, __testdev_container_id(testdev, id + 100));
	close(testdev);
	events_end(&self->e);
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
	events_end(&self->e);

	EXPECT_EQ(29, events_count(&self->e, "vfio_dma_map"));
	EXPECT_EQ(24, events_count_word(&self->e, "vfio_dma_map", "ret", "0"));
	EXPECT_EQ(5, events_count_word(&self->e, "vfio_dma_map", "ret", "-17"));
	EXPECT_EQ(23,
		  events_count_word(&self->e, "vfio_dma_map", "pages", "1"));
	EXPECT_EQ(1,
		  events_count_word(&self->e, "vfio_dma_map", "pages", "31"));
	EXPECT_GE(events_count(&self->e, "vfio_dma_map_start"), 24);
	line = events_next(&self->e, "vfio_dma_map", NULL);
	EXPECT_EQ((long long)IOVA, event_number(line, "iova"));
	EXPECT_EQ((long long)(uintptr_t)self->mem, event_number(line, "vaddr"));
	EXPECT_EQ(4096, event_number(line, "size"));
	EXPECT_EQ(1, event_number(line, "runs"));
	EXPECT_TRUE(event_word(line, "prot", "READ|WRITE"));
	EXPECT_GT(event_number(line, "pin_ns"), 0);
	EXPECT_GT(event_number(line, "iommu_ns"), 0);
	EXPECT_GE(event_number(line, "duration_ns"),
		  event_number(line, "pin_ns") +
			  event_number(line, "iommu_ns"));

	EXPECT_EQ(19, events_count(&self->e, "vfio_dma_unmap"));
	EXPECT_EQ(19,
		  events_count_word(&self->e, "vfio_dma_unmap", "ret", "0"));
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_dma_unmap", "unmapped",
				       "0"));
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_dma_unmap", "unmapped",
				       "126976"));
	EXPECT_EQ(1,
		  events_count_word(&self->e, "vfio_dma_unmap", "pages", "31"));
	EXPECT_EQ(19, events_count(&self->e, "vfio_dma_unmap_start"));
	line = events_next(&self->e, "vfio_dma_unmap_start", NULL);
	EXPECT_EQ((long long)IOVA, event_number(line, "iova"));
	EXPECT_EQ(4096, event_number(line, "size"));
	line = events_next(&self->e, "vfio_dma_unmap", NULL);
	EXPECT_GT(event_number(line, "iommu_ns"), 0);
	EXPECT_GT(event_number(line, "unpin_ns"), 0);
}

struct mapper {
	struct vfio_space *space;
	char *mem;
	uint64_t iova;
	const char *comm;
};

static void *map_a_page(void *data)
{
	struct mapper *m = data;

	sleeper_call_me(m->comm);
	vfio_map(m->space->container, m->mem, m->iova, SZ_4K);
	return NULL;
}

/*
 * The listener comes while one map has the lock and another waits for it: it must
 * not get a start event without the end event.
 */
TEST_F(trace, a_map_that_waits_has_both_ends_or_none)
{
	struct mapper m[] = {
		{&self->space, self->mem, IOVA, "has_lock"},
		{&self->space, self->mem + SZ_4K, IOVA + SZ_4K, "waits"},
	};
	pthread_t threads[2];
	int sleeper;

	events_drop(&self->e);
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	sleeper = sleeper_open("vfio_iommu_type1:vfio_dma_alloc", 20000, 1,
			       "has_lock");
	pthread_create(&threads[0], NULL, map_a_page, &m[0]);
	ASSERT_TRUE(sleeper_waits(sleeper, 1));
	pthread_create(&threads[1], NULL, map_a_page, &m[1]);
	/* Nothing tells that it waits; until then the test shows less. */
	usleep(300000);
	events_begin();
	sleeper_go(sleeper);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	sleeper_close(&sleeper);
	vfio_unmap(self->space.container, IOVA, 2 * SZ_4K);
	events_end(&self->e);
	EXPECT_EQ(events_count(&self->e, "vfio_dma_map_start"),
		  events_count(&self->e, "vfio_dma_map"));
	EXPECT_EQ(1, events_count(&self->e, "vfio_dma_unmap"));
	vfio_space_close(&self->space);
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
	events_end(&self->e);
	munmap(mem, size);

	EXPECT_GE(events_count(&self->e, "vfio_dma_map_progress"), 1);
	while ((line = events_next(&self->e, "vfio_dma_map_progress", line))) {
		seen = event_number(line, "done");
		EXPECT_GT(seen, done);
		EXPECT_LE(seen, (long long)size);
		EXPECT_EQ((long long)size, event_number(line, "size"));
		done = seen;
	}
	line = events_next(&self->e, "vfio_dma_map", NULL);
	EXPECT_EQ((long long)(size / SZ_4K), event_number(line, "pages"));
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
	events_end(&self->e);
	ASSERT_EQ(1, events_count(&self->e, "vfio_locked_vm"));
	line = events_next(&self->e, "vfio_locked_vm", NULL);
	EXPECT_EQ(13, event_number(line, "pages"));
	EXPECT_EQ(0, event_number(line, "locked"));
	EXPECT_EQ(11, event_number(line, "limit"));
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_dma_map", "ret", "-12"));
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
	events_end(&self->e);

	EXPECT_EQ(2, events_count(&self->e, "vfio_dma_pin"));
	EXPECT_EQ(1,
		  events_count_word(&self->e, "vfio_dma_pin", "pages", "13"));
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_dma_pin", "pages", "7"));
	EXPECT_EQ(2, events_count(&self->e, "vfio_dma_unpin"));
	/* Its group was born and died meanwhile. */
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_group_get", "reason",
				       "device"));
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_group_put", "reason",
				       "device"));
	EXPECT_EQ(1,
		  events_count_word(&self->e, "vfio_group_put", "refs", "0"));
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
	events_end(&self->e);

	ASSERT_EQ(2, events_count(&self->e, "vfio_external_user_get"));
	line = events_next(&self->e, "vfio_external_user_get", NULL);
	EXPECT_EQ(self->space.number, event_number(line, "group"));
	EXPECT_EQ(2, event_number(line, "users"));
	EXPECT_EQ(0, event_number(line, "ret"));
	/* Printed as a symbol: the caller is the test module. */
	EXPECT_NE(NULL, strstr(line, "[vfio_testdev]"));
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_external_user_get",
				       "ret", "-22"));
	EXPECT_EQ(1, events_count(&self->e, "vfio_external_user_put"));
	EXPECT_EQ(2, events_count_word(&self->e, "vfio_container_users",
				       "reason", "external"));
	/* The files went first; the mapping and the attachment stayed. */
	line = events_next(&self->e, "vfio_group_release", NULL);
	ASSERT_NE(NULL, line);
	EXPECT_NE(NULL, events_next(&self->e, "vfio_container_detach", line));
	EXPECT_NE(NULL, events_next(&self->e, "vfio_external_user_put", line));
	EXPECT_EQ(0, events_count(&self->e, "vfio_dma_unmap"));
}

TEST_F(trace, kvm_links)
{
	struct kvm_vm vm;

	if (!kvm_load())
		SKIP(return, "no KVM in this machine");
	kvm_vm_open(&vm);
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(0, __kvm_vfio_add(vm.vfio, self->space.group));
	kvm_vm_close(&vm);
	vfio_space_close(&self->space);
	events_end(&self->e);
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_group_set_kvm", "linked",
				       "1"));
	EXPECT_EQ(1, events_count_word(&self->e, "vfio_group_set_kvm", "linked",
				       "0"));
	EXPECT_EQ(
		self->space.number,
		event_number(events_next(&self->e, "vfio_group_set_kvm", NULL),
			     "group"));
}

TEST_HARNESS_MAIN
