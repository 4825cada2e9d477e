// SPDX-License-Identifier: GPL-2.0-only
/*
 * An external user with a list, as KVM's VFIO device was: it takes groups by
 * their fds, none twice, finds them by a fd, and gives all back when it is
 * closed. Two containers with a group each; a file of the test module is the
 * holder. What users a group has is read from the trace events.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/events.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define IOVA	0x10000000ULL
#define PAGES_A 7
#define PAGES_B 11
#define THREADS 5
#define ROUNDS	97

FIXTURE(holder)
{
	struct events e;
	struct vfio_space a, b;
	int holder;
	char *mem;
	long pinned;
};

static void spaces_open(struct vfio_space *a, struct vfio_space *b, char *mem)
{
	vfio_space_open(a, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open(b, E1000E_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_map(a->container, mem, IOVA, PAGES_A * SZ_4K);
	vfio_map(b->container, mem, IOVA, PAGES_B * SZ_4K);
}

FIXTURE_SETUP(holder)
{
	if (!ours_loaded())
		SKIP(return, "stock vfio.ko has no external users");
	self->holder = testdev_open();
	self->mem = vfio_memory(PAGES_B * SZ_4K, 0);
	self->pinned = pinned_pages();
	events_begin();
	spaces_open(&self->a, &self->b, self->mem);
}

/* How many containers are gone. */
static int released(struct events *e)
{
	events_read(e);
	return events_count(e, "vfio_container_release");
}

/* Events of that group. */
static int count_of(const struct events *e, const char *event, int group)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", group);
	return events_count_word(e, event, "group", number);
}

/* Whatever was taken was given back, and both containers are gone. */
FIXTURE_TEARDOWN(holder)
{
	if (!ours_loaded())
		return;
	vfio_space_close(&self->a);
	vfio_space_close(&self->b);
	vfio_close(&self->holder);
	EXPECT_TRUE(pinned_settles(self->pinned));
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(events_count(&self->e, "vfio_container_open"),
		  released(&self->e));
	EXPECT_EQ(events_count_word(&self->e, "vfio_external_user_get", "ret",
				    "0"),
		  events_count(&self->e, "vfio_external_user_put"));
	events_drop(&self->e);
}

/* The users of a group's attachment after the last event that moved them. */
static int users(struct events *e, int group)
{
	const char *at = NULL;
	int last = -1;

	events_read(e);
	while ((at = events_next(e, "vfio_container_users", at)))
		if (event_number(at, "group") == group)
			last = event_number(at, "users");
	return last;
}

#define USERS(space)   users(&self->e, (space).number)
#define add(fd, held)  __testdev_external_once(self->holder, fd, held)
#define find(fd, held) __testdev_external_find(self->holder, fd, held)
#define put(slot)      __testdev_external_put(self->holder, slot)

TEST_F(holder, list)
{
	struct vfio_testdev_external a, b, seen;
	int copy = vfio_must(dup(self->a.group));

	EXPECT_EQ(-ENOENT, find(self->a.group, &seen));
	ASSERT_EQ(0, add(self->a.group, &a));
	EXPECT_EQ(self->a.number, a.iommu_id);
	EXPECT_EQ(-ENOENT, find(self->b.group, &seen));
	ASSERT_EQ(0, add(self->b.group, &b));
	EXPECT_EQ(self->b.number, b.iommu_id);
	EXPECT_EQ(2, USERS(self->a));
	EXPECT_EQ(2, USERS(self->b));

	EXPECT_EQ(-EEXIST, add(self->a.group, &seen));
	EXPECT_EQ(-EEXIST, add(copy, &seen));
	EXPECT_EQ(-EEXIST, add(self->b.group, &seen));
	EXPECT_EQ(0, find(copy, &seen));
	EXPECT_EQ(a.slot, seen.slot);
	EXPECT_EQ(0, find(self->b.group, &seen));
	EXPECT_EQ(b.slot, seen.slot);
	EXPECT_EQ(-EINVAL, find(self->a.container, &seen));
	EXPECT_EQ(-EBADF, find(-1, &seen));
	EXPECT_EQ(2, USERS(self->a));
	EXPECT_EQ(2, USERS(self->b));

	EXPECT_EQ(0, put(a.slot));
	EXPECT_EQ(1, USERS(self->a));
	EXPECT_EQ(2, USERS(self->b));
	EXPECT_EQ(-ENOENT, find(self->a.group, &seen));
	EXPECT_EQ(0, add(self->a.group, &a));
	EXPECT_EQ(2, USERS(self->a));
	/* Held: two. Refused: three. Found or not: five. Held again: one. */
	EXPECT_EQ(11, events_count_word(&self->e, "vfio_external_user_get",
					"ret", "0"));
	EXPECT_EQ(9, events_count(&self->e, "vfio_external_user_put"));
	close(copy);
}

