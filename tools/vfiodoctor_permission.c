// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiodoctor: whether a process may open the group and the container: that both
 * nodes are there, with the right numbers, as the process sees them; that their
 * owners, modes and ACLs let it; and that its cgroup does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/outside.h"
#include "vfiodoctor.h"
#include "vfiodoctor_devices.h"
#include "vfiodoctor_eyes.h"

#define CONTAINER "/dev/vfio/vfio"

struct access {
	struct doctor *d;
	pid_t pid; /* 0: the caller */
	struct eyes_user user;
	struct eyes eyes;
	char group[64];
	const char *paths[EYES_NODES];
	dev_t numbers[EYES_NODES]; /* which the kernel gave them */
	char root[32];		   /* before a path in a command */
};

static bool read_number(dev_t *number, const char *text)
{
	unsigned int maj, min;

	if (sscanf(text, "%u:%u", &maj, &min) != 2)
		return false;
	*number = makedev(maj, min);
	return true;
}

/* False: the kernel has made no node for the group yet. */
static bool read_numbers(struct access *a)
{
	char text[32];

	sysfs_read(text, sizeof(text), "/sys/class/vfio/%d/dev", a->d->group);
	if (!read_number(&a->numbers[0], text))
		return false;
	sysfs_read(text, sizeof(text), "/sys/class/misc/vfio/dev");
	if (!read_number(&a->numbers[1], text))
		a->numbers[1] = makedev(10, 196);
	return true;
}

static void fix_node(struct access *a, int i)
{
	const char *path = a->paths[i];

	if (!a->eyes.nodes[i].missing)
		doctor_fix(a->d, "rm %s%s", a->root, path);
	doctor_fix(a->d, "mkdir -p %s/dev/vfio", a->root);
	doctor_fix(a->d, "mknod -m %s %s%s c %u %u", i ? "666" : "600", a->root,
		   path, major(a->numbers[i]), minor(a->numbers[i]));
	if (!i && a->user.uid)
		doctor_fix(a->d, "chown %s %s%s", a->user.name, a->root, path);
	if (a->eyes.elsewhere)
		doctor_fix(a->d,
			   "# for good: start the container with both (docker "
			   "run --device=%s --device=" CONTAINER ")",
			   a->paths[0]);
}

static void blame_mode(struct access *a, int i)
{
	const struct eyes_node *node = &a->eyes.nodes[i];
	const char *path = a->paths[i];

	doctor_also(a->d, DOCTOR_FAIL, "%s may not open %s, mode %04o (EACCES)",
		    a->user.name, path, node->mode);
	if (i) {
		doctor_fix(a->d, "chmod 666 %s%s", a->root, path);
		doctor_fix(a->d, "# as the kernel has it; for good: the udev "
				 "rule that closed it");
		return;
	}
	doctor_fix(a->d, "chown %s %s%s", a->user.name, a->root, path);
	if ((node->mode & 0600) != 0600)
		doctor_fix(a->d, "chmod u+rw %s%s", a->root, path);
	doctor_fix(a->d,
		   "# for good, a udev rule: SUBSYSTEM==\"vfio\", "
		   "KERNEL==\"%d\", OWNER=\"%s\"",
		   a->d->group, a->user.name);
}

static void blame_missing(struct access *a, int i)
{
	const struct eyes_node *node = &a->eyes.nodes[i];

	if (*node->closed) {
		doctor_also(a->d, DOCTOR_FAIL,
			    "%s may not search %s, where %s is (EACCES)",
			    a->user.name, node->closed, a->paths[i]);
		doctor_fix(a->d, "chmod a+x %s%s", a->root, node->closed);
		return;
	}
	doctor_also(a->d, DOCTOR_FAIL, "%s is missing%s (%s)", a->paths[i],
		    a->eyes.elsewhere ? " where the process looks, which has a "
					"root or mounts of its own"
				      : ", though the kernel has the device "
					"ready",
		    node->missing == ENOENT ? "ENOENT"
					    : strerror(node->missing));
	fix_node(a, i);
}

static void blame_own_cgroup(struct access *a, const char *path)
{
	if (a->pid) {
		doctor_also(a->d, DOCTOR_WARN,
			    "the device cgroup of vfiodoctor itself refuses %s",
			    path);
		return;
	}
	doctor_also(a->d, DOCTOR_FAIL,
		    "the device cgroup of this process refuses %s (EPERM)",
		    path);
	doctor_fix(a->d, "# the service or container that this runs in must "
			 "allow it (DeviceAllow=, docker run --device)");
}

/* Whether the node itself would do; if not, it was said. */
static bool check_node(struct access *a, int i)
{
	const struct eyes_node *node = &a->eyes.nodes[i];

	if (node->missing) {
		blame_missing(a, i);
	} else if (!node->device || node->number != a->numbers[i]) {
		doctor_also(a->d, DOCTOR_FAIL,
			    "%s is not the device's node: it is %s %u:%u, the "
			    "kernel's number is %u:%u (ENXIO, or another "
			    "device)",
			    a->paths[i], node->device ? "c" : "no device,",
			    major(node->number), minor(node->number),
			    major(a->numbers[i]), minor(a->numbers[i]));
		fix_node(a, i);
	} else if (node->nodev) {
		doctor_also(a->d, DOCTOR_FAIL,
			    "%s is on a file system that is mounted nodev: no "
			    "device can be opened there (EACCES)",
			    a->paths[i]);
		doctor_fix(a->d, "# mount what /dev/vfio is on without nodev");
	} else if (node->refused == EPERM) {
		blame_own_cgroup(a, a->paths[i]);
	} else if (node->refused) {
		blame_mode(a, i);
	} else {
		return true;
	}
	return false;
}

