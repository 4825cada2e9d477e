// SPDX-License-Identifier: GPL-2.0-only
/* What a person calls a process: its comm, its VM, its pod. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names.h"
#include "outside.h"
#include "replay.h"

void names_clean(char *name)
{
	outside_clean(name);
}

/* Reads a file of /proc/PID; the result ends with a NUL that is not counted. */
static ssize_t read_proc(pid_t pid, const char *file, char *buf, size_t size)
{
	ssize_t got = 0, len = 0;
	char path[64];
	int fd;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while ((size_t)len < size - 1) {
		got = read(fd, buf + len, size - 1 - len);
		if (got <= 0)
			break;
		len += got;
	}
	close(fd);
	buf[len] = '\0';
	return got < 0 ? -1 : len;
}

/* A name of a process that is in the recording, "" when it is not. */
static bool recorded(const char *recorded, char *name, size_t size)
{
	outside_copy(name, size, recorded ?: "");
	return *name;
}

bool names_comm(pid_t pid, char *name, size_t size)
{
	const struct record_names *known;
	ssize_t len;

	if (replay_active()) {
		known = replay_names(pid);
		return recorded(known ? known->comm : NULL, name, size);
	}
	len = read_proc(pid, "comm", name, size);
	if (len <= 0) {
		name[0] = '\0';
		return false;
	}
	if (name[len - 1] == '\n')
		name[len - 1] = '\0';
	names_clean(name);
	return true;
}

bool names_exiting(pid_t pid)
{
	char buf[128];

	return read_proc(pid, "statm", buf, sizeof(buf)) <= 0 ||
	       !strncmp(buf, "0 ", 2);
}

/* -name NAME, -name guest=NAME,..., and --name for what spells it so. */
static bool qemu_name(pid_t pid, char *name, size_t size)
{
	char buf[8192], *arg, *value, *guest;
	ssize_t len = read_proc(pid, "cmdline", buf, sizeof(buf));

	for (arg = buf; len > 0 && arg < buf + len; arg += strlen(arg) + 1) {
		if (strcmp(arg, "-name") && strcmp(arg, "--name"))
			continue;
		value = arg + strlen(arg) + 1;
		if (value >= buf + len)
			return false;
		guest = strstr(value, "guest=");
		if (guest && (guest == value || guest[-1] == ','))
			value = guest + strlen("guest=");
		value[strcspn(value, ",")] = '\0';
		outside_copy(name, size, value);
		return *name;
	}
	return false;
}

/* systemd writes bytes that may not be in a unit's name as \xNN. */
static void unescape(char *s)
{
	char *to = s, hex[3] = {};

	while (*s) {
		if (s[0] == '\\' && s[1] == 'x' && s[2] && s[3]) {
			hex[0] = s[2];
			hex[1] = s[3];
			*to++ = strtol(hex, NULL, 16);
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* Looks for MARK in a cgroup path and takes what follows, up to END. */
static bool after(const char *path, const char *mark, const char *end,
		  const char *prefix, char *name, size_t size)
{
	const char *found = strstr(path, mark), *stop;
	char part[256], whole[sizeof(part) + 16];

	if (!found)
		return false;
	found += strlen(mark);
	stop = strstr(found, end);
	if (!stop || stop == found)
		return false;
	snprintf(part, sizeof(part), "%.*s", (int)(stop - found), found);
	unescape(part);
	snprintf(whole, sizeof(whole), "%s%s", prefix, part);
	outside_copy(name, size, whole);
	return true;
}

bool names_cgroup(pid_t pid, char *path, size_t size)
{
	char buf[4096], *line, *save = NULL;
	const struct record_names *known;

	path[0] = '\0';
	if (replay_active()) {
		known = replay_names(pid);
		snprintf(path, size, "%s", known ? known->cgroup : "");
		return *path;
	}
	if (read_proc(pid, "cgroup", buf, sizeof(buf)) <= 0)
		return false;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		/* The unified hierarchy; else v1's that systemd names. */
		if (!strncmp(line, "0::", 3)) {
			snprintf(path, size, "%s", line + 3);
			return true;
		}
		if (strstr(line, ":name=systemd:")) {
			snprintf(path, size, "%s", strchr(line, '/') ?: "");
			return true;
		}
	}
	return false;
}

static bool cgroup_name(pid_t pid, char *name, size_t size)
{
	char path[4096];

	if (!names_cgroup(pid, path, sizeof(path)))
		return false;
	return after(path, "machine-qemu\\x2d", ".scope", "", name, size) ||
	       after(path, "machine-", ".scope", "", name, size) ||
	       after(path, "-pod", ".slice", "pod ", name, size) ||
	       after(path, "/pod", "/", "pod ", name, size) ||
	       after(path, "docker-", ".scope", "docker ", name, size) ||
	       after(path, "libpod-", ".scope", "podman ", name, size);
}

bool names_vm(pid_t pid, char *name, size_t size)
{
	const struct record_names *known;

	name[0] = '\0';
	if (replay_active()) {
		known = replay_names(pid);
		return recorded(known ? known->vm : NULL, name, size);
	}
	return qemu_name(pid, name, size) || cgroup_name(pid, name, size);
}

bool names_in_cgroup(pid_t pid, const char *cgroup)
{
	size_t len = strlen(cgroup);
	char path[4096];

	if (!names_cgroup(pid, path, sizeof(path)))
		return false;
	while (len && cgroup[len - 1] == '/')
		len--;
	return !len || (!strncmp(path + 1, cgroup, len) &&
			(!path[len + 1] || path[len + 1] == '/'));
}
