// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration: its states, the way between each two of them, and the data.
 *
 * The device is the test module's; it writes down each step that the core had it
 * take. What the way should be is found here from the text of the UAPI header: its
 * arcs, the shortest path, no saving state in between. A device without an optional
 * state goes as if that state were not there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/vfio.h"

#define NAME  "migrates-a"
#define OTHER "migrates-b"
#define BLOCK VFIO_TESTDEV_REGION_SIZE

/* Of newer kernels than the C library's headers may be. */
#define MIGRATION_PRE_COPY    (1 << 2)
#define FEATURE_MIG_DATA_SIZE 9
#define MIG_GET_PRECOPY_INFO  _IO(VFIO_TYPE, VFIO_BASE + 21)

struct precopy_info {
	__u32 argsz;
	__u32 flags;
	__u64 initial_bytes;
	__u64 dirty_bytes;
};

enum {
	ERROR = VFIO_DEVICE_STATE_ERROR,
	STOP = VFIO_DEVICE_STATE_STOP,
	RUNNING = VFIO_DEVICE_STATE_RUNNING,
	STOP_COPY = VFIO_DEVICE_STATE_STOP_COPY,
	RESUMING = VFIO_DEVICE_STATE_RESUMING,
	RUNNING_P2P = VFIO_DEVICE_STATE_RUNNING_P2P,
	PRE_COPY = 6,
	PRE_COPY_P2P = 7,
	STATES,
};

#define GET   VFIO_DEVICE_FEATURE_GET
#define SET   VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE
#define STATE VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE

FIXTURE(migration)
{
	struct vfio_space space;
	int testdev;
	int fd;
};

FIXTURE_VARIANT(migration)
{
	__u32 flags;
	__u64 migration_flags;
};

FIXTURE_VARIANT_ADD(migration, stop_copy){
	.flags = VFIO_TESTDEV_MIGRATES,
	.migration_flags = VFIO_MIGRATION_STOP_COPY,
};

FIXTURE_VARIANT_ADD(migration, p2p){
	.flags = VFIO_TESTDEV_MIGRATES | VFIO_TESTDEV_P2P,
	.migration_flags = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P,
};

FIXTURE_VARIANT_ADD(migration, pre_copy){
	.flags = VFIO_TESTDEV_MIGRATES | VFIO_TESTDEV_PRE_COPY,
	.migration_flags = VFIO_MIGRATION_STOP_COPY | MIGRATION_PRE_COPY,
};

FIXTURE_VARIANT_ADD(migration, all){
	.flags = VFIO_TESTDEV_MIGRATES | VFIO_TESTDEV_P2P |
		 VFIO_TESTDEV_PRE_COPY,
	.migration_flags = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P |
			   MIGRATION_PRE_COPY,
};

