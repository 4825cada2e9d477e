// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is charged for pinned memory, and who may not pin more: VmLck of the
 * process that mapped, through fork, exec, another's unmap and the mapper's
 * death; RLIMIT_MEMLOCK of one without CAP_IPC_LOCK.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define IOVA 0x10000000ULL

FIXTURE(account)
{
	struct vfio_space space;
	int fd;
	char *mem;
	long pinned;
};

FIXTURE_VARIANT(account)
{
	int type;
};

FIXTURE_VARIANT_ADD(account, type1){.type = VFIO_TYPE1_IOMMU};
FIXTURE_VARIANT_ADD(account, type1v2){.type = VFIO_TYPE1v2_IOMMU};

FIXTURE_SETUP(account)
{
	vfio_space_open(&self->space, EDU_BDF, variant->type);
	self->fd = self->space.container;
	self->mem = vfio_memory(101 * SZ_4K, 0);
	self->pinned = pinned_pages();
}

FIXTURE_TEARDOWN(account)
{
	vfio_unmap_all(self->fd);
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(0, locked_pages(0));
	vfio_space_close(&self->space);
}

TEST_F(account, every_mapping_counts)
{
	vfio_map(self->fd, self->mem, IOVA, 7 * SZ_4K);
	EXPECT_EQ(7, locked_pages(0));
	/* The same pages again are charged again. */
	vfio_map(self->fd, self->mem, 2 * IOVA, 5 * SZ_4K);
	EXPECT_EQ(12, locked_pages(0));
	vfio_unmap(self->fd, IOVA, 7 * SZ_4K);
	EXPECT_EQ(5, locked_pages(0));
}

TEST_F(account, limit)
{
	set_memlock(23 * SZ_4K);
	drop_ipc_lock();
	EXPECT_EQ(-ENOMEM,
		  __vfio_map(self->fd, self->mem, IOVA, 24 * SZ_4K, VFIO_RW));
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(self->pinned, pinned_pages());
	vfio_map(self->fd, self->mem, IOVA, 19 * SZ_4K);
	EXPECT_EQ(-ENOMEM, __vfio_map(self->fd, self->mem, 2 * IOVA, 5 * SZ_4K,
				      VFIO_RW));
	EXPECT_EQ(19, locked_pages(0));
	vfio_map(self->fd, self->mem, 2 * IOVA, 4 * SZ_4K);
	EXPECT_EQ(-ENOMEM,
		  __vfio_map(self->fd, self->mem, 3 * IOVA, SZ_4K, VFIO_RW));
	EXPECT_EQ(23, locked_pages(0));
	vfio_unmap(self->fd, 2 * IOVA, 4 * SZ_4K);
	vfio_map(self->fd, self->mem, 3 * IOVA, SZ_4K);
	EXPECT_EQ(20, locked_pages(0));
}

TEST_F(account, limit_is_shared_with_mlock)
{
	set_memlock(23 * SZ_4K);
	drop_ipc_lock();
	/* mlock(), but sanitizers leave this one alone. */
	ASSERT_EQ(0, mlock2(self->mem + 50 * SZ_4K, 11 * SZ_4K, 0));
	EXPECT_EQ(-ENOMEM,
		  __vfio_map(self->fd, self->mem, IOVA, 13 * SZ_4K, VFIO_RW));
	vfio_map(self->fd, self->mem, IOVA, 12 * SZ_4K);
	EXPECT_EQ(23, locked_pages(0));
	ASSERT_EQ(0, munlock(self->mem + 50 * SZ_4K, 11 * SZ_4K));
}

TEST_F(account, capability_has_no_limit)
{
	set_memlock(3 * SZ_4K);
	vfio_map(self->fd, self->mem, IOVA, 101 * SZ_4K);
	EXPECT_EQ(101, locked_pages(0));
}

static int unmap_in_child(void *arg)
{
	int fd = *(int *)arg;

	if (locked_pages(0))
		return 1;
	if (vfio_unmap(fd, IOVA, 7 * SZ_4K) != 7 * SZ_4K)
		return 2;
	return locked_pages(0) ? 3 : 0;
}

TEST_F(account, another_process_unmaps)
{
	vfio_map(self->fd, self->mem, IOVA, 7 * SZ_4K);
	vfio_map(self->fd, self->mem, 2 * IOVA, 2 * SZ_4K);
	EXPECT_EQ(0, run_child(unmap_in_child, &self->fd));
	EXPECT_EQ(2, locked_pages(0));
	EXPECT_EQ(self->pinned + 2, pinned_pages());
}

static int map_in_child(void *arg)
{
	int fd = *(int *)arg;
	char *mem = vfio_memory(13 * SZ_4K, 0);

	vfio_map(fd, mem, IOVA, 13 * SZ_4K);
	return locked_pages(0) == 13 ? 0 : 1;
}

TEST_F(account, mapper_dies)
{
	EXPECT_EQ(0, run_child(map_in_child, &self->fd));
	/* The container lives, and so do its mappings. */
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(self->pinned + 13, pinned_pages());
	EXPECT_EQ(-EEXIST,
		  __vfio_map(self->fd, self->mem, IOVA, SZ_4K, VFIO_RW));
	EXPECT_EQ(13 * SZ_4K, vfio_unmap(self->fd, IOVA, 13 * SZ_4K));
	EXPECT_EQ(0, locked_pages(0));
}

static void map_and_wait(void *arg)
{
	int fd = *(int *)arg;

	vfio_map(fd, vfio_memory(13 * SZ_4K, 0), IOVA, 13 * SZ_4K);
	vfio_map(fd, vfio_memory(5 * SZ_4K, 0), 2 * IOVA, 5 * SZ_4K);
}