/* A second file has a list, and users, of its own. */
TEST_F(holder, two_holders)
{
	struct vfio_testdev_external e[2][2], seen;
	int second = testdev_open();

	ASSERT_EQ(0, add(self->a.group, &e[0][0]));
	ASSERT_EQ(0, add(self->b.group, &e[0][1]));
	EXPECT_EQ(-ENOENT,
		  __testdev_external_find(second, self->a.group, &seen));
	ASSERT_EQ(0, __testdev_external_once(second, self->a.group, &e[1][0]));
	ASSERT_EQ(0, __testdev_external_once(second, self->b.group, &e[1][1]));
	EXPECT_EQ(3, USERS(self->a));
	EXPECT_EQ(3, USERS(self->b));
	vfio_space_close(&self->a);
	vfio_space_close(&self->b);
	vfio_close(&self->holder);
	EXPECT_EQ(2, USERS(self->a));
	EXPECT_EQ(2, USERS(self->b));
	EXPECT_EQ(self->pinned + PAGES_A + PAGES_B, pinned_pages());
	close(second);
	EXPECT_EQ(0, USERS(self->a));
	EXPECT_EQ(0, USERS(self->b));
	EXPECT_EQ(2, released(&self->e));
}

/* Every fd is closed; each hold keeps its own container and nothing else. */
static void one_before_the_other(struct __test_metadata *_metadata,
				 FIXTURE_DATA(holder) * self, bool a_first)
{
	const long pages[] = {PAGES_A, PAGES_B};
	int numbers[] = {self->a.number, self->b.number};
	int first = !a_first, second = a_first;
	struct vfio_testdev_external e[2];

	ASSERT_EQ(0, add(self->a.group, &e[0]));
	ASSERT_EQ(0, add(self->b.group, &e[1]));
	vfio_space_close(&self->a);
	vfio_space_close(&self->b);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(2, users(&self->e, numbers[i]));
		EXPECT_EQ(-EBUSY, __vfio_group_open(numbers[i]));
	}
	EXPECT_EQ(self->pinned + PAGES_A + PAGES_B, pinned_pages());
	EXPECT_EQ(PAGES_A + PAGES_B, locked_pages(0));
	EXPECT_EQ(0, released(&self->e));

	EXPECT_EQ(0, put(e[first].slot));
	EXPECT_EQ(self->pinned + pages[second], pinned_pages());
	EXPECT_EQ(pages[second], locked_pages(0));
	EXPECT_EQ(0, users(&self->e, numbers[first]));
	EXPECT_EQ(2, users(&self->e, numbers[second]));
	EXPECT_EQ(1, released(&self->e));
	EXPECT_TRUE(vfio_group_free(numbers[first]));
	EXPECT_EQ(-EBUSY, __vfio_group_open(numbers[second]));

	EXPECT_EQ(0, put(e[second].slot));
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(0, users(&self->e, numbers[second]));
	EXPECT_EQ(2, released(&self->e));
	EXPECT_TRUE(vfio_group_free(numbers[second]));
}

TEST_F(holder, first_before_second)
{
	one_before_the_other(_metadata, self, true);
}

TEST_F(holder, second_before_first)
{
	one_before_the_other(_metadata, self, false);
}

/* Attachment, device and hold are a user each; a hold keeps the attachment. */
TEST_F(holder, beside_open_devices)
{
	struct vfio_testdev_external a, b;

	vfio_space_open_device(&self->a);
	ASSERT_EQ(0, add(self->a.group, &a));
	ASSERT_EQ(0, add(self->b.group, &b));
	vfio_space_open_device(&self->b);
	EXPECT_EQ(3, USERS(self->a));
	EXPECT_EQ(3, USERS(self->b));
	vfio_close(&self->a.device);
	EXPECT_EQ(2, USERS(self->a));
	vfio_close(&self->a.group);
	vfio_close(&self->a.container);
	EXPECT_EQ(2, USERS(self->a));
	vfio_close(&self->b.group);
	vfio_close(&self->b.container);
	EXPECT_EQ(3, USERS(self->b));
	vfio_close(&self->holder);
	EXPECT_EQ(0, USERS(self->a));
	/* The device has the group's file, which has the attachment. */
	EXPECT_EQ(2, USERS(self->b));
	EXPECT_EQ(self->pinned + PAGES_B, pinned_pages());
	EXPECT_EQ(1, released(&self->e));
	vfio_close(&self->b.device);
	EXPECT_EQ(0, USERS(self->b));
	EXPECT_EQ(2, released(&self->e));
}

