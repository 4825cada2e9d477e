/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's edu device: its DMA engine, which takes 100 ms a transfer, and its
 * interrupt.
 */
#ifndef _SELFTESTS_EDU_H
#define _SELFTESTS_EDU_H

#include <linux/types.h>

/* QEMU's check of the range takes the byte after the end for the last one. */
#define EDU_BUFFER 4092

/* edu's registers, its BAR mapped by way of a device fd. */
struct edu {
	volatile unsigned char *bar;
	__u64 size; /* of it */
	int device;
};

void edu_open(struct edu *edu, int device);
void edu_close(struct edu *edu);
/* Memory at @iova into edu's buffer, or back; at most EDU_BUFFER bytes. */
void edu_read(struct edu *edu, __u64 iova, unsigned int size);
void edu_write(struct edu *edu, __u64 iova, unsigned int size);

/* Asks for an interrupt, until each bit of @bits (not 0) is acknowledged. By MSI
 * every call is one; INTx is on as long as there is a bit. What one user leaves
 * raised, the next one finds so.
 */
void edu_irq_raise(struct edu *edu, __u32 bits);
void edu_irq_ack(struct edu *edu, __u32 bits);
__u32 edu_irq_raised(struct edu *edu);
#define EDU_IRQ_ALL (~0U)

#endif /* _SELFTESTS_EDU_H */
