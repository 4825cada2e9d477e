// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiodoctor: why a device cannot be given to a user, or whether it can.
 *
 * What is asked for (devices, a group, a process) is turned into a list of
 * devices and groups; then every table of checks is gone through for each.
 * Most of it needs no root; a check that does says so.
 */
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include "lib/host.h"
#include "lib/names.h"
#include "lib/out.h"
#include "lib/size.h"
#include "vfiodoctor.h"

#define MIB_SHIFT 20
#define INDENT	  17 /* where what was found begins */
#define WIDTH	  80

static const char *const words[] = {
	[DOCTOR_NA] = "n/a",
	[DOCTOR_OK] = "OK",
	[DOCTOR_WARN] = "WARN",
	[DOCTOR_FAIL] = "FAIL",
};

void doctor_say(struct doctor *d, enum doctor_status status, const char *format,
		...)
{
	va_list args;

	d->status = status;
	va_start(args, format);
	vsnprintf(d->found, sizeof(d->found), format, args);
	va_end(args);
}

void doctor_fix(struct doctor *d, const char *format, ...)
{
	size_t len = strlen(d->fix);
	va_list args;

	if (len && len + 1 < sizeof(d->fix))
		d->fix[len++] = '\n';
	va_start(args, format);
	vsnprintf(d->fix + len, sizeof(d->fix) - len, format, args);
	va_end(args);
}

/* A row of JSON. */
struct row {
	char target[SYSFS_NAME_LEN];
	char check[32];
	char status[8];
	char found[DOCTOR_TEXT];
	char fix[DOCTOR_TEXT];
};

#define TEXT(name) COLUMN(#name, NULL, 0, 0, COLUMN_TEXT, struct row, name)

static void print_json(struct doctor *d, const char *target, const char *check)
{
	static const struct column columns[] = {
		TEXT(target), TEXT(check), TEXT(status), TEXT(found), TEXT(fix),
	};
	static const struct table table = {columns, sizeof(columns) /
							    sizeof(columns[0])};
	struct row row;

	snprintf(row.target, sizeof(row.target), "%s", target);
	snprintf(row.check, sizeof(row.check), "%s", check);
	snprintf(row.status, sizeof(row.status), "%s", words[d->status]);
	memcpy(row.found, d->found, sizeof(row.found));
	memcpy(row.fix, d->fix, sizeof(row.fix));
	out_json(d->run, &table, &row);
}

/* Breaks at blanks, and begins every line below the first. */
static void print_wrapped(struct run *run, const char *head, const char *text)
{
	const int room = WIDTH - INDENT;

	while (*text) {
		int len = strlen(text);

		if (len > room) {
			for (len = room; len && text[len] != ' '; len--)
				;
			if (!len)
				len = room;
		}
		out_line(run, SCREEN_PLAIN, "%-*s%.*s", INDENT, head, len,
			 text);
		head = "";
		text += len;
		while (*text == ' ')
			text++;
	}
}