FIXTURE_SETUP(migration)
{
	int ret;

	self->testdev = testdev_open();
	self->space = VFIO_SPACE_NONE;
	ret = __testdev_create_with(self->testdev, NAME, variant->flags);
	if (ret == -EOPNOTSUPP) {
		close(self->testdev);
		self->testdev = -1;
		SKIP(return, "this kernel knows no pre-copy");
	}
	vfio_must(ret);
	vfio_space_open(&self->space, NAME, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	self->fd = self->space.device;
}

FIXTURE_TEARDOWN(migration)
{
	if (self->testdev < 0)
		return;
	vfio_space_close(&self->space);
	EXPECT_EQ(0, __testdev_destroy(self->testdev, NAME));
	close(self->testdev);
}

/* The data's descriptor goes to @data unless that is NULL; -1 if there is none. */
static int set_state(int fd, __u32 state, int *data)
{
	struct vfio_device_feature_mig_state mig = {
		.device_state = state,
		.data_fd = 4711,
	};
	int ret = __vfio_feature(fd, SET | STATE, &mig, sizeof(mig));

	if (data)
		*data = mig.data_fd;
	else if (mig.data_fd >= 0 && mig.data_fd != 4711)
		close(mig.data_fd);
	return ret;
}

static int get_state(int fd)
{
	struct vfio_device_feature_mig_state mig = {.data_fd = 4711};

	vfio_must(__vfio_feature(fd, GET | STATE, &mig, sizeof(mig)));
	if (mig.data_fd != -1)
		vfio_die("asked for the state: data_fd is %d", mig.data_fd);
	return mig.device_state;
}

static void reset(int fd)
{
	vfio_must(vfio_ioctl(fd, VFIO_DEVICE_RESET, 0));
}

/* The last change's arcs; @fail_arc of the next one is to fail. */
static struct vfio_testdev_route route(int testdev, __u32 fail_arc)
{
	struct vfio_testdev_route r = {.name = NAME, .fail_arc = fail_arc};

	vfio_must(vfio_ioctl(testdev, VFIO_TESTDEV_ROUTE, &r));
	return r;
}

/* The header's arcs. */
static const struct {
	__u8 from, to;
} arcs[] = {
	{RUNNING_P2P, STOP},	  {STOP_COPY, STOP},
	{RESUMING, STOP},	  {PRE_COPY, RUNNING},
	{RUNNING_P2P, RUNNING},	  {PRE_COPY_P2P, RUNNING_P2P},
	{RUNNING, RUNNING_P2P},	  {STOP, RUNNING_P2P},
	{RUNNING, PRE_COPY},	  {RUNNING_P2P, PRE_COPY_P2P},
	{STOP, STOP_COPY},	  {PRE_COPY, PRE_COPY_P2P},
	{PRE_COPY_P2P, PRE_COPY}, {PRE_COPY_P2P, STOP_COPY},
	{STOP, RESUMING},
};

static bool is_saving(int state)
{
	return state == STOP_COPY || state == PRE_COPY || state == PRE_COPY_P2P;
}

static bool has_state(__u64 flags, int state)
{
	switch (state) {
	case RUNNING_P2P:
		return flags & VFIO_MIGRATION_P2P;
	case PRE_COPY:
		return flags & MIGRATION_PRE_COPY;
	case PRE_COPY_P2P:
		return (flags & MIGRATION_PRE_COPY) &&
		       (flags & VFIO_MIGRATION_P2P);
	default:
		return state > ERROR && state < STATES;
	}
}

/* Its arcs are gone with it, rather than being passed through. */
static bool is_cut(__u64 flags, int state)
{
	return (state == PRE_COPY || state == PRE_COPY_P2P) &&
	       !(flags & MIGRATION_PRE_COPY);
}

struct path {
	int n;
	__u32 states[STATES];
};

struct search {
	__u64 flags;
	int from, to;
	bool seen[STATES];
	struct path now, best;
	int best_arcs, equals;
};

/*
 * All ways without a loop. A way is as long as it has arcs, those through states
 * that the device lacks among them; but its steps are between states it has.
 */
static void walk(struct search *s, int at, int narcs)
{
	if (at == s->to) {
		if (s->best_arcs < 0 || narcs < s->best_arcs) {
			s->best = s->now;
			s->best_arcs = narcs;
			s->equals = 0;
		}
		s->equals += narcs == s->best_arcs;
		return;
	}
	/* Within a session its states may be passed. */
	if (is_saving(at) && at != s->from &&
	    !(is_saving(s->from) && is_saving(s->to)))
		return;
	s->seen[at] = true;
	for (size_t i = 0; i < sizeof(arcs) / sizeof(arcs[0]); i++) {
		int to = arcs[i].to, n = s->now.n;

		if (arcs[i].from != at || s->seen[to] || is_cut(s->flags, to))
			continue;
		if (has_state(s->flags, to))
			s->now.states[s->now.n++] = to;
		walk(s, to, narcs + 1);
		s->now.n = n;
	}
	s->seen[at] = false;
}

/* Whether there is a way, and which. */
static bool find_path(__u64 flags, int from, int to, struct path *path)
{
	struct search s = {
		.flags = flags,
		.from = from,
		.to = to,
		.best_arcs = -1,
	};

	if (!has_state(flags, from) || !has_state(flags, to))
		return false;
	/* The header forbids these by name. */
	if (from == STOP_COPY && (to == PRE_COPY || to == PRE_COPY_P2P))
		return false;
	walk(&s, from, 0);
	if (s.best_arcs < 0 || s.equals != 1)
		vfio_die("%d ways from state %d to %d", s.equals, from, to);
	*path = s.best;
	return true;
}

static void feed(int data)
{
	char block[BLOCK] = "";

	if (write(data, block, BLOCK) != BLOCK)
		vfio_die("writing a block: %m");
}

TEST_F(migration, is_a_feature)
{
	struct vfio_device_feature_migration mig = {};

	EXPECT_EQ(0,
		  __vfio_feature(self->fd, GET | VFIO_DEVICE_FEATURE_MIGRATION,
				 &mig, sizeof(mig)));
	EXPECT_EQ(variant->migration_flags, mig.flags);
	EXPECT_EQ(0, __vfio_feature(self->fd,
				    PROBE | GET | VFIO_DEVICE_FEATURE_MIGRATION,
				    &mig, 0));
	EXPECT_EQ(-EINVAL, __vfio_feature(self->fd,
					  PROBE | GET | SET |
						  VFIO_DEVICE_FEATURE_MIGRATION,
					  &mig, 0));
	EXPECT_EQ(-EINVAL,
		  __vfio_feature(self->fd, SET | VFIO_DEVICE_FEATURE_MIGRATION,
				 &mig, sizeof(mig)));
	EXPECT_EQ(-EINVAL,
		  __vfio_feature(self->fd, GET | VFIO_DEVICE_FEATURE_MIGRATION,
				 &mig, sizeof(mig) - 1));
	EXPECT_EQ(0,
		  __vfio_feature(self->fd, PROBE | GET | SET | STATE, &mig, 0));
	EXPECT_EQ(-EINVAL, __vfio_feature(self->fd, SET | STATE, &mig, 4));
}

TEST_F(migration, takes_the_way_of_the_header)
{
	int pairs = 0;

	for (int from = STOP; from < STATES; from++) {
		if (!has_state(variant->migration_flags, from))
			continue;
		for (int to = ERROR; to < STATES; to++) {
			struct path path = {};
			struct vfio_testdev_route r;
			bool way = find_path(variant->migration_flags, from, to,
					     &path);
			int data = -1, ret;

			reset(self->fd);
			vfio_must(set_state(self->fd, from, &data));
			if (from == RESUMING)
				feed(data);
			vfio_close(&data);
			ret = set_state(self->fd, to, &data);
			r = route(self->testdev, 0);
			EXPECT_EQ(way ? 0 : -EINVAL, ret);
			EXPECT_EQ(way ? to : from, get_state(self->fd));
			EXPECT_EQ(path.n, r.narcs);
			EXPECT_EQ(0, memcmp(path.states, r.states,
					    path.n * sizeof(__u32)));
			/* A session begins where it did not go on before. */
			EXPECT_EQ(way && from != to &&
					  (to == RESUMING ||
					   (is_saving(to) && !is_saving(from))),
				  data >= 0);
			vfio_close(&data);
			pairs++;
		}
	}
	printf("# %d pairs of states\n", pairs);
}

TEST_F(migration, knows_no_other_state)
{
	const __u32 unknown[] = {STATES, 4711, ~0U};
	int data;

	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(-EINVAL, set_state(self->fd, unknown[i], &data));
		EXPECT_EQ(-1, data);
		EXPECT_EQ(RUNNING, get_state(self->fd));
	}
}

