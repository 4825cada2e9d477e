/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's interrupts: VFIO_DEVICE_SET_IRQS of the first vector of an index,
 * and the eventfds at their ends.
 */
#ifndef _SELFTESTS_IRQ_H
#define _SELFTESTS_IRQ_H

#include <stdbool.h>

#include "lib/edu.h"
#include "lib/vfio.h"

#define INTX	VFIO_PCI_INTX_IRQ_INDEX
#define MSI	VFIO_PCI_MSI_IRQ_INDEX
#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

/* @action: MASK, UNMASK or TRIGGER. */
long __vfio_irq_none(int device, __u32 index, __u32 action, __u32 count);
long __vfio_irq_bool(int device, __u32 index, __u32 action, __u8 value);
/* @fd -1 takes the eventfd away. */
long __vfio_irq_eventfd(int device, __u32 index, __u32 action, int fd);

int event_new(void);
void event_signal(int event, __u64 count);
/* What an eventfd has counted, which is taken off it; event_wait() waits for it
 * to be more than 0, at most a minute.
 */
__u64 event_take(int event);
__u64 event_wait(int event);

/**
 * struct intx - edu with its INTx on
 * @space: container, group and device
 * @edu: the device's registers
 * @event: where its interrupts go
 * @unmask: an eventfd to unmask it, which is not in use yet
 */
struct intx {
	struct vfio_space space;
	struct edu edu;
	int event;
	int unmask;
};

/* Makes the eventfds, opens all and switches INTx on; -ENODEV where the device
 * has none.
 */
long __intx_open(struct intx *intx);
void intx_close(struct intx *intx);
/* The device alone. */
long __intx_open_device(struct intx *intx);
void intx_close_device(struct intx *intx);
long __intx_call(struct intx *intx, __u32 action);
/* Has a write to @event unmask it; -1: nothing does. */
long __intx_unmask_by(struct intx *intx, int event);
/* Whether @event, where its interrupts go, has got nothing: a loopback, which is
 * counted when the call returns and masks nothing, is alone.
 */
bool intx_silent(struct intx *intx, int event);

#endif /* _SELFTESTS_IRQ_H */