static void print_text(struct doctor *d, const char *check)
{
	char head[INDENT + 1], *line, *save;
	const char *fix = "fix:";

	snprintf(head, sizeof(head), "%-4s %-11s", words[d->status], check);
	print_wrapped(d->run, head, d->found);
	for (line = strtok_r(d->fix, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		out_line(d->run, SCREEN_PLAIN, "  %-4s %s", fix, line);
		fix = "";
	}
}

static void go_through(struct doctor *d, const struct doctor_check *checks,
		       const char *target)
{
	if (!d->run->json)
		out_line(d->run, SCREEN_TITLE, "%s", target);
	for (; checks->name; checks++) {
		doctor_say(d, DOCTOR_NA, "nothing to say");
		d->fix[0] = '\0';
		checks->run(d);
		names_clean(d->found);
		if (d->status == DOCTOR_FAIL)
			d->run->exit_code = TOOL_FOUND;
		if (d->run->json)
			print_json(d, target, checks->name);
		else
			print_text(d, checks->name);
	}
}

static void add_device(struct doctor *d, const char *name)
{
	for (int i = 0; i < d->device_count; i++)
		if (!strcmp(d->devices[i], name))
			return;
	if (d->device_count < DOCTOR_DEVICES)
		snprintf(d->devices[d->device_count++], SYSFS_NAME_LEN, "%s",
			 name);
}

/* All devices of a group that a user could want: bridges are not. */
static void add_group(struct doctor *d, int group)
{
	struct sysfs_list list =
		sysfs_list("/sys/kernel/iommu_groups/%d/devices", group);

	for (size_t i = 0; i < list.count; i++)
		if (sysfs_number("/sys/bus/pci/devices/%s/class",
				 list.names[i]) >>
			    16 !=
		    6)
			add_device(d, list.names[i]);
	sysfs_list_free(&list);
}

/* QEMU's arguments name devices and memory before either is used. */
static void read_arguments(struct doctor *d)
{
	char path[64], buf[65536], *arg, *host;
	const char *rest;
	int64_t size;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", d->pid);
	f = fopen(path, "re");
	len = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;
	if (f)
		fclose(f);
	buf[len] = '\0';
	for (arg = buf; arg < buf + len; arg += strlen(arg) + 1) {
		char *value = arg + strlen(arg) + 1;

		if (value >= buf + len)
			break;
		if (!strcmp(arg, "-device") && strstr(value, "vfio-pci") &&
		    (host = strstr(value, "host="))) {
			char name[SYSFS_NAME_LEN];

			snprintf(name, sizeof(name), "%.*s",
				 (int)strcspn(host + 5, ","), host + 5);
			add_device(d, name);
		}
		if (strcmp(arg, "-m") || d->memory >= 0)
			continue;
		if (!strncmp(value, "size=", 5))
			value += 5;
		if (!size_parse(value, &size, &rest))
			continue;
		/* Without a unit it is MiB. */
		d->memory = rest[-1] >= '0' && rest[-1] <= '9'
				    ? size << MIB_SHIFT
				    : size;
		d->memory_by_pid = true;
	}
}

static void add_process(struct doctor *d)
{
	read_arguments(d);
	for (size_t i = 0; i < d->snapshot.count; i++)
		if ((pid_t)d->snapshot.records[i].tgid == d->pid &&
		    d->snapshot.records[i].group >= 0)
			add_group(d, d->snapshot.records[i].group);
}

static int group_of(const char *device)
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
		if (group_of(d->devices[i]) == d->group)
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
		d->group = group_of(d->device);
		if (d->group >= 0 && first_of_group(d, i))
			look_at_group(d);
	}
	d->device = NULL;
}

static void take_snapshot(struct doctor *d)
{
	d->blind = host_cannot();
	if (!d->blind && !sysfs_exists("/sys/module/vfio"))
		d->blind = "vfio is not loaded";
	if (!d->blind && (snapshot_take(&d->snapshot) < 0 ||
			  !containers_build(&d->held, &d->snapshot)))
		d->blind = "could not look at open files";
}

static int tick(struct run *run)
{
	struct doctor *d = run->state;
	char target[SYSFS_NAME_LEN] = "this process";

	d->run = run;
	d->group = -1;
	d->pid = run->filter.pid;
	if (d->pid && kill(d->pid, 0) && errno == ESRCH) {
		tool_error("there is no process %d", d->pid);
		return -1;
	}
	take_snapshot(d);
	if (run->filter.device)
		add_device(d, run->filter.device);
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
		d->group = group_of(d->devices[0]);
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
}

static int begin(struct run *run)
{
	struct doctor *d = run->state;

	/* Options are read before; zero is a size too. */
	if (!d->memory)
		d->memory = -1;
	return 0;
}

enum { OPTION_MEMORY = 'm' };

static const struct argp_option options[] = {
	{"memory", OPTION_MEMORY, "SIZE", 0,
	 "Memory that the guest is to have; K, M, G may follow", 0},
	{},
};

static error_t option(int key, char *arg, struct run *run)
{
	struct doctor *d = run->state;

	if (key != OPTION_MEMORY)
		return ARGP_ERR_UNKNOWN;
	return size_parse(arg, &d->memory, NULL) && d->memory ? 0 : EINVAL;
}

static error_t argument(char *arg, struct run *run)
{
	if (strchr(arg, '/') || !strchr(arg, ':'))
		return EINVAL;
	add_device(run->state, arg);
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
