// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts of a device and their eventfds. */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/irq.h"

static long set_irqs(int device, __u32 index, __u32 flags, __u32 count,
		     const void *data, size_t size)
{
	struct {
		struct vfio_irq_set set;
		__u8 data[sizeof(__s32)];
	} arg = {
		.set =
			{
				.argsz = sizeof(arg.set) + size,
				.flags = flags,
				.index = index,
				.count = count,
			},
	};

	if (size)
		memcpy(arg.set.data, data, size);
	return vfio_ioctl(device, VFIO_DEVICE_SET_IRQS, &arg);
}

long __vfio_irq_none(int device, __u32 index, __u32 action, __u32 count)
{
	return set_irqs(device, index, VFIO_IRQ_SET_DATA_NONE | action, count,
			NULL, 0);
}

long __vfio_irq_bool(int device, __u32 index, __u32 action, __u8 value)
{
	return set_irqs(device, index, VFIO_IRQ_SET_DATA_BOOL | action, 1,
			&value, sizeof(value));
}

long __vfio_irq_eventfd(int device, __u32 index, __u32 action, int fd)
{
	__s32 value = fd;

	return set_irqs(device, index, VFIO_IRQ_SET_DATA_EVENTFD | action, 1,
			&value, sizeof(value));
}

int event_new(void)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (event < 0)
		vfio_die("eventfd: %m");
	return event;
}

void event_signal(int event, __u64 count)
{
	if (write(event, &count, sizeof(count)) != sizeof(count))
		vfio_die("write to an eventfd: %m");
}

__u64 event_take(int event)
{
	__u64 count = 0;

	if (read(event, &count, sizeof(count)) < 0 && errno != EAGAIN)
		vfio_die("read of an eventfd: %m");
	return count;
}

__u64 event_wait(int event)
{
	struct pollfd wait = {.fd = event, .events = POLLIN};

	poll(&wait, 1, 60000);
	return event_take(event);
}

long __intx_open_device(struct intx *intx)
{
	vfio_space_open_device(&intx->space);
	edu_open(&intx->edu, intx->space.device);
	edu_irq_ack(&intx->edu, EDU_IRQ_ALL);
	return __vfio_irq_eventfd(intx->space.device, INTX, TRIGGER,
				  intx->event);
}

/* The BAR's mapping would hold the device open as its fd does. */
void intx_close_device(struct intx *intx)
{
	edu_close(&intx->edu);
	close(intx->space.device);
	intx->space.device = -1;
}

long __intx_open(struct intx *intx)
{
	intx->event = event_new();
	intx->unmask = event_new();
	vfio_space_open(&intx->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	return __intx_open_device(intx);
}

void intx_close(struct intx *intx)
{
	edu_irq_ack(&intx->edu, EDU_IRQ_ALL);
	intx_close_device(intx);
	vfio_space_close(&intx->space);
	close(intx->event);
	close(intx->unmask);
}

long __intx_call(struct intx *intx, __u32 action)
{
	return __vfio_irq_none(intx->space.device, INTX, action, 1);
}

long __intx_unmask_by(struct intx *intx, int event)
{
	return __vfio_irq_eventfd(intx->space.device, INTX, UNMASK, event);
}

bool intx_silent(struct intx *intx, int event)
{
	vfio_must(__intx_call(intx, TRIGGER));
	return event_take(event) == 1;
}
