// SPDX-License-Identifier: GPL-2.0-only
/*
 * load DEVICE: what a busy client of VFIO does to a container. Takes the
 * device's group, keeps 32 mappings of 1 MiB, and unmaps and maps one of them
 * after the other, some 200 a second, until it is told to stop. A call that
 * fails ends it.
 */
#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE  (1UL << 20)
#define PIECES 32
#define IOVA   (1UL << 32)

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int open_group(const char *device)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 device);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		err(1, "%s", path);
	link[len] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", basename(link));
	fd = open(path, O_RDWR);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void map_piece(int container, unsigned char *memory, size_t n)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)(memory + n * PIECE),
		.iova = IOVA + n * PIECE,
		.size = PIECE,
	};

	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		err(1, "map of piece %zu", n);
}

static void unmap_piece(int container, size_t n)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = IOVA + n * PIECE,
		.size = PIECE,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		err(1, "unmap of piece %zu", n);
	if (unmap.size != PIECE)
		errx(1, "unmap of piece %zu: %llu bytes", n,
		     (unsigned long long)unmap.size);
}

int main(int argc, char **argv)
{
	int container, group;
	unsigned char *memory;

	if (argc != 2)
		errx(2, "usage: load DEVICE");
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0)
		err(1, "/dev/vfio/vfio");
	group = open_group(argv[1]);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		err(1, "container");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		err(1, "type1");
	memory = mmap(NULL, PIECES * PIECE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "memory");
	for (size_t n = 0; n < PIECES; n++)
		map_piece(container, memory, n);
	for (size_t n = 0; !stop; n = (n + 1) % PIECES) {
		unmap_piece(container, n);
		map_piece(container, memory, n);
		usleep(5000);
	}
	return 0;
}
