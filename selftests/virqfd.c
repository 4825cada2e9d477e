// SPDX-License-Identifier: GPL-2.0-only
/*
 * virqfd: INTx is unmasked by a write to an eventfd. If the device still asserts
 * it, a work item tells the user; else the next interrupt does. And what becomes
 * of it when the eventfd, the device or the process goes at that moment.
 */
#include <linux/pci_regs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/irq.h"

#define RAISES 31
#define ROUNDS 101
#define KILLS  7

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

static void set_disable_bit(int device, bool disable)
{
	__u32 command = vfio_config_read(device, PCI_COMMAND, 2);

	command &= ~PCI_COMMAND_INTX_DISABLE;
	vfio_config_write(device, PCI_COMMAND, 2,
			  command | (disable ? PCI_COMMAND_INTX_DISABLE : 0));
}

/* The bit of config space wins over any unmask, the eventfd's as well. */
TEST_F(intx, is_masked_by_config_space)
{
	ASSERT_EQ(0, __intx_unmask_by(&self->x, self->x.unmask));
	set_disable_bit(self->device, true);
	edu_irq_raise(&self->x.edu, 1);
	EXPECT_EQ(0, __intx_call(&self->x, UNMASK));
	event_signal(self->x.unmask, 1);
	EXPECT_EQ(0, event_take(self->x.event));
	set_disable_bit(self->device, false);
	EXPECT_EQ(1, event_take(self->x.event));
}

TEST_F(intx, is_unmasked_by_an_eventfd)
{
	ASSERT_EQ(0, __intx_unmask_by(&self->x, self->x.unmask));
	for (int i = 0; i < RAISES; i++) {
		edu_irq_raise(&self->x.edu, 1);
		ASSERT_EQ(1, event_wait(self->x.event));
		edu_irq_ack(&self->x.edu, EDU_IRQ_ALL);
		event_signal(self->x.unmask, 1 + i);
		/* The kernel took it, whatever was written. */
		EXPECT_EQ(0, event_take(self->x.unmask));
		EXPECT_TRUE(intx_silent(&self->x, self->x.event));
	}
}

/* The same, but the device is not done: virqfd's thread tells the user. */
TEST_F(intx, comes_again_by_an_eventfd)
{
	ASSERT_EQ(0, __intx_unmask_by(&self->x, self->x.unmask));
	edu_irq_raise(&self->x.edu, 1);
	for (int i = 0; i < RAISES; i++) {
		ASSERT_EQ(1, event_wait(self->x.event));
		event_signal(self->x.unmask, 1);
	}
	ASSERT_EQ(1, event_wait(self->x.event));
	EXPECT_TRUE(intx_silent(&self->x, self->x.event));
}

TEST_F(intx, is_unmasked_by_what_was_written_before)
{
	edu_irq_raise(&self->x.edu, 1);
	ASSERT_EQ(1, event_wait(self->x.event));
	event_signal(self->x.unmask, 1);
	ASSERT_EQ(0, __intx_unmask_by(&self->x, self->x.unmask));
	EXPECT_EQ(1, event_wait(self->x.event));
	EXPECT_TRUE(intx_silent(&self->x, self->x.event));
}

TEST_F(intx, has_one_unmask_eventfd)
{
	int second = event_new();

	EXPECT_EQ(-EBADF, __intx_unmask_by(&self->x, 9973));
	EXPECT_EQ(-EINVAL, __intx_unmask_by(&self->x, self->x.space.container));
	ASSERT_EQ(0, __intx_unmask_by(&self->x, self->x.unmask));
	EXPECT_EQ(-EBUSY, __intx_unmask_by(&self->x, second));
	EXPECT_EQ(-EBUSY, __intx_unmask_by(&self->x, self->x.unmask));
	edu_irq_raise(&self->x.edu, 1);
	ASSERT_EQ(1, event_wait(self->x.event));
	/* Who was refused hears nothing; who was there does. */
	event_signal(second, 5);
	EXPECT_EQ(5, event_take(second));
	event_signal(self->x.unmask, 1);
	EXPECT_EQ(1, event_wait(self->x.event));

	ASSERT_EQ(0, __intx_unmask_by(&self->x, -1));
	ASSERT_EQ(0, __intx_unmask_by(&self->x, -1));
	event_signal(self->x.unmask, 3);
	EXPECT_EQ(3, event_take(self->x.unmask));
	ASSERT_EQ(0, __intx_unmask_by(&self->x, second));
	EXPECT_TRUE(intx_silent(&self->x, self->x.event));
	event_signal(second, 1);
	EXPECT_EQ(1, event_wait(self->x.event));
	close(second);
}

TEST_F(intx, keeps_its_unmask_eventfd_when_the_trigger_changes)
{
	int second = event_new();

	ASSERT_EQ(0, __intx_unmask_by(&self->x, self->x.unmask));
	edu_irq_raise(&self->x.edu, 1);
	ASSERT_EQ(1, event_wait(self->x.event));
	ASSERT_EQ(0, __vfio_irq_eventfd(self->device, INTX, TRIGGER, second));
	event_signal(self->x.unmask, 1);
	EXPECT_EQ(1, event_wait(second));
	ASSERT_EQ(0, __vfio_irq_eventfd(self->device, INTX, TRIGGER, -1));
	edu_irq_ack(&self->x.edu, EDU_IRQ_ALL);
	event_signal(self->x.unmask, 1);
	ASSERT_EQ(0, __vfio_irq_eventfd(self->device, INTX, TRIGGER, second));
	EXPECT_TRUE(intx_silent(&self->x, second));
	edu_irq_raise(&self->x.edu, 1);
	EXPECT_EQ(1, event_wait(second));
	EXPECT_EQ(0, event_take(self->x.event));
	/* It goes when INTx is switched off. */
	ASSERT_EQ(0, __vfio_irq_none(self->device, INTX, TRIGGER, 0));
	event_signal(self->x.unmask, 3);
	EXPECT_EQ(3, event_take(self->x.unmask));
	close(second);
}

