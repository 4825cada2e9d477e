// SPDX-License-Identifier: GPL-2.0-only
/* Drives edu's DMA engine and its interrupt. */
#include <sys/mman.h>
#include <unistd.h>

#include "lib/edu.h"
#include "lib/vfio.h"

#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_RAISE  0x60
#define EDU_IRQ_ACK    0x64
#define EDU_DMA_SRC    0x80
#define EDU_DMA_DST    0x88
#define EDU_DMA_COUNT  0x90
#define EDU_DMA_CMD    0x98
#define EDU_DMA_RUN    1
#define EDU_DMA_TO_RAM 2
#define EDU_DMA_BASE   0x40000

void edu_open(struct edu *edu, int device)
{
	edu->device = device;
	vfio_bus_master(device, true);
	edu->bar = vfio_map_bar(device, 0, &edu->size);
}

void edu_close(struct edu *edu)
{
	munmap((void *)edu->bar, edu->size);
}

static void set(struct edu *edu, unsigned int reg, __u64 value)
{
	*(volatile __u64 *)(edu->bar + reg) = value;
}

static void transfer(struct edu *edu, __u64 src, __u64 dst, __u64 size,
		     __u64 direction)
{
	set(edu, EDU_DMA_SRC, src);
	set(edu, EDU_DMA_DST, dst);
	set(edu, EDU_DMA_COUNT, size);
	set(edu, EDU_DMA_CMD, EDU_DMA_RUN | direction);
	for (int i = 0; i < 12000; i++) {
		if (!(*(volatile __u64 *)(edu->bar + EDU_DMA_CMD) &
		      EDU_DMA_RUN))
			return;
		usleep(5000);
	}
	vfio_die("edu did not finish a transfer in 60 s");
}

void edu_read(struct edu *edu, __u64 iova, unsigned int size)
{
	transfer(edu, iova, EDU_DMA_BASE, size, 0);
}

void edu_write(struct edu *edu, __u64 iova, unsigned int size)
{
	transfer(edu, EDU_DMA_BASE, iova, size, EDU_DMA_TO_RAM);
}

static volatile __u32 *irq_register(struct edu *edu, unsigned int reg)
{
	return (volatile __u32 *)(edu->bar + reg);
}

void edu_irq_raise(struct edu *edu, __u32 bits)
{
	*irq_register(edu, EDU_IRQ_RAISE) = bits;
}

void edu_irq_ack(struct edu *edu, __u32 bits)
{
	*irq_register(edu, EDU_IRQ_ACK) = bits;
}

__u32 edu_irq_raised(struct edu *edu)
{
	return *irq_register(edu, EDU_IRQ_STATUS);
}
