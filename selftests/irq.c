// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's interrupts, by way of an eventfd: MSI, and INTx, which masks itself
 * with each one until the user unmasks it; one still asserted then comes again.
 *
 * So every count is known. That an event did not come is told by one that comes
 * later: a loopback (a trigger by the call) is counted before the call returns,
 * and the count must be its 1. Unmasking by an eventfd is in virqfd.c.
 */
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/irq.h"

#define RAISES 31

FIXTURE(irq)
{
	struct vfio_space space;
	struct edu edu;
	int device;
	int event;
};

FIXTURE_SETUP(irq)
{
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	self->device = self->space.device;
	edu_open(&self->edu, self->device);
	edu_irq_ack(&self->edu, EDU_IRQ_ALL);
	self->event = event_new();
}

FIXTURE_TEARDOWN(irq)
{
	edu_irq_ack(&self->edu, EDU_IRQ_ALL);
	edu_close(&self->edu);
	close(self->event);
	vfio_space_close(&self->space);
}

static long get_info(int device, __u32 index, struct vfio_irq_info *info)
{
	*info = (struct vfio_irq_info){.argsz = sizeof(*info), .index = index};
	return vfio_ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, info);
}

TEST_F(irq, info)
{
	struct vfio_irq_info info;

	ASSERT_EQ(0, get_info(self->device, INTX, &info));
	EXPECT_EQ(1, info.count);
	EXPECT_EQ(VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
			  VFIO_IRQ_INFO_AUTOMASKED,
		  info.flags);
	ASSERT_EQ(0, get_info(self->device, MSI, &info));
	EXPECT_EQ(1, info.count);
	EXPECT_EQ(VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE, info.flags);
	/* edu has no MSI-X, and is no PCI Express device that reports errors. */
	ASSERT_EQ(0, get_info(self->device, VFIO_PCI_MSIX_IRQ_INDEX, &info));
	EXPECT_EQ(0, info.count);
	EXPECT_EQ(-EINVAL,
		  get_info(self->device, VFIO_PCI_ERR_IRQ_INDEX, &info));
	EXPECT_EQ(-EINVAL, get_info(self->device, VFIO_PCI_NUM_IRQS, &info));
	info.argsz = 4;
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->device, VFIO_DEVICE_GET_IRQ_INFO, &info));
}

/* CVE-2016-9083 and -9084: sizes that a multiplication or a sum wraps. */
TEST_F(irq, irq_counts_that_wrap)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSI_IRQ_INDEX,
		.start = 0xfffffffe,
		.count = 3,
	};

	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->device, VFIO_DEVICE_SET_IRQS, &set));
	set.start = 0;
	set.count = 0x40000001;
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->device, VFIO_DEVICE_SET_IRQS, &set));
	set.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->device, VFIO_DEVICE_SET_IRQS, &set));
	set.count = 1;
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->device, VFIO_DEVICE_SET_IRQS, &set));
}

TEST_F(irq, msi_counts)
{
	ASSERT_EQ(0,
		  __vfio_irq_eventfd(self->device, MSI, TRIGGER, self->event));
	for (int i = 0; i < RAISES; i++) {
		edu_irq_raise(&self->edu, 1 + i);
		ASSERT_EQ(1, event_wait(self->event));
		EXPECT_EQ(1 + i, edu_irq_raised(&self->edu));
		edu_irq_ack(&self->edu, EDU_IRQ_ALL);
	}
	ASSERT_EQ(0, __vfio_irq_none(self->device, MSI, TRIGGER, 1));
	EXPECT_EQ(1, event_take(self->event));
	/* It is not masked, neither by itself nor by anybody. */
	EXPECT_EQ(-ENOTTY, __vfio_irq_none(self->device, MSI, MASK, 1));
	EXPECT_EQ(-ENOTTY, __vfio_irq_none(self->device, MSI, UNMASK, 1));
	EXPECT_EQ(-ENOTTY,
		  __vfio_irq_eventfd(self->device, MSI, UNMASK, self->event));
}

TEST_F(irq, msi_loops_back)
{
	EXPECT_EQ(-EINVAL, __vfio_irq_none(self->device, MSI, TRIGGER, 1));
	ASSERT_EQ(0,
		  __vfio_irq_eventfd(self->device, MSI, TRIGGER, self->event));
	for (int i = 0; i < RAISES; i++)
		EXPECT_EQ(0, __vfio_irq_none(self->device, MSI, TRIGGER, 1));
	EXPECT_EQ(RAISES, event_take(self->event));
	EXPECT_EQ(0, __vfio_irq_bool(self->device, MSI, TRIGGER, 0));
	EXPECT_EQ(0, event_take(self->event));
	EXPECT_EQ(0, __vfio_irq_bool(self->device, MSI, TRIGGER, 1));
	EXPECT_EQ(1, event_take(self->event));
}

