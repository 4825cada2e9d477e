// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiodoctor: why a device cannot be given to a user, or whether it can.
 *
 * What is asked for (devices, a group, a process) is turned into a list of
 * devices and groups; then every table of checks is gone through for each.
 * Most of it needs no root; a check that does says so.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/drivers.h"
#include "lib/host.h"
#include "lib/outside.h"
#include "lib/out.h"
#include "lib/size.h"
#include "vfiodoctor.h"

void doctor_say(struct doctor *d, enum doctor_status status, const char *format,
		...)
{
	va_list args;

	d->status = status;
	va_start(args, format);
	vsnprintf(d->found, sizeof(d->found), format, args);
	va_end(args);
}

void doctor_also(struct doctor *d, enum doctor_status status,
		 const char *format, ...)
{
	size_t len = strlen(d->found);
	va_list args;

	if (status > DOCTOR_OK && d->status <= DOCTOR_OK)
		len = 0;
	if (status > d->status)
		d->status = status;
	if (len)
		len += snprintf(d->found + len, sizeof(d->found) - len, "; ");
	if (len >= sizeof(d->found))
		return;
	va_start(args, format);
	vsnprintf(d->found + len, sizeof(d->found) - len, format, args);
	va_end(args);
}

/* One line each, whole or not at all: half a command is another one. */
void doctor_fix(struct doctor *d, const char *format, ...)
{
	size_t len = strlen(d->fix), begin = len;
	va_list args;

	if (len)
		d->fix[len++] = '\n';
	if (len >= sizeof(d->fix) - 1) {
		d->fix[begin] = '\0';
		return;
	}
	va_start(args, format);
	if (vsnprintf(d->fix + len, sizeof(d->fix) - len, format, args) >=
	    (int)(sizeof(d->fix) - len))
		d->fix[len] = d->fix[begin] = '\0';
	va_end(args);
	outside_clean(d->fix + len);
}

/* Whether a check is among those of --only. */
static bool asked_for(const struct doctor *d, const char *check)
{
	const char *p = d->only;
	size_t len = strlen(check);

	while (p && *p) {
		size_t n = strcspn(p, ",");

		if (n == len && !strncmp(p, check, n))
			return true;
		p += n;
		p += *p == ',';
	}
	return !p;
}

static void go_through(struct doctor *d, const struct doctor_check *checks,
		       const char *target)
{
	if (!d->run->json)
		out_line(d->run, SCREEN_TITLE, "%s", target);
	for (; checks->name; checks++) {
		if (!asked_for(d, checks->name))
			continue;
		doctor_say(d, DOCTOR_NA, "nothing to say");
		d->fix[0] = '\0';
		checks->run(d);
		if (d->status == DOCTOR_UNASKED)
			continue;
		outside_clean(d->found);
		if (d->status == DOCTOR_FAIL)
			d->run->exit_code = TOOL_FOUND;
		doctor_show(d, target, checks->name);
	}
}

void doctor_add_device(struct doctor *d, const char *name)
{
	void *more;

	for (int i = 0; i < d->device_count; i++)
		if (!strcmp(d->devices[i], name))
			return;
	more = realloc(d->devices, (d->device_count + 1) * sizeof(*d->devices));
	if (!more) {
		tool_error("no memory for %s", name);
		return;
	}
	d->devices = more;
	snprintf(d->devices[d->device_count++], SYSFS_NAME_LEN, "%s", name);
}

/* All devices of a group that a user could want: bridges are not. */
static void add_group(struct doctor *d, int group)
{
	struct sysfs_list list =
		sysfs_list("/sys/kernel/iommu_groups/%d/devices", group);

	for (size_t i = 0; i < list.count; i++)
		if (sysfs_bdf(list.names[i], NULL) &&
		    !device_is_bridge(list.names[i]))
			doctor_add_device(d, list.names[i]);
	sysfs_list_free(&list);
}

static void add_process(struct doctor *d)
{
	doctor_read_arguments(d);
	for (size_t i = 0; i < d->snapshot.count; i++)
		if ((pid_t)d->snapshot.records[i].tgid == d->pid &&
		    d->snapshot.records[i].group >= 0)
			add_group(d, d->snapshot.records[i].group);
}

int doctor_group_of(const char *device)
{
	char name[SYSFS_NAME_LEN];

	if (!sysfs_link(name, sizeof(name),
			"/sys/bus/pci/devices/%s/iommu_group", device))
		return -1;
	return atoi(name);
}

/* Each group once, when the first of its devices comes. */
static bool first_of_group(const struct doctor *d, int nth)
{
	for (int i = 0; i < nth; i++)
		if (doctor_group_of(d->devices[i]) == d->group)
			return false;
	return true;
}

static void look_at_group(struct doctor *d)
{
	char target[SYSFS_NAME_LEN];

	snprintf(target, sizeof(target), "group %d", d->group);
	go_through(d, doctor_group_checks, target);
}

static void look_at_devices(struct doctor *d)
{
	for (int i = 0; i < d->device_count; i++) {
		d->device = d->devices[i];
		go_through(d, doctor_device_checks, d->device);
		d->group = doctor_group_of(d->device);
		if (d->group >= 0 && first_of_group(d, i))
			look_at_group(d);
	}
	d->device = NULL;
}

