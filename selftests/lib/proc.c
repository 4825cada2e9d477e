// SPDX-License-Identifier: GPL-2.0-only
/* Figures of /proc, privileges and limits. */
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/proc.h"
#include "lib/vfio.h"

static long field_of(const char *path, const char *field)
{
	size_t len = strlen(field);
	char line[256];
	long value = -1;
	FILE *file = fopen(path, "r");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, field, len) && strchr(": \t", line[len])) {
			value = atol(line + len + 1);
			break;
		}
	}
	fclose(file);
	return value;
}

long proc_status_kb(pid_t pid, const char *field)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid ? pid : getpid());
	return field_of(path, field);
}

long proc_vmstat(const char *field)
{
	return field_of("/proc/vmstat", field);
}

long pinned_pages(void)
{
	char nothing[1];
	int fd = open("/proc/sys/vm/stat_refresh", O_RDONLY | O_CLOEXEC);
	long released;

	/* The figures are kept by CPU and folded lazily; this folds them now. */
	if (fd >= 0) {
		if (read(fd, nothing, sizeof(nothing)) < 0)
			vfio_die("stat_refresh: %m");
		close(fd);
	}
	released = proc_vmstat("nr_foll_pin_released");

	return proc_vmstat("nr_foll_pin_acquired") - released;
}

bool pinned_settles(long pinned)
{
	for (int i = 0; i < 3000; i++) {
		if (pinned_pages() == pinned)
			return true;
		usleep(5000);
	}
	return false;
}

bool ours_loaded(void)
{
	return !access("/sys/kernel/tracing/events/vfio/vfio_container_open",
		       F_OK);
}

bool kernel_has(const char *function)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512], name[256];
	bool found = false;

	if (!file)
		vfio_die("kallsyms: %m");
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*s %*s %255s", name) == 1 &&
			!strcmp(name, function);
	fclose(file);
	return found;
}

bool kernel_at_least(int major, int minor)
{
	struct utsname name;
	int a, b;

	if (uname(&name) || sscanf(name.release, "%d.%d", &a, &b) != 2)
		vfio_die("uname: %m");
	return a > major || (a == major && b >= minor);
}

long module_refs(const char *module)
{
	char path[96], line[32];
	FILE *file;
	long refs = -1;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (fgets(line, sizeof(line), file))
		refs = atol(line);
	fclose(file);
	return refs;
}

void drop_ipc_lock(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		vfio_die("capget: %m");
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	if (syscall(SYS_capset, &header, data))
		vfio_die("capset: %m");
}

void set_memlock(unsigned long bytes)
{
	struct rlimit limit = {bytes, bytes};

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		vfio_die("setrlimit: %m");
}

pid_t child_start(void (*body)(void *), void *arg)
{
	int ends[2];
	char byte;
	pid_t pid;

	fflush(stdout);
	if (pipe(ends))
		vfio_die("pipe: %m");
	pid = fork();
	if (pid < 0)
		vfio_die("fork: %m");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		body(arg);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		vfio_die("the child ended too early");
	close(ends[0]);
	return pid;
}

void child_kill(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		vfio_die("waitpid: %m");
}

int run_child(int (*body)(void *), void *arg)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		vfio_die("fork: %m");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, 9);
		_exit(body(arg));
	}
	if (waitpid(pid, &status, 0) != pid)
		vfio_die("waitpid: %m");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
