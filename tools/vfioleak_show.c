// SPDX-License-Identifier: GPL-2.0-only
/* What is outstanding, like things together, as text and as JSON. */
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/containers.h"
#include "lib/names.h"
#include "lib/out.h"
#include "lib/outside.h"
#include "lib/tool.h"
#include "vfioleak_show.h"

#define STACK_COLUMNS 70

static const char *const kinds[LEAK_KINDS] = {
	"container", "group",	"device", "attachment", "users",
	"reference", "mapping", "pin",	  "external",	"kvm"};

/* enum vfio_container_user_reason, enum vfio_group_ref_reason */
static const char *const user_reasons[] = {"attach", "device_open", "external"};
static const char *const reference_reasons[] = {"device", "file", "container",
						"external"};

static const char *reason_of(const struct leak_item *item)
{
	if (item->kind == LEAK_USER && item->reason < 3)
		return user_reasons[item->reason];
	if (item->kind == LEAK_REFERENCE && item->reason < 4)
		return reference_reasons[item->reason];
	return NULL;
}

static bool alive(pid_t pid)
{
	return pid > 0 && !kill(pid, 0);
}

/* The container of what is told by its group alone. */
static uint32_t container_of(const struct leak_books *books,
			     const struct leak_item *item)
{
	if (item->container)
		return item->container;
	for (size_t i = 0; i < books->count; i++)
		if (books->items[i].kind == LEAK_ATTACHMENT &&
		    books->items[i].group == item->group)
			return books->items[i].container;
	return 0;
}

/* A container's things are of all its groups; those of a group have their own. */
static bool wanted(const struct run *run, const struct leak_books *books,
		   const struct leak_item *item)
{
	int groups[CONTAINER_GROUPS];
	size_t count = 0;

	if (item->group >= 0)
		groups[count++] = item->group;
	for (size_t i = 0; item->group < 0 && i < books->count; i++) {
		const struct leak_item *other = &books->items[i];

		if (other->kind == LEAK_ATTACHMENT &&
		    other->container == item->container &&
		    count < CONTAINER_GROUPS)
			groups[count++] = other->group;
	}
	return filter_match(&run->filter, item->tgid, groups, count);
}

static bool alike(const struct leak_item *a, const struct leak_item *b)
{
	return a->kind == b->kind && a->container == b->container &&
	       a->group == b->group && a->reason == b->reason &&
	       a->tgid == b->tgid && a->stack == b->stack &&
	       a->before == b->before && !strcmp(a->device, b->device);
}

static void add(const struct leak_item *item, void *arg)
{
	struct leak_list *list = arg;
	struct leak_group *g;

	for (size_t i = list->count; i-- > 0;) {
		g = &list->groups[i];
		if (!alike(&g->item, item))
			continue;
		g->count += item->count;
		g->bytes += item->size;
		if (item->ts < g->item.ts)
			g->item.ts = item->ts;
		return;
	}
	if ((list->family_only && !item->family) ||
	    (!item->before && item->ts > list->older_than_ns) ||
	    !wanted(list->run, list->books, item))
		return;
	g = realloc(list->groups, (list->count + 1) * sizeof(*g));
	if (!g) {
		list->failed = true;
		return;
	}
	list->groups = g;
	g[list->count++] = (struct leak_group){
		.item = *item, .count = item->count, .bytes = item->size};
}

static int compare(const void *a, const void *b)
{
	const struct leak_group *x = a, *y = b;

	if (x->item.kind != y->item.kind)
		return x->item.kind < y->item.kind ? -1 : 1;
	return x->item.ts < y->item.ts ? -1 : x->item.ts > y->item.ts;
}

bool leak_list_build(struct leak_list *list, struct run *run,
		     struct leak_books *books)
{
	list->count = 0;
	list->failed = false;
	list->run = run;
	list->books = books;
	leak_books_walk(books, add, list);
	if (list->failed) {
		tool_error("out of memory");
		return false;
	}
	if (list->count)
		qsort(list->groups, list->count, sizeof(*list->groups),
		      compare);
	return true;
}