/* The state is then where the way was left. */
TEST_F(migration, fails_on_its_way)
{
	struct path path = {};

	ASSERT_TRUE(
		find_path(variant->migration_flags, RUNNING, STOP_COPY, &path));
	for (int arc = 1; arc <= path.n; arc++) {
		int data;

		reset(self->fd);
		route(self->testdev, arc);
		EXPECT_EQ(-EIO, set_state(self->fd, STOP_COPY, &data));
		EXPECT_EQ(-1, data);
		EXPECT_EQ(arc == 1 ? RUNNING : path.states[arc - 2],
			  get_state(self->fd));
		/* And can be gone on from there. */
		EXPECT_EQ(0, set_state(self->fd, STOP_COPY, NULL));
	}
}

static bool has_byte(int device, off_t at, char byte)
{
	char seen = ~byte;

	return pread(device, &seen, 1, at) == 1 && seen == byte;
}

TEST_F(migration, carries_the_device_over)
{
	struct vfio_space other;
	char stream[2 * BLOCK], *at = stream;
	ssize_t n;
	int data;

	vfio_must(__testdev_create_with(self->testdev, OTHER, variant->flags));
	vfio_space_open(&other, OTHER, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&other);
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 101));
	ASSERT_EQ(0, set_state(self->fd, STOP_COPY, &data));
	EXPECT_EQ(FD_CLOEXEC, fcntl(data, F_GETFD));
	while ((n = read(data, at, 997)) > 0)
		at += n;
	EXPECT_EQ(0, n);
	EXPECT_EQ(BLOCK, at - stream);
	EXPECT_EQ(-1, write(data, "x", 1));
	close(data);

	ASSERT_EQ(0, set_state(other.device, RESUMING, &data));
	EXPECT_EQ(-1, read(data, stream, 1));
	for (int done = 0; done < BLOCK; done += n)
		ASSERT_LT(0,
			  n = write(data, stream + done,
				    BLOCK - done < 1009 ? BLOCK - done : 1009));
	EXPECT_FALSE(has_byte(other.device, 101, 'x'));
	EXPECT_EQ(0, set_state(other.device, RUNNING, NULL));
	EXPECT_TRUE(has_byte(other.device, 101, 'x'));
	EXPECT_EQ(-1, write(data, "x", 1));
	EXPECT_EQ(ENODEV, errno);
	close(data);
	vfio_space_close(&other);
	EXPECT_EQ(0, __testdev_destroy(self->testdev, OTHER));
}