/**
 * struct writer - a thread that writes to an eventfd all the time
 * @thread: it
 * @event: the eventfd; may be closed and be another one
 * @writes: how often it did
 * @stop: it should end
 */
struct writer {
	pthread_t thread;
	atomic_int event;
	atomic_ulong writes;
	atomic_bool stop;
};

static void *write_on(void *arg)
{
	const __u64 one = 1;
	struct writer *w = arg;

	while (!atomic_load(&w->stop))
		if (write(atomic_load(&w->event), &one, sizeof(one)) > 0)
			atomic_fetch_add(&w->writes, 1);
	return NULL;
}

static void writer_start(struct writer *w, int event)
{
	*w = (struct writer){.event = event};
	if (pthread_create(&w->thread, NULL, write_on, w))
		vfio_die("pthread_create failed");
}

static void writer_stop(struct writer *w)
{
	atomic_store(&w->stop, true);
	pthread_join(w->thread, NULL);
}

/* Waits until a write that began after this call has ended. */
static bool writer_wrote(struct writer *w)
{
	unsigned long before = atomic_load(&w->writes);

	for (int ms = 0; ms < 60000; ms++) {
		if (atomic_load(&w->writes) >= before + 2)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/* An eventfd that is closed makes place for the next one at once. */
TEST_F(intx, loses_an_unmask_eventfd_that_is_closed)
{
	edu_irq_raise(&self->x.edu, 1);
	ASSERT_EQ(1, event_wait(self->x.event));
	for (int i = 0; i < ROUNDS; i++) {
		int unmask = event_new();

		ASSERT_EQ(0, __intx_unmask_by(&self->x, unmask));
		event_signal(unmask, 1);
		close(unmask);
		ASSERT_EQ(1, event_wait(self->x.event));
	}
	EXPECT_TRUE(intx_silent(&self->x, self->x.event));
}

TEST_F(intx, loses_an_unmask_eventfd_that_is_written_to)
{
	struct writer writer;

	edu_irq_raise(&self->x.edu, 1);
	ASSERT_EQ(1, event_wait(self->x.event));
	writer_start(&writer, self->x.unmask);
	for (int i = 0; i < ROUNDS; i++) {
		int unmask = event_new();

		ASSERT_EQ(0, __intx_unmask_by(&self->x, unmask));
		atomic_store(&writer.event, unmask);
		ASSERT_LE(1, event_wait(self->x.event));
		/* The last reference may be the writer's, within its write. */
		close(unmask);
		atomic_store(&writer.event, self->x.unmask);
		ASSERT_TRUE(writer_wrote(&writer));
	}
	writer_stop(&writer);
	/* Nobody is armed, nor was anybody left. */
	ASSERT_EQ(0, __intx_unmask_by(&self->x, self->x.unmask));
}

TEST_F(intx, ends_with_its_device_while_it_is_unmasked)
{
	struct writer writer;

	writer_start(&writer, self->x.unmask);
	for (int i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, __intx_unmask_by(&self->x, self->x.unmask));
		edu_irq_raise(&self->x.edu, 1);
		/* The first was raised; the second is a write's, of many. */
		ASSERT_LE(1, event_wait(self->x.event));
		ASSERT_LE(1, event_wait(self->x.event));
		intx_close_device(&self->x);
		event_take(self->x.event);
		ASSERT_TRUE(writer_wrote(&writer));
		ASSERT_EQ(0, event_take(self->x.event));
		ASSERT_EQ(0, __intx_open_device(&self->x));
	}
	writer_stop(&writer);
	EXPECT_TRUE(intx_silent(&self->x, self->x.event));
}

/* Has everything armed, and in use, until it is killed. */
static void hold_all(struct intx *intx)
{
	struct writer writer;

	vfio_space_open(&intx->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_must(__intx_open_device(intx));
	vfio_must(__intx_unmask_by(intx, intx->unmask));
	writer_start(&writer, intx->unmask);
	edu_irq_raise(&intx->edu, 1);
	pthread_join(writer.thread, NULL);
}

TEST_F(intx, ends_with_its_process)
{
	intx_close_device(&self->x);
	vfio_space_close(&self->x.space);
	for (int i = 0; i < KILLS; i++) {
		pid_t child = fork();
		int status;

		if (!child)
			hold_all(&self->x);
		EXPECT_LE(1, event_wait(self->x.event));
		EXPECT_LE(1, event_wait(self->x.event));
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		/* Nobody listens to the one, nor writes to the other. */
		event_take(self->x.unmask);
		event_take(self->x.event);
		event_signal(self->x.unmask, 3);
		EXPECT_EQ(3, event_take(self->x.unmask));
		EXPECT_EQ(0, event_take(self->x.event));
	}
	vfio_space_open(&self->x.space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __intx_open_device(&self->x));
	EXPECT_TRUE(intx_silent(&self->x, self->x.event));
	edu_irq_raise(&self->x.edu, 1);
	EXPECT_EQ(1, event_wait(self->x.event));
}

TEST_HARNESS_MAIN