void leak_list_free(struct leak_list *list)
{
	free(list->groups);
}

static struct json_object *json_or_null(int64_t v, bool known)
{
	return known ? json_object_new_int64(v) : NULL;
}

static struct json_object *json_text(const char *text)
{
	return text && *text ? json_object_new_string(text) : NULL;
}

static void json_stack(struct json_object *o, const char *kernel,
		       const char *user, const struct leak_stack *stack)
{
	struct json_object *list;
	char name[LEAK_WORDS];

	if (!stack) {
		json_object_object_add(o, kernel, NULL);
		json_object_object_add(o, user, NULL);
		return;
	}
	list = json_object_new_array();
	for (int i = 0; leak_stack_frame(stack, i, name, sizeof(name)); i++)
		json_object_array_add(list, json_object_new_string(name));
	json_object_object_add(o, kernel, list);
	list = json_object_new_array();
	for (int i = 0; i < stack->user_count; i++) {
		leak_stack_user(stack, i, name, sizeof(name));
		json_object_array_add(list, json_object_new_string(name));
	}
	json_object_object_add(o, user, list);
}

static void json_item(struct json_object *o, const struct leak_books *books,
		      const struct leak_item *item)
{
	uint32_t container = container_of(books, item);

	json_object_object_add(o, "kind",
			       json_object_new_string(kinds[item->kind]));
	json_object_object_add(o, "reason", json_text(reason_of(item)));
	json_object_object_add(o, "container",
			       json_or_null(container, container));
	json_object_object_add(o, "group",
			       json_or_null(item->group, item->group >= 0));
	json_object_object_add(o, "device", json_text(item->device));
	json_object_object_add(o, "pid", json_or_null(item->tgid, true));
	json_object_object_add(o, "comm", json_text(item->comm));
}

static void json_put(struct json_object *o)
{
	out_object(o);
}

static void json_time(struct run *run, struct json_object *o)
{
	if (run->timestamps)
		json_object_object_add(
			o, "ts_ns",
			json_object_new_int64(clock_ns(CLOCK_REALTIME)));
}

static void show_json(const struct leak_list *list, const struct leak_group *g)
{
	const struct leak_account *account =
		leak_books_account(list->books, &g->item);
	struct json_object *o = json_object_new_object();
	bool bytes = g->item.kind == LEAK_MAPPING || g->item.kind == LEAK_PIN;

	json_time(list->run, o);
	json_item(o, list->books, &g->item);
	json_object_object_add(o, "alive",
			       json_object_new_boolean(alive(g->item.tgid)));
	json_object_object_add(
		o, "age_ns",
		json_or_null(list->run->now_ns - g->item.ts, !g->item.before));
	json_object_object_add(o, "count", json_or_null(g->count, true));
	json_object_object_add(o, "bytes", json_or_null(g->bytes, bytes));
	json_stack(o, "stack", "ustack", g->item.stack);
	json_object_object_add(o, "gets",
			       json_or_null(account ? account->gets : 0, true));
	json_object_object_add(o, "puts",
			       json_or_null(account ? account->puts : 0, true));
	json_stack(o, "put_stack", "put_ustack",
		   account ? account->put_stack : NULL);
	json_put(o);
}

static void show_stack(struct run *run, const char *what,
		       const struct leak_stack *stack)
{
	char name[LEAK_WORDS];

	if (!stack)
		return;
	for (int i = 0; leak_stack_frame(stack, i, name, sizeof(name)); i++) {
		outside_cut(name, STACK_COLUMNS);
		out_line(run, SCREEN_PLAIN, "    %-4s %s", i ? "" : what, name);
	}
	for (int i = 0; i < stack->user_count; i++) {
		leak_stack_user(stack, i, name, sizeof(name));
		outside_cut(name, STACK_COLUMNS);
		out_line(run, SCREEN_PLAIN, "    %-4s %s", i ? "" : "user",
			 name);
	}
}

static void text_number(char *text, size_t size, int64_t v, bool known)
{
	if (known)
		snprintf(text, size, "%lld", (long long)v);
	else
		snprintf(text, size, "-");
}

