// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who outlives whom: a device taken from its driver while it is open, a user
 * killed, fds that travel, modules unloaded under their users.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define IOVA 0x10000000ULL

FIXTURE(life)
{
	struct vfio_space space;
	char *mem;
	long pinned;
};

FIXTURE_SETUP(life)
{
	self->mem = vfio_memory(31 * SZ_4K, 0);
	self->pinned = pinned_pages();
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
}

FIXTURE_TEARDOWN(life)
{
	vfio_space_close(&self->space);
	EXPECT_TRUE(pinned_settles(self->pinned));
}

/* The child must not hold what it waits for. */
static pid_t unbind_in_child(struct vfio_space *space)
{
	pid_t pid = fork();

	if (!pid) {
		vfio_space_close(space);
		_exit(-__vfio_pci_unbind(EDU_BDF));
	}
	return pid;
}

/* An eventfd that the driver signals when it wants the device back. */
static int request_event(int device)
{
	char buf[sizeof(struct vfio_irq_set) + sizeof(__s32)] = {};
	struct vfio_irq_set *set = (struct vfio_irq_set *)buf;
	int event = vfio_must(eventfd(0, EFD_CLOEXEC));

	set->argsz = sizeof(buf);
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_REQ_IRQ_INDEX;
	set->count = 1;
	memcpy(set->data, &event, sizeof(event));
	vfio_must(vfio_ioctl(device, VFIO_DEVICE_SET_IRQS, set));
	return event;
}

TEST_F(life, removal_asks_and_waits)
{
	struct pollfd poll_fd;
	int status, again;
	pid_t pid;

	vfio_space_open_device(&self->space);
	vfio_map(self->space.container, self->mem, IOVA, 5 * SZ_4K);
	poll_fd.fd = request_event(self->space.device);
	poll_fd.events = POLLIN;

	pid = unbind_in_child(&self->space);
	EXPECT_EQ(1, poll(&poll_fd, 1, 60000));
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	/* Nobody new gets it (6.1's own core still gives it away). */
	again = __vfio_device_open(self->space.group, EDU_BDF);
	if (ours_loaded())
		EXPECT_EQ(-ENODEV, again);
	if (again >= 0)
		close(again);
	/* Whoever has it can still use it. */
	EXPECT_EQ(0x11e81234, vfio_config_read(self->space.device, 0, 4));
	EXPECT_EQ(self->pinned + 5, pinned_pages());

	close(self->space.device);
	self->space.device = -1;
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(poll_fd.fd);
	vfio_space_close(&self->space);
	ASSERT_EQ(0, __vfio_pci_bind(EDU_BDF));
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
}

TEST_F(life, removal_under_an_open_group)
{
	int container;
	__u32 flags;

	vfio_map(self->space.container, self->mem, IOVA, 5 * SZ_4K);
	ASSERT_EQ(0, __vfio_pci_unbind(EDU_BDF));
	/* The last device took the group along; its file says so. */
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(-ENODEV, __vfio_group_status(self->space.group, &flags));
	EXPECT_EQ(-ENODEV, __vfio_device_open(self->space.group, EDU_BDF));
	container = vfio_container_open();
	EXPECT_EQ(-ENODEV,
		  __vfio_group_set_container(self->space.group, container));
	close(container);
	vfio_space_close(&self->space);
	ASSERT_EQ(0, __vfio_pci_bind(EDU_BDF));
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
}

/* Holds what a VM holds, says so, and waits to be killed. */
static void victim(int ready)
{
	struct vfio_space space;
	char *mem = vfio_memory(31 * SZ_4K, 0);

	vfio_space_open(&space, E1000E_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&space);
	vfio_map(space.container, mem, IOVA, 31 * SZ_4K);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	pause();
}

TEST_F(life, killed_user_leaves_nothing)
{
	int number = vfio_group_number(E1000E_BDF), ready[2], group;
	char c;

	ASSERT_EQ(0, pipe(ready));
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid)
			victim(ready[1]);
		ASSERT_EQ(1, read(ready[0], &c, 1));
		EXPECT_EQ(self->pinned + 31, pinned_pages());
		EXPECT_EQ(-EBUSY, __vfio_group_open(number));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		group = vfio_group_open_wait(number, 1000);
		EXPECT_GE(group, 0);
		close(group);
		EXPECT_TRUE(pinned_settles(self->pinned));
	}
	close(ready[0]);
	close(ready[1]);
}

