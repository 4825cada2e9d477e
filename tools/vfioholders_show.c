// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group and its holders: in words, with the arithmetic of its users, and as
 * JSON.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/out.h"
#include "lib/tool.h"
#include "vfioholders_show.h"

#define WIDTH 80
#define HANG  39 /* where WHAT begins */

static const char *const kinds[] = {
	[HOLDER_PROCESS] = "process",
	[HOLDER_MMAP] = "mmap",
	[HOLDER_MM] = "mm",
	[HOLDER_KVM] = "kvm",
	[HOLDER_EXTERNAL] = "external",
	[HOLDER_UNBIND] = "unbind",
};

static const char *const whats[] = {
	[HOLDER_CONTAINER] = "container",
	[HOLDER_GROUP] = "group",
	[HOLDER_DEVICE] = "device",
	[HOLDER_KVM_VFIO] = "kvm_vfio",
};

/* Text that grows, broken into lines at spaces where it is written. */
struct text {
	char buf[1024];
	size_t len;
};

static void say(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, format, args);
	va_end(args);
	t->len += len > 0 ? len : 0;
	if (t->len >= sizeof(t->buf))
		t->len = sizeof(t->buf) - 1;
}

/* @hang: how much further the second line begins, and those after it. */
static void write_text(struct run *run, struct text *t, int indent, int hang)
{
	char *line = t->buf, *end;

	while (strlen(line) + indent > WIDTH) {
		end = line + WIDTH - indent;
		while (end > line && *end != ' ')
			end--;
		if (end == line)
			break;
		*end = '\0';
		out_line(run, SCREEN_PLAIN, "%*s%s", indent, "", line);
		line = end + 1;
		indent += hang;
		hang = 0;
	}
	out_line(run, SCREEN_PLAIN, "%*s%s", indent, "", line);
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static void show_title(struct run *run, const struct held_group *g)
{
	struct text t = {};

	say(&t, "group %d", g->id);
	if (g->removed)
		say(&t, " (its devices are gone)");
	for (size_t i = 0; i < g->device_count; i++)
		say(&t, "%s %s", i ? "," : ":", g->devices[i].name);
	write_text(run, &t, 0, 4);
}

static unsigned device_units(const struct held_group *g)
{
	unsigned units = 0;

	for (size_t i = 0; i < g->device_count; i++)
		units += g->devices[i].users;
	return units;
}

/* Users that are neither of what a group is known to have. */
static unsigned unknown_units(const struct held_group *g)
{
	unsigned known = g->attached + device_units(g) + g->external;

	return g->users > known ? g->users - known : 0;
}

static void show_users(struct run *run, const struct held_group *g)
{
	unsigned devices = device_units(g);
	struct text t = {};

	if (!g->attached && !g->opened) {
		say(&t, g->holder_count ? "not open, in no container"
					: "not open, in no container: nobody "
					  "holds it");
	} else if (!g->attached) {
		say(&t, "open, in no container");
	} else {
		say(&t, "container %u, %u user%s = 1 attachment", g->container,
		    g->users, plural(g->users));
		if (devices)
			say(&t, " + %u open device%s%s", devices,
			    g->per_file ? " file" : "", plural(devices));
		if (g->external)
			say(&t, " + %u external", g->external);
		if (unknown_units(g))
			say(&t, " + %u unknown", unknown_units(g));
		say(&t, "; %s", g->unaccounted ? "" : "all accounted for");
		if (g->unaccounted)
			say(&t, "%u NOT ACCOUNTED FOR", g->unaccounted);
	}
	write_text(run, &t, 2, 2);
}

static void say_mapping(struct text *t, const struct holder *r)
{
	if (r->bytes >> 20 && !(r->bytes & 0xfffff))
		say(t, ", %llu MiB", (unsigned long long)r->bytes >> 20);
	else
		say(t, ", %llu KiB", (unsigned long long)r->bytes >> 10);
	say(t, "%s", r->closed ? ", fd closed" : "");
}

static void show_holder(struct run *run, const struct holder *r)
{
	struct text t = {};

	say(&t, "%-8s ", kinds[r->kind]);
	if (r->pid)
		say(&t, "%7d %-15s ", r->pid, r->comm);
	else
		say(&t, "%7s %-15s ", "-", "-");
	if (r->fd >= 0)
		say(&t, "%5d ", r->fd);
	else
		say(&t, "%5s ", "-");
	if (r->kind == HOLDER_KVM)
		say(&t, "%s's file, by its VM",
		    *r->device ? r->device : "group");
	else if (r->kind == HOLDER_UNBIND)
		say(&t, "waits for %s to be closed", r->device);
	else if (r->kind == HOLDER_EXTERNAL)
		say(&t, "group, by code in the kernel, %u user%s", r->count,
		    plural(r->count));
	else
		say(&t, "%s%s%s", whats[r->what], *r->device ? " " : "",
		    r->device);
	if (r->socket)
		say(&t, ", in flight over a socket");
	if (r->kind == HOLDER_MMAP)
		say_mapping(&t, r);
	if (r->kind == HOLDER_MM)
		say(&t, ", shares the memory");
	write_text(run, &t, 2, HANG);
}

/* Who has the file of something that is open and whose holder is not found. */
static void show_hints(struct run *run, const struct holders *h)
{
	struct text t = {};

	say(&t, "No process has it by an fd, a socket or a mapping: it is held "
		"inside the kernel. Look for a file registered with io_uring");
	for (size_t i = 0; i < h->io_uring_count && i < 8; i++)
		say(&t, "%s%d %s",
		    i ? ", " : " (instances: ", h->io_urings[i].pid,
		    h->io_urings[i].comm);
	say(&t,
	    "%s, I/O in flight, a process that is still closing it, or a "
	    "reference that a driver leaked.",
	    h->io_uring_count ? ")" : " (there is no instance now)");
	write_text(run, &t, 2, 2);
}

static void show_unaccounted(struct run *run, const struct holders *h,
			     const struct held_group *g)
{
	struct text t = {};

	if (!g->unaccounted)
		return;
	say(&t, "unaccounted:");
	if ((g->attached || g->opened) && !g->file_found)
		say(&t, " %s, whose file nobody is found to have;",
		    g->attached ? "the attachment, held by the group"
				: "the group, open");
	for (size_t i = 0; i < g->device_count; i++) {
		const struct held_device *d = &g->devices[i];

		if (d->files < d->users)
			say(&t,
			    " device %s, open %u time%s, of which %u found;",
			    d->name, d->open_count, plural(d->open_count),
			    d->files);
	}
	if (unknown_units(g))
		say(&t, " %u user%s that no device of the group explains;",
		    unknown_units(g), plural(unknown_units(g)));
	t.buf[t.len - 1] = '.';
	write_text(run, &t, 2, 2);
	show_hints(run, h);
}

/* Not a user, but it will keep the device open when the others have gone. */
static void show_further_files(struct run *run, const struct held_group *g)
{
	for (size_t i = 0; i < g->device_count; i++) {
		const struct held_device *d = &g->devices[i];
		struct text t = {};

		if (!d->files || d->files >= d->open_count || g->per_file)
			continue;
		say(&t, "note: %s is open %u times, of which %u found", d->name,
		    d->open_count, d->files);
		write_text(run, &t, 2, 2);
	}
}

void show_time(struct run *run)
{
	time_t now = time(NULL);
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%T", localtime_r(&now, &tm));
	out_line(run, SCREEN_PLAIN, "%s", text);
}

void show_text(struct run *run, const struct holders *h,
	       const struct held_group *g, bool first)
{
	if (!first)
		out_line(run, SCREEN_PLAIN, "%s", "");
	show_title(run, g);
	show_users(run, g);
	if (g->holder_count)
		out_line(run, SCREEN_HEADER, "  %-8s %7s %-15s %5s %s", "KIND",
			 "PID", "COMM", "FD", "WHAT");
	for (size_t i = 0; i < g->holder_count; i++)
		show_holder(run, &g->holders[i]);
	show_unaccounted(run, h, g);
	show_further_files(run, g);
}

static struct json_object *json_devices(const void *data)
{
	const struct held_group *g = data;
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < g->device_count; i++)
		json_object_array_add(
			list, json_object_new_string(g->devices[i].name));
	return list;
}

