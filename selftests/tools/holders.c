// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds a group in one way, says who vfioholders must find, and lets go.
 *
 * tools_holders STAGE: writes a line for each holder ("holder KIND PID FD WHAT
 * DEVICE VIA", a dash for null) and one for the count ("users N unaccounted M"),
 * then "ready", and waits for a line on its standard input. The group is edu's;
 * lines that begin with "other" are of the NIC's.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/vhost.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/emulated.h"
#include "../lib/kvm.h"
#include "../lib/vfio.h"

#define MANY 10007

static void holder(const char *kind, pid_t pid, int fd, const char *what,
		   const char *device, const char *via)
{
	char number[2][16] = {"-", "-"};

	if (pid)
		snprintf(number[0], sizeof(number[0]), "%d", pid);
	if (fd >= 0)
		snprintf(number[1], sizeof(number[1]), "%d", fd);
	printf("holder %s %s %s %s %s %s\n", kind, number[0], number[1], what,
	       device, via);
}

static void by_fd(pid_t pid, int fd, const char *what, const char *device)
{
	holder("process", pid, fd, what, device, "fd");
}

/* What is open of the space. */
static void space_holders(const struct vfio_space *s)
{
	if (s->container >= 0)
		by_fd(getpid(), s->container, "container", "-");
	if (s->group >= 0)
		by_fd(getpid(), s->group, "group", "-");
	if (s->device >= 0)
		by_fd(getpid(), s->device, "device", s->name);
}

static void ready(int users, int unaccounted)
{
	printf("users %d unaccounted %d\nready\n", users, unaccounted);
	fflush(stdout);
	if (getchar() == EOF)
		vfio_die("nobody looks");
}

static void plain(struct vfio_space *s)
{
	vfio_space_open_device(s);
	space_holders(s);
	ready(2, 0);
}

static void attached(struct vfio_space *s)
{
	space_holders(s);
	ready(1, 0);
}

/* One file by two fds; and a second file, which 6.1's own modules count. */
static void twice(struct vfio_space *s)
{
	const char *modules = getenv("VFIOSCOPE_MODULES");
	int copy, second;
	struct utsname u;
	bool per_file;

	uname(&u);
	per_file = !strncmp(u.release, "6.1.", 4) && modules &&
		   !strcmp(modules, "stock");
	vfio_space_open_device(s);
	copy = vfio_must(dup(s->device));
	second = vfio_must(__vfio_device_open(s->group, s->name));
	space_holders(s);
	by_fd(getpid(), copy, "device", s->name);
	by_fd(getpid(), second, "device", s->name);
	ready(per_file ? 3 : 2, 0);
	close(copy);
	close(second);
}

/* A child that waits until it is killed, holding what @keep points to. */
static pid_t waiting_child(const struct vfio_space *s, int keep)
{
	pid_t pid = vfio_must(fork());

	if (pid)
		return pid;
	if (s->container != keep)
		close(s->container);
	if (s->group != keep)
		close(s->group);
	if (s->device != keep)
		close(s->device);
	for (;;)
		pause();
}

/* Until the child is where it waits for good. */
static void wait_for_child(pid_t pid, const char *function)
{
	char path[64], stack[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	for (int i = 0; i < 6000; i++) {
		f = fopen(path, "re");
		if (!f)
			vfio_die("no child");
		len = fread(stack, 1, sizeof(stack) - 1, f);
		fclose(f);
		stack[len] = '\0';
		if (strstr(stack, function))
			return;
		usleep(10000);
	}
	vfio_die("the child does not wait in %s", function);
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void inherited(struct vfio_space *s)
{
	pid_t child = waiting_child(s, s->group);

	wait_for_child(child, "sys_pause");
	space_holders(s);
	by_fd(child, s->group, "group", "-");
	ready(1, 0);
	end_child(child);
}

static void send_fd(int to, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = {};
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	vfio_must(sendmsg(to, &m, 0));
}

static void in_flight(struct vfio_space *s)
{
	int pair[2];

	vfio_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	/* A packet without files before it, and a file that is none of ours. */
	vfio_must(write(pair[0], "", 1));
	send_fd(pair[0], STDERR_FILENO);
	send_fd(pair[0], s->group);
	vfio_close(&s->group);
	space_holders(s);
	holder("process", getpid(), -1, "group", "-", "socket");
	ready(1, 0);
	close(pair[0]);
	close(pair[1]);
}

/* The group in a socket that is itself in flight, the device in a connection that
 * was not accepted.
 */
static void in_flight_deep(struct vfio_space *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX,
				      .sun_path = "\0tools_holders"};
	int inner[2], outer[2], listener, client;

	vfio_space_open_device(s);
	vfio_must(socketpair(AF_UNIX, SOCK_STREAM, 0, inner));
	vfio_must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, outer));
	send_fd(inner[0], s->group);
	send_fd(outer[0], inner[1]);
	send_fd(outer[0], STDERR_FILENO);
	close(inner[0]);
	close(inner[1]);
	vfio_close(&s->group);

	listener = vfio_must(socket(AF_UNIX, SOCK_STREAM, 0));
	vfio_must(bind(listener, (void *)&address, sizeof(address)));
	vfio_must(listen(listener, 2));
	client = vfio_must(socket(AF_UNIX, SOCK_STREAM, 0));
	vfio_must(connect(client, (void *)&address, sizeof(address)));
	send_fd(client, s->device);
	vfio_close(&s->device);

	space_holders(s);
	holder("process", getpid(), -1, "group", "-", "socket");
	holder("process", getpid(), -1, "device", s->name, "socket");
	ready(2, 0);
	close(outer[0]);
	close(outer[1]);
	close(client);
	close(listener);
}