TEST_F(irq, msi_goes_to_the_last_eventfd)
{
	int second = event_new();

	ASSERT_EQ(0,
		  __vfio_irq_eventfd(self->device, MSI, TRIGGER, self->event));
	ASSERT_EQ(0, __vfio_irq_eventfd(self->device, MSI, TRIGGER, second));
	edu_irq_raise(&self->edu, 1);
	EXPECT_EQ(1, event_wait(second));
	/* With none a trigger goes nowhere; the vector is still there. */
	ASSERT_EQ(0, __vfio_irq_eventfd(self->device, MSI, TRIGGER, -1));
	EXPECT_EQ(0, __vfio_irq_none(self->device, MSI, TRIGGER, 1));
	/* Count 0 ends it all, and it may begin anew. */
	ASSERT_EQ(0, __vfio_irq_none(self->device, MSI, TRIGGER, 0));
	EXPECT_EQ(-EINVAL, __vfio_irq_none(self->device, MSI, TRIGGER, 1));
	ASSERT_EQ(0, __vfio_irq_eventfd(self->device, MSI, TRIGGER, second));
	edu_irq_raise(&self->edu, 1);
	EXPECT_EQ(1, event_wait(second));
	EXPECT_EQ(0, event_take(self->event));
	close(second);
}

/* Nothing to unmask, mask or trigger while it is off. */
TEST_F(irq, intx_that_is_off)
{
	EXPECT_EQ(-EINVAL, __vfio_irq_none(self->device, INTX, UNMASK, 1));
	EXPECT_EQ(-EINVAL, __vfio_irq_none(self->device, INTX, MASK, 1));
	EXPECT_EQ(-EINVAL, __vfio_irq_none(self->device, INTX, TRIGGER, 1));
	EXPECT_EQ(-EINVAL,
		  __vfio_irq_eventfd(self->device, INTX, UNMASK, self->event));
}

FIXTURE(intx)
{
	struct intx x;
	int device;
};

FIXTURE_SETUP(intx)
{
	long ret = __intx_open(&self->x);

	if (ret == -ENODEV)
		SKIP(return, "the device's INTx leads to no interrupt line");
	ASSERT_EQ(0, ret);
	self->device = self->x.space.device;
}

FIXTURE_TEARDOWN(intx)
{
	intx_close(&self->x);
}

TEST_F(intx, masks_itself)
{
	for (int i = 0; i < RAISES; i++) {
		edu_irq_raise(&self->x.edu, 1);
		ASSERT_EQ(1, event_wait(self->x.event));
		edu_irq_raise(&self->x.edu, 2);
		EXPECT_EQ(3, edu_irq_raised(&self->x.edu));
		edu_irq_ack(&self->x.edu, EDU_IRQ_ALL);
		/* What rose and fell behind the mask is nobody's business. */
		ASSERT_EQ(0, __intx_call(&self->x, UNMASK));
		EXPECT_TRUE(intx_silent(&self->x, self->x.event));
	}
}

TEST_F(intx, comes_again_while_it_is_asserted)
{
	edu_irq_raise(&self->x.edu, 1);
	ASSERT_EQ(1, event_wait(self->x.event));
	for (int i = 0; i < RAISES; i++) {
		ASSERT_EQ(0, __intx_call(&self->x, UNMASK));
		EXPECT_EQ(1, event_take(self->x.event));
	}
	EXPECT_EQ(0, __vfio_irq_bool(self->device, INTX, UNMASK, 0));
	EXPECT_EQ(0, event_take(self->x.event));
	EXPECT_EQ(0, __vfio_irq_bool(self->device, INTX, UNMASK, 1));
	EXPECT_EQ(1, event_take(self->x.event));
	EXPECT_EQ(-EINVAL, __vfio_irq_none(self->device, INTX, UNMASK, 0));
}

TEST_F(intx, is_masked_by_the_user)
{
	ASSERT_EQ(0, __intx_call(&self->x, MASK));
	edu_irq_raise(&self->x.edu, 1);
	EXPECT_TRUE(intx_silent(&self->x, self->x.event));
	ASSERT_EQ(0, __intx_call(&self->x, UNMASK));
	EXPECT_EQ(1, event_take(self->x.event));
	EXPECT_EQ(-ENOTTY,
		  __vfio_irq_eventfd(self->device, INTX, MASK, self->x.unmask));
}

TEST_F(intx, is_the_only_kind_that_is_on)
{
	EXPECT_EQ(-EINVAL, __vfio_irq_eventfd(self->device, MSI, TRIGGER,
					      self->x.event));
	ASSERT_EQ(0, __vfio_irq_none(self->device, INTX, TRIGGER, 0));
	ASSERT_EQ(0, __vfio_irq_eventfd(self->device, MSI, TRIGGER,
					self->x.event));
	EXPECT_EQ(-EINVAL, __vfio_irq_eventfd(self->device, INTX, TRIGGER,
					      self->x.event));
}

TEST_HARNESS_MAIN