static struct json_object *json_container(const void *data)
{
	const struct held_group *g = data;

	return g->attached ? json_object_new_int64(g->container) : NULL;
}

static struct json_object *json_users(const void *data)
{
	return json_object_new_int64(((struct held_group *)data)->users);
}

static struct json_object *json_accounted(const void *data)
{
	return json_object_new_int64(((struct held_group *)data)->accounted);
}

static struct json_object *json_unaccounted(const void *data)
{
	return json_object_new_int64(((struct held_group *)data)->unaccounted);
}

static struct json_object *json_text(const char *s)
{
	return *s ? json_object_new_string(s) : NULL;
}

static struct json_object *json_holder(const struct holder *r)
{
	struct json_object *o = json_object_new_object();
	bool mapped = r->kind == HOLDER_MMAP;
	const char *via = NULL;

	if (r->kind == HOLDER_PROCESS)
		via = r->socket ? "socket" : "fd";
	json_object_object_add(o, "kind", json_text(kinds[r->kind]));
	json_object_object_add(o, "pid",
			       r->pid ? json_object_new_int(r->pid) : NULL);
	json_object_object_add(o, "comm", json_text(r->comm));
	json_object_object_add(o, "fd",
			       r->fd >= 0 ? json_object_new_int(r->fd) : NULL);
	json_object_object_add(o, "what", json_text(whats[r->what]));
	json_object_object_add(o, "device", json_text(r->device));
	json_object_object_add(o, "via", via ? json_text(via) : NULL);
	json_object_object_add(o, "bytes",
			       mapped ? json_object_new_int64(r->bytes) : NULL);
	json_object_object_add(o, "ranges",
			       mapped ? json_object_new_int(r->ranges) : NULL);
	json_object_object_add(o, "count",
			       r->kind == HOLDER_EXTERNAL
				       ? json_object_new_int64(r->count)
				       : NULL);
	return o;
}

static struct json_object *json_holders(const void *data)
{
	const struct held_group *g = data;
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < g->holder_count; i++)
		json_object_array_add(list, json_holder(&g->holders[i]));
	return list;
}

static struct json_object *json_group(const void *data)
{
	return json_object_new_int(((struct held_group *)data)->id);
}

void show_json(struct run *run, const struct held_group *g)
{
	static const struct column columns[] = {
		{.key = "group", .type = COLUMN_OWN, .json = json_group},
		{.key = "devices", .type = COLUMN_OWN, .json = json_devices},
		{.key = "container",
		 .type = COLUMN_OWN,
		 .json = json_container},
		{.key = "container_users",
		 .type = COLUMN_OWN,
		 .json = json_users},
		{.key = "accounted",
		 .type = COLUMN_OWN,
		 .json = json_accounted},
		{.key = "unaccounted",
		 .type = COLUMN_OWN,
		 .json = json_unaccounted},
		{.key = "holders", .type = COLUMN_OWN, .json = json_holders},
	};
	static const struct table table = {columns, sizeof(columns) /
							    sizeof(columns[0])};

	out_json(run, &table, g);
}