static void *map_bar(struct vfio_space *s)
{
	struct vfio_region_info bar;
	void *p;

	vfio_space_open_device(s);
	bar = vfio_region(s->device, VFIO_PCI_BAR0_REGION_INDEX);
	p = mmap(NULL, SZ_4K, PROT_READ, MAP_SHARED, s->device, bar.offset);
	if (p == MAP_FAILED)
		vfio_die("mmap of BAR 0: errno %d", errno);
	vfio_close(&s->device);
	return p;
}

static void mapped(struct vfio_space *s)
{
	void *p = map_bar(s);

	space_holders(s);
	holder("mmap", getpid(), -1, "device", s->name, "-");
	ready(2, 0);
	munmap(p, SZ_4K);
}

static int wait_without_files(void *unused)
{
	close_range(0, ~0U, 0);
	for (;;)
		pause();
	return 0;
}

static void shared_memory(struct vfio_space *s)
{
	char *stack = vfio_memory(64 * SZ_4K, 0);
	void *p = map_bar(s);
	pid_t child;

	child = vfio_must(clone(wait_without_files, stack + 64 * SZ_4K,
				CLONE_VM | SIGCHLD, NULL));
	wait_for_child(child, "sys_pause");
	space_holders(s);
	holder("mmap", getpid(), -1, "device", s->name, "-");
	holder("mm", child, -1, "device", s->name, "-");
	ready(2, 0);
	end_child(child);
	munmap(p, SZ_4K);
}

/* The kernel thread that works for the vhost device of that process; 0: that is
 * not how this kernel does it.
 */
static pid_t vhost_thread(pid_t owner)
{
	char path[64], comm[32], wanted[32];
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;
	FILE *f;

	snprintf(wanted, sizeof(wanted), "vhost-%d\n", owner);
	while (proc && !found && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%d/comm",
			 atoi(entry->d_name));
		f = fopen(path, "re");
		if (f && fgets(comm, sizeof(comm), f) && !strcmp(comm, wanted))
			found = atoi(entry->d_name);
		if (f)
			fclose(f);
	}
	closedir(proc);
	return found;
}