static void fix_list(struct access *a, const struct devices *devices, int i)
{
	const int count = sizeof(devices->lists) / sizeof(devices->lists[0]);

	for (int n = 0; n < count; n++)
		if (outside_word(OUTSIDE_PATH, devices->lists[n]))
			doctor_fix(a->d, "echo 'c %u:%u rw' >%s",
				   major(a->numbers[i]), minor(a->numbers[i]),
				   devices->lists[n]);
}

static void blame_cgroup(struct access *a, const struct devices *devices, int i)
{
	bool list = devices->answer == DEVICES_REFUSE_LIST;

	if (a->d->status < DOCTOR_FAIL)
		doctor_also(a->d, DOCTOR_FAIL,
			    "its device cgroup, %s, refuses by %s (EPERM): "
			    "%s, c %u:%u",
			    *devices->group ? devices->group : "/",
			    list ? "its list of devices" : "a BPF program",
			    a->paths[i], major(a->numbers[i]),
			    minor(a->numbers[i]));
	else
		doctor_also(a->d, DOCTOR_FAIL, "%s, c %u:%u", a->paths[i],
			    major(a->numbers[i]), minor(a->numbers[i]));
	fix_list(a, devices, i);
}

static void check_cgroup(struct access *a, int i)
{
	struct devices devices;

	devices_ask(&devices, a->pid, a->numbers[i]);
	switch (devices.answer) {
	case DEVICES_REFUSE_LIST:
	case DEVICES_REFUSE_PROGRAM:
		blame_cgroup(a, &devices, i);
		break;
	case DEVICES_UNKNOWN:
		doctor_also(a->d, DOCTOR_WARN,
			    "what its device cgroup, %s, says of %s is not "
			    "known: it may refuse (EPERM)",
			    *devices.group ? devices.group : "/", a->paths[i]);
		break;
	case DEVICES_NEEDS_ROOT:
		doctor_also(a->d, DOCTOR_WARN,
			    "what its device cgroup says of %s needs root",
			    a->paths[i]);
		break;
	default:
		break;
	}
}

/* That of the caller was asked with the node. */
static void check_cgroups(struct access *a)
{
	if (!a->pid)
		return;
	for (int i = 0; i < EYES_NODES; i++)
		check_cgroup(a, i);
	if (a->d->status == DOCTOR_FAIL)
		doctor_fix(a->d,
			   "# for good: DeviceAllow=%s rw in its unit, "
			   "cgroup_device_acl of libvirt's qemu.conf, or "
			   "docker run --device=%s",
			   a->paths[0], a->paths[0]);
}

/* SELinux or AppArmor may refuse yet: whom they let nobody can ask. */
static void add_label(struct access *a)
{
	char label[256];

	if (a->d->status != DOCTOR_OK)
		return;
	if (a->pid)
		sysfs_read(label, sizeof(label), "/proc/%d/attr/current",
			   a->pid);
	else
		sysfs_read(label, sizeof(label), "/proc/self/attr/current");
	if (!*label || !strcmp(label, "unconfined") ||
	    strstr(label, ":unconfined_t:"))
		return;
	doctor_also(a->d, DOCTOR_OK,
		    "whether the security module lets %s do it is not known",
		    label);
}

static bool look(struct access *a)
{
	static const char *const whys[] = {
		[EYES_GONE] = "no such process",
		[EYES_NEEDS_ROOT] = "needs root: to look as that process would",
		[EYES_SLOW] = "no answer within 5 s: a file system hangs where "
			      "that process looks",
	};
	enum eyes_status status;

	status = eyes_look(&a->eyes, a->pid, &a->user, a->paths);
	if (status == EYES_SAW)
		return true;
	doctor_say(a->d, DOCTOR_NA, "%s", whys[status]);
	return false;
}

static void check_both(struct access *a)
{
	bool found = true;

	doctor_say(a->d, DOCTOR_OK, "%s may open %s, mode %04o, and " CONTAINER,
		   a->user.name, a->paths[0], a->eyes.nodes[0].mode);
	for (int i = 0; i < EYES_NODES; i++)
		found &= check_node(a, i);
	if (found)
		check_cgroups(a);
	add_label(a);
}

void doctor_check_permission(struct doctor *d)
{
	struct access a = {.d = d, .pid = d->pid};

	snprintf(a.group, sizeof(a.group), "/dev/vfio/%d", d->group);
	a.paths[0] = a.group;
	a.paths[1] = CONTAINER;
	if (!read_numbers(&a)) {
		doctor_say(d, DOCTOR_NA,
			   "%s comes when a device of the group is bound to "
			   "vfio-pci",
			   a.group);
		return;
	}
	if (!eyes_user(&a.user, d->pid ?: getpid())) {
		doctor_say(d, DOCTOR_NA, "no such process");
	} else if (look(&a)) {
		if (a.eyes.elsewhere)
			snprintf(a.root, sizeof(a.root), "/proc/%d/root",
				 d->pid);
		check_both(&a);
	}
	free(a.user.groups);
}
