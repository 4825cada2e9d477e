// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiodoctor: whether a device answers. One that fell off its bus, or has no
 * power, gives all ones for whatever is read.
 *
 * Reading its configuration may wake what sleeps, a bridge above it too, and may
 * wait for one that is being reset: so it is read only where all is awake, by a
 * child that nobody waits for too long.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vfiodoctor.h"

#define PCI	    "/sys/bus/pci/devices/"
#define HEAD	    64 /* bytes that every user may read */
#define PATIENCE_MS 3000

enum answer {
	ANSWERS,
	ALL_ONES,
	NO_ANSWER,
	UNREADABLE,
};

static enum answer read_head(const char *device)
{
	unsigned char head[HEAD];
	FILE *f = sysfs_open(PCI "%s/config", device);

	if (!f || read(fileno(f), head, HEAD) != HEAD)
		return UNREADABLE;
	/* A VF's ids are all ones by rule, the rest is not. */
	for (int i = 0; i < HEAD; i++)
		if (head[i] != 0xff)
			return ANSWERS;
	return ALL_ONES;
}

static enum answer ask(const char *device)
{
	enum answer answer = NO_ANSWER;
	struct pollfd ready = {.events = POLLIN};
	unsigned char told;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return UNREADABLE;
	child = fork();
	if (!child) {
		told = read_head(device);
		_exit(write(ends[1], &told, 1) != 1);
	}
	close(ends[1]);
	ready.fd = ends[0];
	if (child > 0 && poll(&ready, 1, PATIENCE_MS) == 1 &&
	    read(ends[0], &told, 1) == 1)
		answer = told;
	close(ends[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, answer == NO_ANSWER ? WNOHANG : 0);
	}
	return answer;
}

static bool sleeps(const char *path)
{
	char status[32];

	sysfs_read(status, sizeof(status), "%s/power/runtime_status", path);
	return !strcmp(status, "suspended") || !strcmp(status, "suspending");
}

/* Whether a bridge above it sleeps, which reading would wake. */
static bool asleep_above(const char *device, char *bridge, size_t size)
{
	char path[PATH_MAX], *slash;

	if (!sysfs_resolve(path, PCI "%s", device))
		return false;
	while ((slash = strrchr(path, '/'))) {
		*slash = '\0';
		slash = strrchr(path, '/');
		if (!slash || !sysfs_bdf(slash + 1, NULL))
			return false;
		if (sleeps(path)) {
			snprintf(bridge, size, "%s", slash + 1);
			return true;
		}
	}
	return false;
}

static void fix_dead(struct doctor *d)
{
	doctor_fix(d, "# is it plugged in and powered? With no user left, have "
		      "it found anew:");
	doctor_fix(d, "echo 1 >" PCI "%s/remove", d->device);
	doctor_fix(d, "echo 1 >/sys/bus/pci/rescan");
	doctor_fix(d, "# if that brings nothing: power the host off and on "
		      "again, a reboot leaves the device as it is");
}

static void say_cold(struct doctor *d, bool suspended)
{
	if (suspended)
		doctor_say(d, DOCTOR_WARN,
			   "sleeps without power (D3cold): not asked, as that "
			   "would wake it; where it cannot wake, opening fails "
			   "(\"device inaccessible\")");
	else
		doctor_say(d, DOCTOR_FAIL,
			   "without power (D3cold), and it is not asleep: it "
			   "could not be woken, or fell off its bus");
	if (!suspended)
		fix_dead(d);
	doctor_fix(d, "echo 0 >" PCI "%s/d3cold_allowed", d->device);
	doctor_fix(d, "echo on >" PCI "%s/power/control", d->device);
	doctor_fix(d, "# so it stays awake until the next boot; for good: "
		      "options vfio-pci disable_idle_d3=1 in /etc/modprobe.d");
}

static void say_answer(struct doctor *d, const char *state)
{
	switch (ask(d->device)) {
	case ANSWERS:
		doctor_say(d, DOCTOR_OK, "it does%s%s",
			   *state ? ", power " : "", state);
		break;
	case ALL_ONES:
		doctor_say(d, DOCTOR_FAIL,
			   "it does not: its configuration space is all ones "
			   "(unplugged, without power, or its link is down)");
		fix_dead(d);
		break;
	case NO_ANSWER:
		doctor_say(d, DOCTOR_FAIL,
			   "reading its configuration space does not end "
			   "within 3 s: it is being reset, or hangs");
		doctor_fix(d, "# if it stays so: power the host off and on "
			      "again");
		break;
	default:
		doctor_say(d, DOCTOR_NA, "its configuration cannot be read");
	}
}

void doctor_check_answers(struct doctor *d)
{
	char state[32], bridge[SYSFS_NAME_LEN], path[PATH_MAX];
	bool asleep;

	if (!sysfs_exists(PCI "%s", d->device)) {
		doctor_say(d, DOCTOR_NA, "no such device");
		return;
	}
	sysfs_read(state, sizeof(state), PCI "%s/power_state", d->device);
	asleep = sysfs_resolve(path, PCI "%s", d->device) && sleeps(path);
	if (!strcmp(state, "D3cold"))
		say_cold(d, asleep);
	else if (asleep_above(d->device, bridge, sizeof(bridge)))
		doctor_say(d, DOCTOR_NA,
			   "%s above it sleeps: not asked, as that would wake "
			   "it",
			   bridge);
	else
		say_answer(d, strcmp(state, "unknown") ? state : "");
}