/* A process maps a BAR, lets vhost work in its memory, and ends. */
static void vhost(struct vfio_space *s)
{
	int vhost = vfio_must(open("/dev/vhost-net", O_RDWR | O_CLOEXEC));
	pid_t child = vfio_must(fork()), thread;
	int status;

	if (!child) {
		map_bar(s);
		vfio_must(vfio_ioctl(vhost, VHOST_SET_OWNER, 0));
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		vfio_die("the child with vhost failed");
	space_holders(s);
	holder("mm", getpid(), vhost, "device", s->name, "-");
	thread = vhost_thread(child);
	if (thread)
		holder("mm", thread, -1, "device", s->name, "-");
	ready(2, 0);
	close(vhost);
}

static void by_vm(const struct kvm_vm *vm, const char *device)
{
	holder("kvm", getpid(), vm->vm, "kvm_vfio", device, "-");
}

/* Only KVM has the group: all else is closed. */
static void kvm(struct vfio_space *s)
{
	struct kvm_vm vm;
	int vcpu;

	kvm_vm_open(&vm);
	vcpu = vfio_must(vfio_ioctl(vm.vm, KVM_CREATE_VCPU, 0));
	vfio_must(__kvm_vfio_add(vm.vfio, s->group));
	vfio_space_close(s);
	by_vm(&vm, "-");
	ready(1, 0);
	close(vcpu);
	kvm_vm_close(&vm);
}

/* The same for a second group, which has lines of its own. */
static void kvm_and_nic(struct vfio_space *s, const struct kvm_vm *vm,
			const struct kvm_vm *nics_vm)
{
	struct vfio_space nic;

	vfio_space_open(&nic, E1000E_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_must(__kvm_vfio_add(vm->vfio, s->group));
	vfio_must(__kvm_vfio_add(nics_vm->vfio, nic.group));
	vfio_space_close(s);
	vfio_space_close(&nic);
	by_vm(vm, "-");
	printf("other ");
	by_vm(nics_vm, "-");
	printf("other users 1 unaccounted 0\n");
	ready(1, 0);
}

static void kvm_two_vms(struct vfio_space *s)
{
	struct kvm_vm vms[2];

	kvm_vm_open(&vms[0]);
	kvm_vm_open(&vms[1]);
	kvm_and_nic(s, &vms[0], &vms[1]);
	kvm_vm_close(&vms[0]);
	kvm_vm_close(&vms[1]);
}

static void kvm_two_groups(struct vfio_space *s)
{
	struct kvm_vm vm;

	kvm_vm_open(&vm);
	kvm_and_nic(s, &vm, &vm);
	kvm_vm_close(&vm);
}

/* The device's file, where KVM takes it: that holds the group's. */
static void kvm_device(struct vfio_space *s)
{
	struct kvm_vm vm;

	kvm_vm_open(&vm);
	vfio_space_open_device(s);
	vfio_must(__kvm_vfio_add(vm.vfio, s->device));
	vfio_space_close(s);
	by_vm(&vm, s->name);
	ready(2, 0);
	kvm_vm_close(&vm);
}

static pid_t unbind_in_child(struct vfio_space *s)
{
	pid_t pid = vfio_must(fork());

	if (pid)
		return pid;
	vfio_space_close(s);
	_exit(-__vfio_pci_unbind(s->name));
}

static void bind_again(struct vfio_space *s, pid_t child)
{
	waitpid(child, NULL, 0);
	vfio_must(__vfio_pci_bind(s->name));
}

static void unbound(struct vfio_space *s)
{
	pid_t child;

	vfio_space_open_device(s);
	child = unbind_in_child(s);
	wait_for_child(child, "vfio_unregister_group_dev");
	space_holders(s);
	holder("unbind", child, -1, "device", s->name, "-");
	ready(2, 0);
	vfio_space_close(s);
	bind_again(s, child);
}

/* Its last device has left it; it has neither IOMMU group nor container. */
static void removed(struct vfio_space *s)
{
	vfio_must(__vfio_pci_unbind(s->name));
	vfio_close(&s->container);
	space_holders(s);
	ready(0, 0);
	vfio_space_close(s);
	vfio_must(__vfio_pci_bind(s->name));
}

static int external_hold(struct vfio_space *s, struct vfio_testdev_external *e)
{
	int testdev = vfio_must(__testdev_open());

	vfio_must(__testdev_external_get(testdev, s->group, e));
	vfio_must(__testdev_external_get(testdev, s->group, e));
	vfio_space_close(s);
	return testdev;
}

static void external(struct vfio_space *s)
{
	struct vfio_testdev_external e;
	int testdev = external_hold(s, &e);

	holder("external", 0, -1, "group", "-", "-");
	ready(3, 0);
	close(testdev);
}

/* No file leads to the group, and its char device is gone. */
static void external_unbound(struct vfio_space *s)
{
	struct vfio_testdev_external e;
	int testdev = external_hold(s, &e);
	pid_t child = vfio_must(fork());

	if (!child) {
		close(testdev);
		_exit(-__vfio_pci_unbind(s->name));
	}
	wait_for_child(child, "vfio_device_leave_group");
	holder("external", 0, -1, "group", "-", "-");
	holder("unbind", child, -1, "device", s->name, "-");
	ready(3, 0);
	close(testdev);
	bind_again(s, child);
}

/* A reference that is in nobody's table. */
static void io_uring(struct vfio_space *s)
{
	struct io_uring_params params = {};
	int ring;

	vfio_space_open_device(s);
	ring = vfio_must(syscall(SYS_io_uring_setup, 2, &params));
	vfio_must(syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES,
			  &s->device, 1));
	vfio_close(&s->device);
	space_holders(s);
	ready(2, 1);
	vfio_must(syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_FILES,
			  NULL, 0));
	close(ring);
}

static void many(struct vfio_space *s)
{
	struct rlimit limit = {MANY + 100, MANY + 100};

	vfio_must(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < MANY; i++)
		vfio_must(open("/dev/null", O_RDONLY | O_CLOEXEC));
	plain(s);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct vfio_space *s);
	} stages[] = {
		{"plain", plain},
		{"attached", attached},
		{"twice", twice},
		{"inherited", inherited},
		{"in_flight", in_flight},
		{"in_flight_deep", in_flight_deep},
		{"mapped", mapped},
		{"shared_memory", shared_memory},
		{"vhost", vhost},
		{"kvm", kvm},
		{"kvm_two_vms", kvm_two_vms},
		{"kvm_two_groups", kvm_two_groups},
		{"kvm_device", kvm_device},
		{"unbound", unbound},
		{"removed", removed},
		{"external", external},
		{"external_unbound", external_unbound},
		{"io_uring", io_uring},
		{"many", many},
	};
	struct vfio_space space;

	for (size_t i = 0; argc == 2 && i < sizeof(stages) / sizeof(*stages);
	     i++) {
		if (strcmp(argv[1], stages[i].name))
			continue;
		vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
		stages[i].run(&space);
		return 0;
	}
	fprintf(stderr, "usage: tools_holders STAGE\n");
	return 2;
}
