// SPDX-License-Identifier: GPL-2.0-only
/*
 * clients_pins: what a busy device without an IOMMU does. It has 37 MiB mapped, and
 * pins and unpins a few pages of them here and there; now and then all is unmapped
 * under it, and it is asked to let go. What is locked must be what is pinned, each
 * time. Until it is told to stop; then it says how many pins that were.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/emulated.h"
#include "../lib/proc.h"
#include "../lib/vfio.h"

#define NAME   "busy"
#define IOVA   (1UL << 32)
#define AREA   (37UL << 20)
#define ROUND  13    /* pins that are there at the same time, at most */
#define STRIDE 719UL /* pages from one to the next */
#define WRITE  2

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = 1;
}

static __u64 place(int n)
{
	return IOVA + n * STRIDE * SZ_4K;
}

static void locked_is(long pages)
{
	long locked = locked_pages(0);

	if (locked != pages)
		vfio_die("%ld pages are locked, not %ld", locked, pages);
}

/* One page, two, three: all of them pinned, and all but the even ones given back. */
static void one_round(int testdev)
{
	long odd = 0, all = 0;

	for (int n = 1; n <= ROUND; n++) {
		if (__testdev_pin(testdev, NAME, place(n), n, WRITE) != n)
			vfio_die("pin %d was refused", n);
		all += n;
	}
	locked_is(all);
	for (int n = 1; n <= ROUND; n++) {
		if (n % 2)
			odd += n;
		else
			vfio_must(__testdev_unpin(testdev, NAME, place(n), n));
	}
	locked_is(odd);
}

int main(void)
{
	char *memory = vfio_memory(AREA, 0);
	unsigned long rounds = 0;
	struct vfio_space space;
	int testdev = vfio_must(__testdev_open());

	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	vfio_must(__testdev_create(testdev, NAME));
	vfio_space_open(&space, NAME, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&space);
	for (; !stop; rounds++) {
		vfio_map(space.container, memory, IOVA, AREA);
		one_round(testdev);
		/* The device lets go of the others as it is asked to. */
		if (vfio_unmap(space.container, IOVA, AREA) != AREA)
			vfio_die("the memory was not mapped");
		locked_is(0);
		usleep(50000);
	}
	if (testdev_stats(testdev, NAME).unmap_calls < rounds)
		vfio_die("the device was not asked to let go");
	vfio_space_close(&space);
	vfio_must(__testdev_destroy(testdev, NAME));
	close(testdev);
	printf("%lu pins\n", rounds * ROUND);
	return 0;
}