/* One descriptor from the pre-copy to the end, with what changed meanwhile. */
TEST_F(migration, saves_in_one_session)
{
	struct precopy_info info = {.argsz = sizeof(info)};
	char block[BLOCK];
	int data, none;

	if (!has_state(variant->migration_flags, PRE_COPY))
		SKIP(return, "without pre-copy");
	ASSERT_EQ(0, set_state(self->fd, PRE_COPY, &data));
	ASSERT_EQ(0, vfio_ioctl(data, MIG_GET_PRECOPY_INFO, &info));
	EXPECT_EQ(BLOCK, info.initial_bytes);
	EXPECT_EQ(BLOCK, read(data, block, BLOCK));
	EXPECT_EQ(0, block[7]);
	EXPECT_EQ(-1, read(data, block, BLOCK));
	EXPECT_EQ(ENOMSG, errno);
	ASSERT_EQ(1, pwrite(self->fd, "y", 1, 7));
	EXPECT_EQ(0, set_state(self->fd, STOP_COPY, &none));
	EXPECT_EQ(-1, none);
	EXPECT_EQ(-EINVAL, vfio_ioctl(data, MIG_GET_PRECOPY_INFO, &info));
	EXPECT_EQ(BLOCK, read(data, block, BLOCK));
	EXPECT_EQ('y', block[7]);
	EXPECT_EQ(0, read(data, block, BLOCK));
	EXPECT_EQ(0, set_state(self->fd, STOP, NULL));
	EXPECT_EQ(-1, read(data, block, BLOCK));
	EXPECT_EQ(ENODEV, errno);
	close(data);
}