/* Stopped, as by a debugger: nobody waits for it, and its pages stay charged. */
TEST_F(account, mapper_is_stopped)
{
	pid_t mapper = child_start(map_and_wait, &self->fd);

	ASSERT_EQ(0, kill(mapper, SIGSTOP));
	ASSERT_EQ(mapper, waitpid(mapper, NULL, WUNTRACED));
	EXPECT_EQ(18, locked_pages(mapper));
	vfio_map(self->fd, self->mem, 3 * IOVA, 3 * SZ_4K);
	EXPECT_EQ(13 * SZ_4K, vfio_unmap(self->fd, IOVA, 13 * SZ_4K));
	EXPECT_EQ(5, locked_pages(mapper));
	EXPECT_EQ(self->pinned + 8, pinned_pages());
	EXPECT_EQ(0, kill(mapper, SIGCONT));
	EXPECT_EQ(5 * SZ_4K, vfio_unmap(self->fd, 2 * IOVA, 5 * SZ_4K));
	EXPECT_EQ(0, locked_pages(mapper));
	child_kill(mapper);
}

/* The new program has the container, but not the memory that is charged. */
static int after_exec(const char *fd_text)
{
	int fd = atoi(fd_text);

	if (locked_pages(0))
		return 10;
	if (vfio_unmap(fd, IOVA, 7 * SZ_4K) != 7 * SZ_4K)
		return 11;
	/* CVE-2023-53171: it went below zero here. */
	if (locked_pages(0) || proc_status_kb(0, "VmLck") < 0)
		return 12;
	vfio_map(fd, vfio_memory(3 * SZ_4K, 0), IOVA, 3 * SZ_4K);
	if (locked_pages(0) != 3)
		return 13;
	vfio_unmap(fd, IOVA, 3 * SZ_4K);
	return locked_pages(0) ? 14 : 0;
}

static int map_and_exec(void *arg)
{
	int fd = *(int *)arg;
	char text[16];

	fcntl(fd, F_SETFD, 0);
	snprintf(text, sizeof(text), "%d", fd);
	vfio_map(fd, vfio_memory(7 * SZ_4K, 0), IOVA, 7 * SZ_4K);
	execl("/proc/self/exe", "account", "--after-exec", text, NULL);
	return 20;
}

TEST_F(account, exec)
{
	EXPECT_EQ(0, run_child(map_and_exec, &self->fd));
	EXPECT_EQ(self->pinned, pinned_pages());
}

struct moved {
	int fd;
	int memfd;
};

static int take_over(void *arg)
{
	struct moved *moved = arg;
	char *mem = mmap(NULL, 7 * SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED,
			 moved->memfd, 0);

	if (__vfio_map(moved->fd, mem, IOVA, 7 * SZ_4K,
		       VFIO_DMA_MAP_FLAG_VADDR))
		return 1;
	if (locked_pages(0) != 7)
		return 2;
	return 0;
}

/* A new process takes the memory over, and with it the charge. */
TEST_F(account, vaddr_moves_the_charge)
{
	struct moved moved = {.fd = self->fd};
	char *mem;

	if (!vfio_ioctl(self->fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR))
		SKIP(return, "this kernel has no VFIO_UPDATE_VADDR");
	moved.memfd = memfd_create("vfio", 0);
	ASSERT_EQ(0, ftruncate(moved.memfd, 7 * SZ_4K));
	mem = mmap(NULL, 7 * SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED,
		   moved.memfd, 0);
	vfio_map(self->fd, mem, IOVA, 7 * SZ_4K);
	ASSERT_EQ(0, __vfio_unmap(self->fd, IOVA, 7 * SZ_4K,
				  VFIO_DMA_UNMAP_FLAG_VADDR, NULL));
	EXPECT_EQ(7, locked_pages(0));
	EXPECT_EQ(0, run_child(take_over, &moved));
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(self->pinned + 7, pinned_pages());
	close(moved.memfd);
}

/* A group that joins is charged nothing when pages are pinned already. */
TEST_F(account, second_group_is_free)
{
	int group = vfio_must(
		vfio_group_open_wait(vfio_group_number(E1000E_BDF), 2000));

	vfio_map(self->fd, self->mem, IOVA, 7 * SZ_4K);
	ASSERT_EQ(0, __vfio_group_set_container(group, self->fd));
	EXPECT_EQ(7, locked_pages(0));
	close(group);
	EXPECT_EQ(7, locked_pages(0));
}

/* What a killed process leaves is gone soon, for the next one to use. */
TEST_F(account, killed_user)
{
	pid_t pid;
	int ready[2], group;
	char byte;

	vfio_space_close(&self->space);
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		struct vfio_space s;

		vfio_space_open(&s, EDU_BDF, variant->type);
		vfio_space_open_device(&s);
		vfio_map(s.container, self->mem, IOVA, 97 * SZ_4K);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(self->pinned + 97, pinned_pages());
	kill(pid, SIGKILL);
	group = vfio_group_open_wait(self->space.number, 60000);
	EXPECT_GE(group, 0);
	close(group);
	waitpid(pid, NULL, 0);
	EXPECT_TRUE(pinned_settles(self->pinned));
	close(ready[0]);
	close(ready[1]);
	vfio_space_open(&self->space, EDU_BDF, variant->type);
	self->fd = self->space.container;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--after-exec"))
		return after_exec(argv[2]);
	return test_harness_run(argc, argv);
}