/* In a child, which has the holder's fd still. */
static void close_spaces(void *arg)
{
	FIXTURE_DATA(holder) *self = arg;

	vfio_space_close(&self->a);
	vfio_space_close(&self->b);
}

TEST_F(holder, inherited)
{
	struct vfio_testdev_external a, b;
	pid_t pid;

	ASSERT_EQ(0, add(self->a.group, &a));
	ASSERT_EQ(0, add(self->b.group, &b));
	pid = child_start(close_spaces, self);
	vfio_close(&self->holder);
	close_spaces(self);
	EXPECT_EQ(2, USERS(self->a));
	EXPECT_EQ(2, USERS(self->b));
	EXPECT_EQ(self->pinned + PAGES_A + PAGES_B, pinned_pages());
	EXPECT_EQ(0, released(&self->e));
	child_kill(pid);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	EXPECT_TRUE(vfio_group_free(self->b.number));
	EXPECT_EQ(0, USERS(self->a));
	EXPECT_EQ(0, USERS(self->b));
	EXPECT_EQ(2, released(&self->e));
}

/* Everything open but for one group, which is held alone; to be killed so. */
static void user(void *mem)
{
	struct vfio_testdev_external held;
	int holder = testdev_open();
	struct vfio_space a, b;

	spaces_open(&a, &b, mem);
	vfio_space_open_device(&b);
	vfio_must(__testdev_external_once(holder, a.group, &held));
	vfio_must(__testdev_external_once(holder, b.group, &held));
	vfio_space_close(&a);
}

TEST_F(holder, killed)
{
	pid_t pid;

	close_spaces(self);
	pid = child_start(user, self->mem);
	EXPECT_EQ(2, USERS(self->a));
	EXPECT_EQ(3, USERS(self->b));
	EXPECT_EQ(self->pinned + PAGES_A + PAGES_B, pinned_pages());
	EXPECT_EQ(2, released(&self->e));
	child_kill(pid);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	EXPECT_TRUE(vfio_group_free(self->b.number));
	EXPECT_EQ(0, USERS(self->a));
	EXPECT_EQ(0, USERS(self->b));
	EXPECT_EQ(4, released(&self->e));
	EXPECT_EQ(1,
		  count_of(&self->e, "vfio_external_user_put", self->a.number));
	EXPECT_EQ(1,
		  count_of(&self->e, "vfio_external_user_put", self->b.number));
}

/* A thread that takes and gives back one group after the other. */
struct taker {
	pthread_t thread;
	int holder;
	int groups[2];
	int taken;
	int wrong;
};

static void *take(void *arg)
{
	struct vfio_testdev_external held;
	struct taker *t = arg;
	int ret;

	for (int i = 0; i < ROUNDS; i++) {
		ret = __testdev_external_once(t->holder, t->groups[i % 2],
					      &held);
		t->wrong += ret && ret != -EEXIST;
		if (ret)
			continue;
		t->taken++;
		t->wrong += __testdev_external_put(t->holder, held.slot) != 0;
	}
	return NULL;
}

TEST_F(holder, raced)
{
	struct taker takers[THREADS];
	int taken = 0;

	for (int i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){
			.holder = self->holder,
			.groups = {self->a.group, self->b.group},
		};
		pthread_create(&takers[i].thread, NULL, take, &takers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(takers[i].thread, NULL);
		EXPECT_EQ(0, takers[i].wrong);
		taken += takers[i].taken;
	}
	EXPECT_GE(taken, ROUNDS);
	EXPECT_EQ(1, USERS(self->a));
	EXPECT_EQ(1, USERS(self->b));
	/* Those that were refused had the group for the time of the question. */
	EXPECT_EQ(THREADS * ROUNDS,
		  events_count(&self->e, "vfio_external_user_get"));
	EXPECT_EQ(THREADS * ROUNDS,
		  events_count(&self->e, "vfio_external_user_put"));
	EXPECT_EQ(self->pinned + PAGES_A + PAGES_B, pinned_pages());
}

TEST_HARNESS_MAIN
