/* SPDX-License-Identifier: GPL-2.0-only */
/* The DMA engine of QEMU's edu device, which takes 100 ms a transfer. */
#ifndef _SELFTESTS_EDU_H
#define _SELFTESTS_EDU_H

#include <linux/types.h>

/* QEMU's check of the range takes the byte after the end for the last one. */
#define EDU_BUFFER 4092

/* edu's registers, its BAR mapped by way of a device fd. */
struct edu {
	volatile unsigned char *bar;
	int device;
};

void edu_open(struct edu *edu, int device);
void edu_close(struct edu *edu);
/* Memory at @iova into edu's buffer, or back; at most EDU_BUFFER bytes. */
void edu_read(struct edu *edu, __u64 iova, unsigned int size);
void edu_write(struct edu *edu, __u64 iova, unsigned int size);

#endif /* _SELFTESTS_EDU_H */