TEST_F(migration, leaves_an_error_by_reset_alone)
{
	int data;

	ASSERT_EQ(0, set_state(self->fd, RESUMING, &data));
	ASSERT_EQ(3, write(data, "abc", 3));
	EXPECT_EQ(-EINVAL, set_state(self->fd, RUNNING, NULL));
	EXPECT_EQ(ERROR, get_state(self->fd));
	for (int to = ERROR + 1; to < STATES; to++)
		EXPECT_EQ(-EINVAL, set_state(self->fd, to, NULL));
	EXPECT_EQ(ERROR, get_state(self->fd));
	reset(self->fd);
	EXPECT_EQ(RUNNING, get_state(self->fd));
	close(data);
}

/* What cannot be told is not left behind either. */
TEST_F(migration, tells_the_descriptor_or_has_none)
{
	struct {
		struct vfio_device_feature head;
		struct vfio_device_feature_mig_state mig;
	} *arg = vfio_memory(SZ_4K, 0);
	int before = vfio_must(dup(0)), after;

	close(before);
	arg->head.argsz = sizeof(*arg);
	arg->head.flags = SET | STATE;
	arg->mig.device_state = STOP_COPY;
	ASSERT_EQ(0, mprotect(arg, SZ_4K, PROT_READ));
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->fd, VFIO_DEVICE_FEATURE, arg));
	after = vfio_must(dup(0));
	EXPECT_EQ(before, after);
	close(after);
	EXPECT_EQ(0, set_state(self->fd, RUNNING, NULL));
}

TEST_F(migration, ends_with_its_device)
{
	char byte;
	int data;

	ASSERT_EQ(0, set_state(self->fd, STOP_COPY, &data));
	vfio_close(&self->space.device);
	EXPECT_EQ(-1, read(data, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	vfio_space_open_device(&self->space);
	EXPECT_EQ(RUNNING, get_state(self->space.device));
	close(data);
}

TEST_F(migration, says_how_much_there_is)
{
	__u64 size = 0;
	int ret = __vfio_feature(self->fd, GET | FEATURE_MIG_DATA_SIZE, &size,
				 sizeof(size));

	if (ret == -ENOTTY)
		SKIP(return, "this kernel does not ask for the size");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(BLOCK, size);
	EXPECT_EQ(-EINVAL, __vfio_feature(self->fd, SET | FEATURE_MIG_DATA_SIZE,
					  &size, sizeof(size)));
}

TEST(options_need_migration)
{
	int testdev = testdev_open();

	EXPECT_EQ(-EINVAL,
		  __testdev_create_with(testdev, NAME, VFIO_TESTDEV_P2P));
	EXPECT_EQ(-EINVAL, __testdev_create_with(testdev, NAME, 1 << 30));
	close(testdev);
}

TEST(a_device_that_cannot)
{
	struct vfio_device_feature_mig_state mig = {};
	int testdev = testdev_open();
	struct vfio_space s;

	vfio_must(__testdev_create(testdev, NAME));
	vfio_space_open(&s, NAME, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&s);
	EXPECT_EQ(-ENOTTY,
		  __vfio_feature(s.device, GET | STATE, &mig, sizeof(mig)));
	EXPECT_EQ(-ENOTTY,
		  __vfio_feature(s.device, SET | STATE, &mig, sizeof(mig)));
	EXPECT_EQ(-ENOTTY,
		  __vfio_feature(s.device,
				 PROBE | GET | VFIO_DEVICE_FEATURE_MIGRATION,
				 &mig, 0));
	vfio_space_close(&s);
	EXPECT_EQ(0, __testdev_destroy(testdev, NAME));
	close(testdev);
}

TEST_HARNESS_MAIN
