// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that leaves something behind, on purpose: a daemon that it started,
 * and that has what the name says and nothing else.
 *
 * tools_leaks CASE PIDFILE: the daemon's pid goes to PIDFILE, to be killed.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/emulated.h"
#include "../lib/vfio.h"

#define SMALL	 5 /* mappings of 4 KiB */
#define LARGE	 2 /* and of 2 MiB */
#define BIG	 (1UL << 30)
#define PINNED	 3 /* pages */
#define EMULATED "leaky"

static void close_all(struct vfio_space *space)
{
	close(space->device);
	close(space->group);
	close(space->container);
	space->device = space->group = space->container = -1;
}

static void open_all(struct vfio_space *space, const char *device)
{
	vfio_space_open(space, device, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(space);
}

static void map_all(int container)
{
	char *small = vfio_memory(SMALL * SZ_4K, 0);
	char *large = vfio_memory_aligned(LARGE * SZ_2M, SZ_2M);

	for (int i = 0; i < SMALL; i++)
		vfio_map(container, small + i * SZ_4K, i * 2 * SZ_4K, SZ_4K);
	for (int i = 0; i < LARGE; i++)
		vfio_map(container, large + i * SZ_2M, BIG + i * 2 * SZ_2M,
			 SZ_2M);
}

/* What follows is each done in the daemon: it has inherited all. */

static void keep_container(struct vfio_space *space)
{
	space->container = -1;
}

static void keep_group(struct vfio_space *space)
{
	space->group = -1;
}

static void keep_device(struct vfio_space *space)
{
	space->device = -1;
}

static void keep_mappings(struct vfio_space *space)
{
	space->container = space->group = -1;
}

static void keep_bar(struct vfio_space *space)
{
	struct vfio_region_info bar = vfio_region(space->device, 0);

	if (mmap(NULL, SZ_4K, PROT_READ, MAP_SHARED, space->device,
		 bar.offset) == MAP_FAILED)
		vfio_die("the BAR cannot be mapped");
}

static void keep_in_flight(struct vfio_space *space)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int sockets[2];

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &space->group, sizeof(int));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) ||
	    sendmsg(sockets[0], &message, 0) != 1)
		vfio_die("the group's fd cannot be sent");
}

static void keep_kvm(struct vfio_space *space)
{
	struct kvm_create_device create = {.type = KVM_DEV_TYPE_VFIO};
	__s32 group = space->group;
	struct kvm_device_attr attr = {.group = KVM_DEV_VFIO_GROUP,
				       .attr = KVM_DEV_VFIO_GROUP_ADD,
				       .addr = (uintptr_t)&group};
	int kvm = vfio_must(open("/dev/kvm", O_RDWR));
	int vm = vfio_must(vfio_ioctl(kvm, KVM_CREATE_VM, 0));

	vfio_must(vfio_ioctl(vm, KVM_CREATE_DEVICE, &create));
	vfio_must(vfio_ioctl(create.fd, KVM_SET_DEVICE_ATTR, &attr));
	close(kvm);
}

static void keep_external(struct vfio_space *space)
{
	struct vfio_testdev_external held;

	vfio_must(__testdev_external_get(testdev_open(), space->group, &held));
}

static void keep_pins(struct vfio_space *space)
{
	vfio_must(__testdev_pin(testdev_open(), EMULATED, BIG, PINNED, 1 | 2));
	space->container = space->group = space->device = -1;
}

static const struct {
	const char *name;
	void (*keep)(struct vfio_space *space);
} cases[] = {
	{"container", keep_container},
	{"group", keep_group},
	{"device", keep_device},
	{"mappings", keep_mappings},
	{"bar", keep_bar},
	{"in-flight", keep_in_flight},
	{"kvm", keep_kvm},
	{"external", keep_external},
	{"pins", keep_pins},
};

static void be_daemon(struct vfio_space *space, int number, int ready,
		      const char *pidfile)
{
	FILE *f = fopen(pidfile, "w");

	setsid();
	cases[number].keep(space);
	close_all(space);
	if (!f || fprintf(f, "%d\n", getpid()) < 0 || fclose(f))
		vfio_die("cannot write %s", pidfile);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	for (;;)
		pause();
}

static int leave(int number, const char *device, const char *pidfile)
{
	struct vfio_space space;
	int ready[2];
	char byte;

	if (pipe(ready))
		vfio_die("no pipe");
	open_all(&space, device);
	map_all(space.container);
	switch (fork()) {
	case -1:
		vfio_die("no process");
	case 0:
		close(ready[0]);
		be_daemon(&space, number, ready[1], pidfile);
	}
	close(ready[1]);
	close_all(&space);
	/* Not there: the daemon died. */
	return read(ready[0], &byte, 1) == 1 ? 0 : 1;
}

static int clean(void)
{
	struct vfio_space space;

	open_all(&space, EDU_BDF);
	map_all(space.container);
	if (vfio_unmap(space.container, 0, SZ_4K) != SZ_4K)
		vfio_die("unmap did not");
	vfio_space_close(&space);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "clean"))
		return clean();
	if (argc == 2 && !strcmp(argv[1], "destroy")) {
		vfio_must(__testdev_destroy(testdev_open(), EMULATED));
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < sizeof(cases) / sizeof(cases[0]);
	     i++) {
		if (strcmp(argv[1], cases[i].name))
			continue;
		if (strcmp(argv[1], "pins"))
			return leave(i, EDU_BDF, argv[2]);
		vfio_must(__testdev_create(testdev_open(), EMULATED));
		return leave(i, EMULATED, argv[2]);
	}
	fprintf(stderr, "usage: tools_leaks CASE PIDFILE\n");
	return 2;
}
