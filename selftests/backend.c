// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core does with a container's backend, seen from within one: whom it
 * tells first of a device, whom it names as chosen, and that whoever waits for a
 * slow backend can be killed.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/events.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define NAME  "backend-a"
#define OTHER "backend-b"
#define STUCK "backend-stuck"

FIXTURE(backend)
{
	struct vfio_space space;
	struct vfio_space other;
	int testdev;
};

FIXTURE_SETUP(backend)
{
	self->testdev = testdev_open();
	self->space = VFIO_SPACE_NONE;
	self->other = VFIO_SPACE_NONE;
	vfio_must(__testdev_create(self->testdev, NAME));
	vfio_must(__testdev_create(self->testdev, OTHER));
	vfio_must(__testdev_create_with(self->testdev, STUCK,
					VFIO_TESTDEV_STUCK));
	testdev_backend(self->testdev, 0, false);
}

FIXTURE_TEARDOWN(backend)
{
	testdev_backend(self->testdev, 0, false);
	vfio_space_close(&self->other);
	vfio_space_close(&self->space);
	EXPECT_EQ(0, __testdev_destroy(self->testdev, NAME));
	EXPECT_EQ(0, __testdev_destroy(self->testdev, OTHER));
	EXPECT_EQ(0, __testdev_destroy(self->testdev, STUCK));
	close(self->testdev);
}

/*
 * Drivers of kernels before 6.2 prepare in open_device() what they need when
 * they are asked for their pages. The unpins come back: the device is open.
 */
static bool driver_opens_first(void)
{
	return !kernel_at_least(6, 2);
}

TEST_F(backend, hears_of_open_devices_alone)
{
	vfio_space_open(&self->space, NAME, VFIO_TESTDEV_IOMMU);
	vfio_space_open_device(&self->space);
	EXPECT_STREQ(driver_opens_first() ? "open register unpin"
					  : "register unpin open",
		     testdev_backend(self->testdev, 0, false));
	vfio_close(&self->space.device);
	EXPECT_STREQ("close unregister unpin",
		     testdev_backend(self->testdev, 0, false));
}

TEST_F(backend, device_that_does_not_open)
{
	vfio_space_open(&self->space, STUCK, VFIO_TESTDEV_IOMMU);
	EXPECT_EQ(-EIO, __vfio_device_open(self->space.group, STUCK));
	EXPECT_STREQ(driver_opens_first()
			     ? "open"
			     : "register unpin open unregister unpin",
		     testdev_backend(self->testdev, 0, false));
	/* Nothing of it is left: the group can leave. */
	EXPECT_EQ(0,
		  vfio_ioctl(self->space.group, VFIO_GROUP_UNSET_CONTAINER, 0));
}

TEST_F(backend, named_only_if_it_took_the_container)
{
	const unsigned long type = 0x500000000UL | VFIO_TYPE1v2_IOMMU;
	struct events e = {};
	const char *line;

	if (!ours_loaded())
		SKIP(return, "stock modules have no tracepoints");
	vfio_space_open(&self->space, NAME, 0);
	events_begin();
	testdev_backend(self->testdev, 0, true);
	EXPECT_EQ(-EPERM, vfio_ioctl(self->space.container, VFIO_SET_IOMMU,
				     VFIO_TESTDEV_IOMMU));
	EXPECT_EQ(-ENODEV,
		  vfio_ioctl(self->space.container, VFIO_SET_IOMMU, type));
	testdev_backend(self->testdev, 0, false);
	EXPECT_EQ(0, vfio_ioctl(self->space.container, VFIO_SET_IOMMU,
				VFIO_TESTDEV_IOMMU));
	events_end(&e);

	line = events_next(&e, "vfio_container_set_iommu", NULL);
	EXPECT_EQ(-EPERM, event_number(line, "ret"));
	EXPECT_TRUE(event_word(line, "driver", ""));
	line = events_next(&e, "vfio_container_set_iommu", line);
	EXPECT_EQ(-ENODEV, event_number(line, "ret"));
	EXPECT_EQ((long long)type, event_number(line, "type"));
	line = events_next(&e, "vfio_container_set_iommu", line);
	EXPECT_EQ(0, event_number(line, "ret"));
	EXPECT_TRUE(event_word(line, "driver", "vfio-testbackend"));
	events_drop(&e);
}

/*
 * One process is in a call that lasts, and holds a lock; another waits for it and
 * is killed. Both are children, who share the files.
 */