static void take_snapshot(struct doctor *d)
{
	if (!d->blind)
		d->blind = host_cannot();
	if (!d->blind && !sysfs_exists("/sys/module/vfio"))
		d->blind = "vfio is not loaded";
	if (!d->blind && (snapshot_take(&d->snapshot) < 0 ||
			  !containers_build(&d->held, &d->snapshot)))
		d->blind = "could not look at open files";
}

/* It costs more than all else: for what is asked for alone. */
static bool wants_snapshot(const struct doctor *d)
{
	return asked_for(d, "holders") || asked_for(d, "entries") ||
	       (d->pid && !d->device_count && !d->run->filter.device &&
		d->run->filter.group < 0);
}

static int tick(struct run *run)
{
	struct doctor *d = run->state;
	char target[SYSFS_NAME_LEN] = "this process", bdf[SYSFS_NAME_LEN];

	d->run = run;
	d->group = -1;
	d->pid = run->filter.pid;
	if (d->pid && kill(d->pid, 0) && errno == ESRCH) {
		tool_error("there is no process %d", d->pid);
		return -1;
	}
	if (wants_snapshot(d))
		take_snapshot(d);
	else
		d->blind = "was not looked at";
	if (run->filter.device) {
		if (!sysfs_bdf(run->filter.device, bdf)) {
			tool_error("-d takes a PCI address, such as "
				   "0000:00:10.0");
			return -1;
		}
		doctor_add_device(d, bdf);
	}
	if (run->filter.group >= 0)
		add_group(d, run->filter.group);
	if (d->pid)
		add_process(d);

	go_through(d, doctor_host_checks, "host");
	look_at_devices(d);
	/* A group of bridges alone, or one that is not there. */
	d->group = run->filter.group;
	if (d->group >= 0 && first_of_group(d, d->device_count))
		look_at_group(d);
	if (d->device_count && d->group < 0)
		d->group = doctor_group_of(d->devices[0]);
	if (d->pid)
		snprintf(target, sizeof(target), "pid %d", d->pid);
	go_through(d, doctor_process_checks, target);
	return 0;
}

static void end(struct run *run)
{
	struct doctor *d = run->state;

	containers_free(&d->held);
	snapshot_close(&d->snapshot);
	free(d->devices);
}

static int begin(struct run *run)
{
	struct doctor *d = run->state;

	/* Options are read before; zero is a size too. */
	if (!d->memory)
		d->memory = -1;
	return 0;
}

enum { OPTION_MEMORY = 'm', OPTION_ROOT = 0x200, OPTION_ONLY };

static const struct argp_option options[] = {
	{"only", OPTION_ONLY, "CHECK[,CHECK..]", 0, "Go through these alone",
	 0},
	{"root", OPTION_ROOT, "FOLDER", OPTION_HIDDEN,
	 "Look at a tree like that of a host, for tests", 0},
	{"memory", OPTION_MEMORY, "SIZE", 0,
	 "Memory that the guest is to have; K, M, G may follow", 0},
	{},
};

static const struct doctor_check *const tables[] = {
	doctor_host_checks, doctor_device_checks, doctor_group_checks,
	doctor_process_checks};

/* Whether all of these are checks. */
static bool known(const char *list)
{
	struct doctor asked = {.only = list};
	size_t words = 1, found = 0;

	for (const char *p = list; *p; p++)
		words += *p == ',';
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct doctor_check *c = tables[i]; c->name; c++)
			found += asked_for(&asked, c->name);
	return found == words;
}

static error_t option(int key, char *arg, struct run *run)
{
	struct doctor *d = run->state;

	if (key == OPTION_ROOT) {
		sysfs_set_root(arg);
		d->blind = "looks at a folder";
		return 0;
	}
	if (key == OPTION_ONLY) {
		d->only = arg;
		return known(arg) ? 0 : EINVAL;
	}
	if (key != OPTION_MEMORY)
		return ARGP_ERR_UNKNOWN;
	return size_parse(arg, &d->memory, NULL) && d->memory ? 0 : EINVAL;
}

static error_t argument(char *arg, struct run *run)
{
	char bdf[SYSFS_NAME_LEN];

	if (!sysfs_bdf(arg, bdf))
		return EINVAL;
	doctor_add_device(run->state, bdf);
	return 0;
}

static const struct tool vfiodoctor = {
	.name = "vfiodoctor",
	.summary = "Says why a device cannot be used through VFIO, or that it "
		   "can, and what to do.",
	.examples = "Examples:\n"
		    "  vfiodoctor                     the host alone\n"
		    "  vfiodoctor 0000:00:12.0 -m 4G  a device, for a guest\n"
		    "  vfiodoctor -g 12               a group and its devices\n"
		    "  vfiodoctor -p 1234             what a process has",
	.options = options,
	.option = option,
	.look = true,
	.arguments = "[BDF...]",
	.argument = argument,
	.any_device = true,
	.state_size = sizeof(struct doctor),
	.begin = begin,
	.tick = tick,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfiodoctor, argc, argv);
}
