// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the cgroup of a process lets it open a device: v1 keeps a list of
 * what is allowed, v2 has BPF programs, of the group and of those above it. A
 * host may have both.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cgroups.h"
#include "vfiodoctor_devices.h"
#include "vfiodoctor_devprog.h"

#define MOST_PROGRAMS 64

/* "c 1:* rwm": one line must allow all that is asked for. */
static bool line_allows(const char *line, dev_t device)
{
	char type, maj[16], min[16], access[8], wanted[16];

	if (sscanf(line, "%c %15[^:]:%15s %7s", &type, maj, min, access) != 4)
		return false;
	if (type != 'c' && type != 'a')
		return false;
	snprintf(wanted, sizeof(wanted), "%u", major(device));
	if (strcmp(maj, "*") && strcmp(maj, wanted))
		return false;
	snprintf(wanted, sizeof(wanted), "%u", minor(device));
	if (strcmp(min, "*") && strcmp(min, wanted))
		return false;
	return strchr(access, 'r') && strchr(access, 'w');
}

/* 1: allowed, 0: not, negative: it cannot be read. */
static int list_allows(const struct cgroup *group, dev_t device)
{
	char path[2 * PATH_MAX + 16], *line = NULL;
	size_t room = 0;
	int allowed = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s%s/devices.list", group->mount,
		 group->path);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (!allowed && getline(&line, &room, f) > 0)
		allowed = line_allows(line, device);
	free(line);
	fclose(f);
	return allowed;
}

/* A group has no more than those above it, so these are told first. */
static void note_list(struct devices *devices, const struct cgroup *group)
{
	const size_t size = sizeof(devices->lists[0]);
	const int count = sizeof(devices->lists) / size;

	memmove(devices->lists[1], devices->lists[0], (count - 1) * size);
	if (snprintf(devices->lists[0], size, "%s%s/devices.allow",
		     group->mount, group->path) >= (int)size)
		devices->lists[0][0] = '\0';
}

static void ask_list(struct devices *devices, pid_t pid, dev_t device)
{
	struct cgroup group;
	int allowed;

	switch (cgroup_find(&group, pid, "devices")) {
	case CGROUP_NO_HIERARCHY:
		return;
	case CGROUP_OUT_OF_SIGHT:
		devices->answer = DEVICES_UNKNOWN;
		return;
	default:
		break;
	}
	snprintf(devices->group, sizeof(devices->group), "%.255s", group.path);
	allowed = list_allows(&group, device);
	if (allowed < 0)
		devices->answer = DEVICES_UNKNOWN;
	if (allowed)
		return;
	devices->answer = DEVICES_REFUSE_LIST;
	do {
		note_list(devices, &group);
	} while (cgroup_up(&group) && !list_allows(&group, device));
}

static enum devprog_answer ask_program(uint32_t id, dev_t device)
{
	struct bpf_cgroup_dev_ctx asked = {
		.access_type = (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)
				       << 16 |
			       BPF_DEVCG_DEV_CHAR,
		.major = major(device),
		.minor = minor(device)};
	enum devprog_answer answer = DEVPROG_UNKNOWN;
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info), room;
	int fd = bpf_prog_get_fd_by_id(id);
	void *insns = NULL;

	if (fd < 0)
		return answer;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		insns = malloc(info.xlated_prog_len + 1);
	room = info.xlated_prog_len;
	if (insns) {
		info = (struct bpf_prog_info){.xlated_prog_insns =
						      (uintptr_t)insns,
					      .xlated_prog_len = room};
		len = sizeof(info);
		/* Where the kernel hides them the address is given back as 0. */
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) &&
		    info.xlated_prog_insns && info.xlated_prog_len <= room)
			answer = devprog_ask(insns,
					     info.xlated_prog_len /
						     sizeof(struct bpf_insn),
					     &asked);
	}
	free(insns);
	close(fd);
	return answer;
}

/* All that apply are asked by the kernel; one that refuses is enough. */
static void ask_programs(struct devices *devices, int fd, dev_t device)
{
	uint32_t ids[MOST_PROGRAMS], count = MOST_PROGRAMS;

	if (bpf_prog_query(fd, BPF_CGROUP_DEVICE, BPF_F_QUERY_EFFECTIVE, NULL,
			   ids, &count)) {
		/* EINVAL: a kernel that knows no such programs. */
		if (errno == EPERM)
			devices->answer = DEVICES_NEEDS_ROOT;
		else if (errno != EINVAL)
			devices->answer = DEVICES_UNKNOWN;
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		switch (ask_program(ids[i], device)) {
		case DEVPROG_REFUSES:
			devices->answer = DEVICES_REFUSE_PROGRAM;
			return;
		case DEVPROG_UNKNOWN:
			devices->answer = DEVICES_UNKNOWN;
			break;
		default:
			break;
		}
	}
}

void devices_ask(struct devices *devices, pid_t pid, dev_t device)
{
	char path[2 * PATH_MAX];
	struct cgroup group;
	int fd;

	memset(devices, 0, sizeof(*devices));
	ask_list(devices, pid, device);
	if (devices->answer == DEVICES_REFUSE_LIST)
		return;
	switch (cgroup_find(&group, pid, NULL)) {
	case CGROUP_NO_HIERARCHY:
		return;
	case CGROUP_OUT_OF_SIGHT:
		devices->answer = DEVICES_UNKNOWN;
		return;
	default:
		break;
	}
	if (*group.path)
		snprintf(devices->group, sizeof(devices->group), "%.255s",
			 group.path);
	snprintf(path, sizeof(path), "%s%s", group.mount, group.path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		devices->answer =
			errno == EACCES ? DEVICES_NEEDS_ROOT : DEVICES_UNKNOWN;
		return;
	}
	ask_programs(devices, fd, device);
	close(fd);
}