static void show_text(const struct leak_list *list, const struct leak_group *g)
{
	const struct leak_account *account =
		leak_books_account(list->books, &g->item);
	const struct leak_item *item = &g->item;
	uint32_t container = container_of(list->books, item);
	char ct[16], group[16], age[16] = "-", kib[24], pid[16];
	bool bytes = item->kind == LEAK_MAPPING || item->kind == LEAK_PIN;

	text_number(ct, sizeof(ct), containers_number(container), container);
	text_number(group, sizeof(group), item->group, item->group >= 0);
	text_number(kib, sizeof(kib), g->bytes >> 10, bytes);
	snprintf(pid, sizeof(pid), "%u%s", item->tgid,
		 alive(item->tgid) ? "" : "+");
	if (!item->before)
		snprintf(age, sizeof(age), "%.1f",
			 (list->run->now_ns - item->ts) / 1e9);
	out_line(list->run, SCREEN_PLAIN,
		 "%-10s %3s %4s %s %8s %s %7s %5llu %9s",
		 kinds[item->kind], ct, group,
		 FIT(*item->device ? item->device : reason_of(item) ?: "-",
		     -12),
		 pid, FIT(item->comm, -10), age, (unsigned long long)g->count, kib);
	show_stack(list->run, "get", item->stack);
	if (account && account->puts)
		show_stack(list->run, "put", account->put_stack);
}

void leak_list_header(struct run *run)
{
	out_line(run, SCREEN_HEADER,
		 "%-10s %3s %4s %-12s %8s %-10s %7s %5s %9s", "KIND", "CT",
		 "GRP", "DEVICE/WHY", "PID", "COMM", "AGE(s)", "COUNT", "KiB");
}

void leak_list_show(const struct leak_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->run->json)
			show_json(list, &list->groups[i]);
		else
			show_text(list, &list->groups[i]);
	}
}

static void event_json(struct run *run, const struct leak_event *e,
		       const struct leak_item *item,
		       const struct leak_books *books)
{
	struct json_object *o = json_object_new_object();
	const struct leak_account *account = leak_books_account(books, item);
	bool range = e->kind == LEAK_MAPPING || e->kind == LEAK_PIN;

	json_time(run, o);
	json_object_object_add(
		o, "event",
		json_object_new_string(e->change > 0 ? "get" : "put"));
	json_item(o, books, item);
	json_object_object_add(o, "iova", json_or_null(e->iova, range));
	json_object_object_add(o, "size", json_or_null(e->size, range));
	json_object_object_add(o, "gets",
			       json_or_null(account ? account->gets : 0, true));
	json_object_object_add(o, "puts",
			       json_or_null(account ? account->puts : 0, true));
	json_put(o);
}

void leak_show_event(struct run *run, const struct leak_event *e,
		     const struct leak_books *books)
{
	char ct[16], group[16], range[64] = "", clock[16] = "";
	struct leak_item item;
	uint32_t container;
	time_t now = time(NULL);

	if (e->kind >= LEAK_KINDS)
		return;
	leak_item_fill(&item, e);
	if (!wanted(run, books, &item))
		return;
	if (run->json) {
		event_json(run, e, &item, books);
		return;
	}
	container = container_of(books, &item);
	text_number(ct, sizeof(ct), containers_number(container), container);
	text_number(group, sizeof(group), item.group, item.group >= 0);
	if (e->kind == LEAK_MAPPING || e->kind == LEAK_PIN)
		snprintf(range, sizeof(range), " 0x%llx %llu KiB",
			 (unsigned long long)e->iova,
			 (unsigned long long)e->size >> 10);
	if (run->timestamps)
		strftime(clock, sizeof(clock), "%H:%M:%S ", localtime(&now));
	out_line(run, SCREEN_PLAIN,
		 "%s%.6f %s %-10s %3s %4s %s %7u %s%s", clock,
		 e->ts / 1e9, e->change > 0 ? "+" : "-", kinds[e->kind], ct,
		 group,
		 FIT(*item.device ? item.device : reason_of(&item) ?: "-", -12),
		 item.tgid, FIT(item.comm, -10), range);
}