struct pair {
	int container, group, other, number, testdev;
};

static void set_iommu(const struct pair *p)
{
	ioctl(p->container, VFIO_SET_IOMMU, VFIO_TESTDEV_IOMMU);
}

static void set_container_other(const struct pair *p)
{
	__vfio_group_set_container(p->other, p->container);
}

static void unset_container(const struct pair *p)
{
	ioctl(p->group, VFIO_GROUP_UNSET_CONTAINER);
}

static void get_status(const struct pair *p)
{
	__u32 flags;

	__vfio_group_status(p->group, &flags);
}

static void open_device(const struct pair *p)
{
	__vfio_device_open(p->group, OTHER);
}

static void open_group(const struct pair *p)
{
	__vfio_group_open(p->number);
}

static void external_get(const struct pair *p)
{
	struct vfio_testdev_external held;

	__testdev_external_get(p->testdev, p->group, &held);
}

static void be_in_backend(const struct pair *p)
{
	ioctl(p->container, VFIO_TESTDEV_BACKEND_SLEEP, 5000);
}

typedef void (*call_fn)(const struct pair *p);

static pid_t start(call_fn call, const struct pair *p)
{
	pid_t pid = fork();

	if (!pid) {
		call(p);
		_exit(0);
	}
	/* To get there, and to wait. */
	usleep(200000);
	return pid;
}

static bool has_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == pid;
}

static bool ends_soon(pid_t pid)
{
	for (int i = 0; i < 100; i++) {
		if (has_ended(pid))
			return true;
		usleep(10000);
	}
	return false;
}

static const struct {
	const char *what;
	bool attached; /* the container has the group, and the backend */
	call_fn holds, waits;
} waits[] = {
	{"SET_IOMMU behind SET_IOMMU", false, set_iommu, set_iommu},
	{"SET_CONTAINER behind SET_IOMMU", false, set_iommu,
	 set_container_other},
	{"UNSET_CONTAINER behind SET_IOMMU", false, set_iommu, unset_container},
	{"UNSET_CONTAINER behind a call of the backend", true, be_in_backend,
	 unset_container},
	{"SET_CONTAINER behind SET_CONTAINER", true, set_container_other,
	 set_container_other},
	{"GET_STATUS behind SET_CONTAINER", true, set_container_other,
	 get_status},
	{"UNSET_CONTAINER behind SET_CONTAINER", true, set_container_other,
	 unset_container},
	{"GET_DEVICE_FD behind SET_CONTAINER", true, set_container_other,
	 open_device},
	{"open behind SET_CONTAINER", true, set_container_other, open_group},
	{"an external user behind SET_CONTAINER", true, set_container_other,
	 external_get},
};

static bool killed_while_it_waits(struct pair *p, size_t row)
{
	pid_t holder, waiter;
	bool ended;

	holder = start(waits[row].holds, p);
	/* What the holder's group is to one, the waiter's is to the other. */
	if (waits[row].holds == set_container_other &&
	    waits[row].waits != unset_container)
		p->group = p->other;
	waiter = start(waits[row].waits, p);
	if (has_ended(holder) || has_ended(waiter))
		vfio_die("%s: nobody waited", waits[row].what);
	kill(waiter, SIGKILL);
	ended = ends_soon(waiter) && !has_ended(holder);
	child_kill(holder);
	if (!ended)
		waitpid(waiter, NULL, 0);
	return ended;
}

TEST_F(backend, whoever_waits_can_be_killed)
{
	if (!ours_loaded())
		SKIP(return, "stock modules' waiters cannot be killed");
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		struct pair p = {.testdev = self->testdev};

		vfio_space_open(&self->space, NAME, 0);
		vfio_space_open(&self->other, OTHER, 0);
		ioctl(self->other.group, VFIO_GROUP_UNSET_CONTAINER);
		p.container = self->space.container;
		p.group = self->space.group;
		p.other = self->other.group;
		p.number = self->other.number;
		if (waits[i].attached)
			set_iommu(&p);
		testdev_backend(self->testdev, 5000, false);
		EXPECT_TRUE(killed_while_it_waits(&p, i))
		{
			TH_LOG("%s", waits[i].what);
		}
		testdev_backend(self->testdev, 0, false);
		vfio_space_close(&self->other);
		vfio_space_close(&self->space);
	}
}

TEST_HARNESS_MAIN
