// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn [CYCLES [SEED]]: four processes open, attach, set the IOMMU, map, open
 * devices and close it all again, each cycle in another order, and get in each
 * other's way. Whatever the order, in the end nothing is left.
 *
 * A process sees EBUSY while another one has the group; it tries again, for the
 * cycle is counted only when it did its work.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "lib/emulated.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define WORKERS	    4
#define MAPPINGS    7
#define AREA_PAGES  13
#define TEST_DEVICE "churn"

static const char *const devices[] = {EDU_BDF, E1000E_BDF, NVME_BDF,
				      TEST_DEVICE};
#define NR_DEVICES (sizeof(devices) / sizeof(*devices))

/* What a cycle has open; -1 for what it has not. */
struct cycle {
	unsigned int *seed;
	const char *name;
	char *memory;
	int container, group, device;
};

static unsigned int pick(struct cycle *c, unsigned int below)
{
	return rand_r(c->seed) % below;
}

static void open_both(struct cycle *c)
{
	int number = vfio_group_number(c->name);
	bool container_first = pick(c, 2);

	if (container_first)
		c->container = vfio_container_open();
	c->group = vfio_must(vfio_group_open_wait(number, 60000));
	if (!container_first)
		c->container = vfio_container_open();
}

static void attach(struct cycle *c)
{
	int type = pick(c, 2) ? VFIO_TYPE1_IOMMU : VFIO_TYPE1v2_IOMMU;

	vfio_must(__vfio_group_set_container(c->group, c->container));
	if (!pick(c, 5)) {
		vfio_must(vfio_ioctl(c->group, VFIO_GROUP_UNSET_CONTAINER, 0));
		vfio_must(__vfio_group_set_container(c->group, c->container));
	}
	vfio_must(vfio_ioctl(c->container, VFIO_SET_IOMMU, type));
}

static void map_some(struct cycle *c)
{
	unsigned int n = 1 + pick(c, MAPPINGS);

	for (unsigned int i = 0; i < n; i++)
		vfio_map(c->container, c->memory + i * AREA_PAGES * SZ_4K,
			 i * SZ_2M, (1 + pick(c, AREA_PAGES)) * SZ_4K);
}

static void unmap_some(struct cycle *c)
{
	if (pick(c, 2))
		vfio_unmap(c->container, 0,
			   pick(c, MAPPINGS) * SZ_2M + SZ_4K * AREA_PAGES);
}

/* A reset of a PCI device takes a tenth of a second, so not in each cycle. */
static void open_device(struct cycle *c)
{
	int other;

	if (c->name != devices[NR_DEVICES - 1] && pick(c, 3))
		return;
	c->device = vfio_must(__vfio_device_open(c->group, c->name));
	if (pick(c, 3))
		return;
	/* Opened twice; one of the two goes at once. */
	other = vfio_must(__vfio_device_open(c->group, c->name));
	if (pick(c, 2)) {
		close(c->device);
		c->device = other;
	} else {
		close(other);
	}
}

/* Another process has the files too, for a moment longer. */
static void inherit(struct cycle *c)
{
	if (pick(c, 8))
		return;
	if (!fork()) {
		usleep(pick(c, 3000));
		_exit(0);
	}
}

static void close_in_any_order(struct cycle *c)
{
	int *fds[] = {&c->container, &c->group, &c->device};

	for (unsigned int left = 3; left; left--) {
		unsigned int i = pick(c, left);
		int *fd = fds[i];

		fds[i] = fds[left - 1];
		if (*fd >= 0)
			close(*fd);
	}
}

static void one_cycle(struct cycle *c)
{
	c->container = c->group = c->device = -1;
	c->name = devices[pick(c, NR_DEVICES)];
	open_both(c);
	attach(c);
	if (pick(c, 2)) {
		map_some(c);
		open_device(c);
	} else {
		open_device(c);
		map_some(c);
	}
	unmap_some(c);
	inherit(c);
	close_in_any_order(c);
}

static bool settles_unlocked(void)
{
	for (int i = 0; i < 200; i++) {
		if (locked_pages(0) == 0)
			return true;
		usleep(5000);
	}
	return false;
}

static int worker(unsigned int cycles, unsigned int seed)
{
	struct cycle c = {
		.seed = &seed,
		.memory = vfio_memory(MAPPINGS * AREA_PAGES * SZ_4K, 0),
	};

	for (unsigned int i = 0; i < cycles; i++)
		one_cycle(&c);
	while (wait(NULL) > 0)
		;
	if (!settles_unlocked()) {
		printf("# %ld pages are still locked\n", locked_pages(0));
		return 1;
	}
	return 0;
}

static int groups_open(void)
{
	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		int fd = vfio_group_open_wait(vfio_group_number(devices[i]),
					      2000);
		__u32 flags;

		if (fd < 0 || __vfio_group_status(fd, &flags) ||
		    flags != VFIO_GROUP_FLAGS_VIABLE)
			return 0;
		close(fd);
	}
	return 1;
}

int main(int argc, char **argv)
{
	unsigned int cycles = argc > 1 ? atoi(argv[1]) : 1000;
	unsigned int seed = argc > 2 ? atoi(argv[2]) : 1;
	int testdev, status, failed = 0;
	long pinned;

	ksft_print_header();
	ksft_set_plan(5);
	testdev = testdev_open();
	vfio_must(__testdev_create(testdev, TEST_DEVICE));
	pinned = pinned_pages();
	ksft_print_msg("%u cycles by %d processes, seed %u\n", cycles, WORKERS,
		       seed);
	fflush(stdout);

	for (int i = 0; i < WORKERS; i++)
		if (!fork())
			_exit(worker(cycles / WORKERS, seed * WORKERS + i));
	while (wait(&status) > 0)
		failed += !WIFEXITED(status) || WEXITSTATUS(status);

	ksft_test_result(!failed, "every process did its cycles\n");
	ksft_test_result(pinned_settles(pinned), "no page is pinned\n");
	ksft_test_result(groups_open(), "every group can be opened, is free\n");
	ksft_test_result(module_refs("vfio_iommu_type1") == 0,
			 "no backend is held\n");
	ksft_test_result(__testdev_destroy(testdev, TEST_DEVICE) == 0,
			 "the test device goes\n");
	close(testdev);
	ksft_finished();
}