static void send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	vfio_must(sendmsg(socket, &msg, 0));
}

TEST_F(life, group_in_flight_is_held)
{
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	vfio_map(self->space.container, self->mem, IOVA, 7 * SZ_4K);
	send_fd(pair[0], self->space.group);
	vfio_space_close(&self->space);
	/* Nobody has an fd of it, and yet it is open and attached. */
	EXPECT_EQ(self->pinned + 7, pinned_pages());
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
	close(pair[0]);
	close(pair[1]);
	EXPECT_TRUE(pinned_settles(self->pinned));
	self->space.group = vfio_group_open_wait(self->space.number, 2000);
	ASSERT_GE(self->space.group, 0);
	close(self->space.group);
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
}

TEST_F(life, mapped_bar_outlives_the_fd)
{
	volatile uint32_t *regs;
	__u64 size;

	vfio_space_open_device(&self->space);
	regs = vfio_map_bar(self->space.device, 0, &size);
	vfio_space_close(&self->space);
	/* The mapping has the device's file, that has the group's. */
	EXPECT_EQ(0x010000edU, regs[0]);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
	munmap((void *)regs, size);
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
}

static long unload(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? -errno : 0;
}

TEST_F(life, modules_in_use_stay)
{
	vfio_space_open_device(&self->space);
	EXPECT_EQ(-EWOULDBLOCK, unload("vfio_iommu_type1"));
	EXPECT_EQ(-EWOULDBLOCK, unload("vfio_pci"));
	EXPECT_EQ(-EWOULDBLOCK, unload("vfio"));
	EXPECT_EQ(1, module_refs("vfio_iommu_type1"));
	close(self->space.device);
	self->space.device = -1;
	EXPECT_EQ(-EWOULDBLOCK, unload("vfio_iommu_type1"));
	vfio_space_close(&self->space);
	EXPECT_EQ(0, module_refs("vfio_iommu_type1"));
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
}

/* The child must not hold what it waits for. */
static pid_t bind_in_child(const char *bdf, int (*bind)(const char *),
			   int testdev)
{
	pid_t pid = fork();

	if (!pid) {
		close(testdev);
		_exit(-bind(bdf));
	}
	return pid;
}

/*
 * The last device of a group has gone, and its attachment, which an external user
 * holds, has not: a neighbour that is bound then waits, since its own group could
 * not get the DMA. Whoever binds it can be killed.
 */
TEST_F(life, neighbour_waits_for_the_old_group)
{
	struct vfio_testdev_external held;
	struct vfio_space space, next;
	int testdev = testdev_open(), status;
	pid_t unbind, bind;

	ASSERT_EQ(vfio_group_number(SLOT_EDU_BDF),
		  vfio_group_number(SLOT_E1000E_BDF));
	if (!ours_loaded())
		SKIP(return, "stock modules have no external users");
	ASSERT_EQ(0, __vfio_pci_unbind(SLOT_E1000E_BDF));
	vfio_space_open(&space, SLOT_EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_map(space.container, self->mem, IOVA, 5 * SZ_4K);
	ASSERT_EQ(0, __testdev_external_get(testdev, space.group, &held));
	vfio_space_close(&space);
	unbind = bind_in_child(SLOT_EDU_BDF, __vfio_pci_unbind, testdev);
	while (__vfio_group_open(space.number) != -ENOENT)
		usleep(1000);

	bind = bind_in_child(SLOT_E1000E_BDF, __vfio_pci_bind, testdev);
	usleep(300000);
	ASSERT_EQ(0, waitpid(bind, &status, WNOHANG));
	child_kill(bind);
	EXPECT_EQ(-ENOENT, __vfio_group_open(space.number));
	bind = bind_in_child(SLOT_E1000E_BDF, __vfio_pci_bind, testdev);
	usleep(300000);
	EXPECT_EQ(0, waitpid(bind, &status, WNOHANG));

	EXPECT_EQ(0, __testdev_external_put(testdev, held.slot));
	EXPECT_EQ(unbind, waitpid(unbind, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(bind, waitpid(bind, &status, 0));
	EXPECT_EQ(0, status);

	/* Ends the test if the group cannot have its DMA. */
	vfio_space_open(&next, SLOT_E1000E_BDF, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(space.number, next.number);
	vfio_space_close(&next);
	EXPECT_EQ(0, __vfio_pci_bind(SLOT_EDU_BDF));
	close(testdev);
}

TEST_HARNESS_MAIN
