// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group and its holders: in words, with the arithmetic of its users, and as
 * JSON.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/containers.h"
#include "lib/holders_text.h"
#include "lib/out.h"
#include "lib/outside.h"
#include "lib/tool.h"
#include "vfioholders_show.h"

#define WIDTH 80
#define HANG  39 /* where WHAT begins */

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

static void show_title(struct run *run, const struct held_group *g)
{
	struct text t = {};

	text_say(&t, "group %d", g->id);
	if (g->removed)
		text_say(&t, " (its devices are gone)");
	for (size_t i = 0; i < g->device_count; i++)
		text_say(&t, "%s %s", i ? "," : ":", g->devices[i].name);
	write_text(run, &t, 0, 4);
}

static void show_users(struct run *run, const struct held_group *g)
{
	struct text t = {};
	char name[64];

	if (g->attached) {
		container_name(g->container, name, sizeof(name));
		text_say(&t, "%s, ", name);
	}
	held_say_users(&t, g);
	write_text(run, &t, 2, 2);
}

static void show_holder(struct run *run, const struct holder *r)
{
	struct text t = {};

	text_say(&t, "%-8s ", holder_kind(r));
	if (r->pid)
		text_say(&t, "%7d %s ", r->pid, FIT(r->comm, -15));
	else
		text_say(&t, "%7s %-15s ", "-", "-");
	if (r->fd >= 0)
		text_say(&t, "%5d ", r->fd);
	else
		text_say(&t, "%5s ", "-");
	holder_say_what(&t, r);
	write_text(run, &t, 2, HANG);
}

/* Who has the file of something that is open and whose holder is not found. */
static void show_hints(struct run *run, const struct holders *h)
{
	struct text t = {};

	text_say(
		&t,
		"No process has it by an fd, a socket or a mapping: it is held "
		"inside the kernel. Look for a file registered with io_uring");
	for (size_t i = 0; i < h->io_uring_count && i < 8; i++)
		text_say(&t, "%s%d %s",
			 i ? ", " : " (instances: ", h->io_urings[i].pid,
			 h->io_urings[i].comm);
	text_say(&t,
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
	text_say(&t, "unaccounted:");
	if ((g->attached || g->opened) && !g->file_found)
		text_say(&t, " %s, whose file nobody is found to have;",
			 g->attached ? "the attachment, held by the group"
				     : "the group, open");
	for (size_t i = 0; i < g->device_count; i++) {
		const struct held_device *d = &g->devices[i];

		if (d->files < d->users)
			text_say(&t,
				 " device %s, open %u time%s, of which %u "
				 "found;",
				 d->name, d->open_count, plural(d->open_count),
				 d->files);
	}
	if (held_unknown_units(g))
		text_say(&t, " %u user%s that no device of the group explains;",
			 held_unknown_units(g), plural(held_unknown_units(g)));
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
		text_say(&t, "note: %s is open %u times, of which %u found",
			 d->name, d->open_count, d->files);
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

static struct json_object *json_holders(const void *data)
{
	const struct held_group *g = data;
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < g->holder_count; i++)
		json_object_array_add(list, holder_json(&g->holders[i]));
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
