// SPDX-License-Identifier: GPL-2.0-only
/* A group's holders and the arithmetic of its users: in words, and as JSON. */
#include <stdarg.h>
#include <stdio.h>

#include "holders_text.h"

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

void text_say(struct text *t, const char *format, ...)
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

const char *plural(unsigned int n)
{
	return n == 1 ? "" : "s";
}

unsigned int held_device_units(const struct held_group *g)
{
	unsigned int units = 0;

	for (size_t i = 0; i < g->device_count; i++)
		units += g->devices[i].users;
	return units;
}

unsigned int held_unknown_units(const struct held_group *g)
{
	unsigned int known = g->attached + held_device_units(g) + g->external;

	return g->users > known ? g->users - known : 0;
}

void held_say_users(struct text *t, const struct held_group *g)
{
	unsigned devices = held_device_units(g);

	if (!g->attached && !g->opened) {
		text_say(t, g->holder_count
				    ? "not open, in no container"
				    : "not open, in no container: nobody "
				      "holds it");
	} else if (!g->attached) {
		text_say(t, "open, in no container");
	} else {
		text_say(t, "%u user%s = 1 attachment", g->users,
			 plural(g->users));
		if (devices)
			text_say(t, " + %u open device%s%s", devices,
				 g->per_file ? " file" : "", plural(devices));
		if (g->external)
			text_say(t, " + %u external", g->external);
		if (held_unknown_units(g))
			text_say(t, " + %u unknown", held_unknown_units(g));
		text_say(t, "; %s", g->unaccounted ? "" : "all accounted for");
		if (g->unaccounted)
			text_say(t, "%u NOT ACCOUNTED FOR", g->unaccounted);
	}
}

static void say_mapping(struct text *t, const struct holder *r)
{
	if (r->bytes >> 20 && !(r->bytes & 0xfffff))
		text_say(t, ", %llu MiB", (unsigned long long)r->bytes >> 20);
	else
		text_say(t, ", %llu KiB", (unsigned long long)r->bytes >> 10);
	text_say(t, "%s", r->closed ? ", fd closed" : "");
}

const char *holder_kind(const struct holder *r)
{
	return kinds[r->kind];
}

void holder_say_what(struct text *t, const struct holder *r)
{
	if (r->kind == HOLDER_KVM)
		text_say(t, "%s's file, by its VM",
			 *r->device ? r->device : "group");
	else if (r->kind == HOLDER_UNBIND)
		text_say(t, "waits for %s to be closed", r->device);
	else if (r->kind == HOLDER_EXTERNAL)
		text_say(t, "group, by code in the kernel, %u user%s", r->count,
			 plural(r->count));
	else
		text_say(t, "%s%s%s", whats[r->what], *r->device ? " " : "",
			 r->device);
	if (r->socket)
		text_say(t, ", in flight over a socket");
	if (r->kind == HOLDER_MMAP)
		say_mapping(t, r);
	if (r->kind == HOLDER_MM)
		text_say(t, "%s",
			 r->fd >= 0 ? ", in memory that this vhost device keeps"
			 : r->pid   ? ", shares the memory"
				    : ", in memory that no process has");
}

static struct json_object *json_text(const char *s)
{
	return *s ? json_object_new_string(s) : NULL;
}

struct json_object *holder_json(const struct holder *r)
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
