// SPDX-License-Identifier: GPL-2.0-only
/*
 * clients_load DEVICE: what a busy client of VFIO does to a container. Takes the
 * device's group, keeps 32 mappings of 1 MiB, and unmaps and maps one of them
 * after the other, some 200 a second, until it is told to stop; then it says how
 * many maps that were. A call that fails ends it.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/vfio.h"

#define PIECE  (1UL << 20)
#define PIECES 32
#define IOVA   (1UL << 32)

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = 1;
}

static void map_piece(int container, char *memory, size_t n)
{
	vfio_map(container, memory + n * PIECE, IOVA + n * PIECE, PIECE);
}

int main(int argc, char **argv)
{
	struct vfio_space space;
	unsigned long maps = 0;
	char *memory;

	if (argc != 2)
		vfio_die("usage: clients_load DEVICE");
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	vfio_space_open(&space, argv[1], VFIO_TYPE1v2_IOMMU);
	memory = vfio_memory(PIECES * PIECE, 0);
	for (; maps < PIECES; maps++)
		map_piece(space.container, memory, maps);
	for (; !stop; maps++) {
		size_t n = maps % PIECES;

		if (vfio_unmap(space.container, IOVA + n * PIECE, PIECE) !=
		    PIECE)
			vfio_die("piece %zu was not there", n);
		map_piece(space.container, memory, n);
		usleep(5000);
	}
	vfio_space_close(&space);
	printf("%lu maps\n", maps);
	return 0;
}
