// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups and who keeps each alive.
 *
 * First all groups that there are, by every way that leads to one; then their
 * devices; then their holders (holders_find.c). What was found is compared with
 * the user count at last.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "holders_find.h"
#include "names.h"
#include "tool.h"

#define CHAR_BUCKETS  255
#define LOOKS	      3
#define BETWEEN_LOOKS 100000000 /* ns */

void *holders_append(void *list_ptr, size_t *count, size_t size)
{
	void **list = list_ptr;
	void *more;

	/* Room is a power of two, so it need not be remembered. */
	if (!(*count & (*count - 1))) {
		more = realloc(*list, (*count ? *count * 2 : 1) * size);
		if (!more)
			return NULL;
		*list = more;
	}
	more = (char *)*list + (*count)++ * size;
	memset(more, 0, size);
	return more;
}

struct held_group *holders_group(struct holders *h, uint64_t ptr)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->groups[i].ptr == ptr)
			return &h->groups[i];
	return NULL;
}

int holders_add_group(struct holders *h, struct held_look *look, uint64_t ptr)
{
	struct hold_group seen = {.group = ptr};
	struct held_group *g;

	if (!ptr || holders_group(h, ptr) || !look_group(look, &seen))
		return 0;
	g = holders_append(&h->groups, &h->count, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->ptr = ptr;
	g->removed = !seen.iommu_group;
	g->id = seen.id;
	g->opened = seen.opened_file;
	g->attached = seen.container_ptr;
	g->iommu_group = seen.iommu_group;
	g->container_ptr = seen.container_ptr;
	g->container = seen.container;
	g->users = seen.users;
	g->external = seen.external;
	g->per_file = seen.per_file;
	return 0;
}

static int find_groups(struct holders *h, struct held_look *look)
{
	int ret = 0;

	for (unsigned b = 0; b < CHAR_BUCKETS && !ret; b++) {
		struct hold_next step = {.list = HOLD_CHAR_DEVICES, .of = b};

		for (int n = 0; n < MAX_ENTRIES && !ret; n++) {
			if (!look_next(look, &step))
				break;
			ret = holders_add_group(h, look, step.found);
		}
	}
	/* Those that lost their char device, and are still in use. */
	struct hold_next step = {.list = HOLD_IOMMU_GROUPS};

	for (int n = 0; n < MAX_ENTRIES && !ret; n++) {
		if (!look_next(look, &step))
			break;
		ret = holders_add_group(h, look, step.found);
	}
	for (size_t i = 0; i < look->count && !ret; i++)
		ret = holders_add_group(h, look, look->files[i].group);
	return ret;
}

struct held_device *holders_device(struct held_group *g, uint64_t ptr)
{
	for (size_t i = 0; i < g->device_count; i++)
		if (g->devices[i].ptr == ptr)
			return &g->devices[i];
	return NULL;
}

static int add_device(struct held_group *g, struct held_look *look,
		      uint64_t ptr)
{
	struct hold_device seen = {.device = ptr};
	struct held_device *d;

	if (!g || !ptr || holders_device(g, ptr) || !look_device(look, &seen) ||
	    seen.group != g->ptr)
		return 0;
	d = holders_append(&g->devices, &g->device_count, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->ptr = ptr;
	d->open_count = seen.open_count;
	d->users = g->per_file ? d->open_count : d->open_count > 0;
	snprintf(d->name, sizeof(d->name), "%s", seen.name);
	names_clean(d->name);
	return 0;
}

/* A device that is being unregistered is not in its group's list any more. */
static int find_devices(struct holders *h, struct held_look *look)
{
	int ret = 0;

	for (size_t i = 0; i < h->count; i++) {
		struct hold_next step = {.list = HOLD_GROUP_DEVICES,
					 .of = h->groups[i].ptr};

		for (int n = 0; n < MAX_ENTRIES && !ret; n++) {
			if (!look_next(look, &step))
				break;
			ret = add_device(&h->groups[i], look, step.found);
		}
	}
	for (size_t i = 0; i < look->count && !ret; i++) {
		const struct hold_file *f = &look->files[i];

		if (f->what == HOLD_DEVICE)
			ret = add_device(holders_group(h, f->group), look,
					 f->object);
	}
	return ret;
}

static int find_memory(const struct holders *h, struct held_look *look)
{
	int ret = 0;

	for (size_t i = 0; i < h->count; i++)
		for (size_t k = 0; k < h->groups[i].device_count && !ret; k++)
			if (h->groups[i].devices[k].open_count)
				ret = look_memory(look,
						  h->groups[i].devices[k].ptr);
	return ret;
}

/* Of each device, distinct files: one that several hold is open once. */
static int count_files(struct held_group *g)
{
	struct index seen = {};
	bool failed;

	for (size_t i = 0; i < g->holder_count; i++) {
		const struct holder *r = &g->holders[i];
		const struct index_key key = {{r->file}};

		if (!r->file || !*r->device || !index_add(&seen, &key, i))
			continue;
		for (size_t k = 0; k < g->device_count; k++)
			if (!strcmp(g->devices[k].name, r->device))
				g->devices[k].files++;
	}
	failed = seen.failed;
	index_clear(&seen);
	return failed ? -ENOMEM : 0;
}

static void account(struct held_group *g)
{
	unsigned devices = 0;

	g->accounted = g->external;
	for (size_t i = 0; i < g->device_count; i++) {
		struct held_device *d = &g->devices[i];

		devices += d->files;
		if (d->files)
			g->accounted +=
				d->files < d->users ? d->files : d->users;
	}
	/* An open device holds the file of its group. */
	g->file_found = g->external || devices;
	for (size_t i = 0; i < g->holder_count; i++)
		if (g->holders[i].what == HOLDER_GROUP ||
		    g->holders[i].what == HOLDER_KVM_VFIO)
			g->file_found = true;
	if (g->attached)
		g->accounted += g->file_found;
	if (g->accounted > g->users)
		g->accounted = g->users;
	g->unaccounted = g->users - g->accounted;
	if (!g->attached && g->opened && !g->file_found)
		g->unaccounted++;
}

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;
	int ret = COMPARE(x->kind, y->kind);

	ret = ret ?: COMPARE(x->pid, y->pid);
	ret = ret ?: COMPARE(x->what, y->what);
	ret = ret ?: COMPARE((unsigned)x->fd, (unsigned)y->fd);
	return ret ?: strcmp(x->device, y->device);
}

static int compare_devices(const void *a, const void *b)
{
	const struct held_device *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int compare_groups(const void *a, const void *b)
{
	const struct held_group *x = a, *y = b;

	return COMPARE(x->id, y->id) ?: COMPARE(x->ptr, y->ptr);
}

/* qsort() wants a list, also when there is nothing in it. */
static void sort(void *list, size_t count, size_t size,
		 int (*compare)(const void *a, const void *b))
{
	if (count)
		qsort(list, count, size, compare);
}

static int find_all(struct holders *h, struct held_look *look)
{
	int ret = find_groups(h, look);

	ret = ret ?: find_devices(h, look);
	ret = ret ?: find_memory(h, look);
	ret = ret ?: look_sharers(look);
	ret = ret ?: holders_find(h, look);
	for (size_t i = 0; i < h->count && !ret; i++)
		ret = count_files(&h->groups[i]);
	if (ret)
		tool_error("out of memory");
	return ret;
}

int holders_take(struct holders *h)
{
	holders_forget(h);
	if (!h->look)
		h->look = calloc(1, sizeof(*h->look));
	if (!h->look) {
		tool_error("out of memory");
		return -ENOMEM;
	}
	if (look_files(h->look))
		return -1;
	if (find_all(h, h->look)) {
		holders_forget(h);
		return -1;
	}
	for (size_t i = 0; i < h->count; i++) {
		struct held_group *g = &h->groups[i];

		account(g);
		/* It goes by places, which change now. */
		index_clear(&g->known);
		sort(g->holders, g->holder_count, sizeof(*g->holders),
		     compare_holders);
		sort(g->devices, g->device_count, sizeof(*g->devices),
		     compare_devices);
	}
	sort(h->groups, h->count, sizeof(*h->groups), compare_groups);
	return 0;
}

static bool all_accounted(const struct holders *h,
			  bool (*asked)(const struct held_group *g, void *arg),
			  void *arg)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->groups[i].unaccounted && asked(&h->groups[i], arg))
			return false;
	return true;
}

int holders_take_sure(struct holders *h,
		      bool (*asked)(const struct held_group *g, void *arg),
		      void *arg)
{
	const struct timespec pause = {.tv_nsec = BETWEEN_LOOKS};

	for (int i = 0; i < LOOKS; i++) {
		if (i)
			nanosleep(&pause, NULL);
		if (holders_take(h))
			return -1;
		if (all_accounted(h, asked, arg))
			break;
	}
	return 0;
}

void holders_forget(struct holders *h)
{
	struct held_look *look = h->look;

	for (size_t i = 0; i < h->count; i++) {
		free(h->groups[i].devices);
		free(h->groups[i].holders);
		index_clear(&h->groups[i].known);
	}
	free(h->groups);
	free(h->io_urings);
	memset(h, 0, sizeof(*h));
	h->look = look;
}

void holders_close(struct holders *h)
{
	holders_forget(h);
	if (h->look)
		look_close(h->look);
	free(h->look);
	h->look = NULL;
}

bool held_group_match(const struct held_group *g, const struct filter *f)
{
	if ((f->group >= 0 && f->group != g->id) ||
	    (f->device_group >= 0 && f->device_group != g->id))
		return false;
	if (!f->pid && !f->cgroup)
		return true;
	for (size_t i = 0; i < g->holder_count; i++) {
		pid_t pid = g->holders[i].pid;

		/* A process that has many fds has them one after the other. */
		if (!pid || (i && pid == g->holders[i - 1].pid))
			continue;
		if (filter_match(f, pid, &g->id, 1))
			return true;
	}
	return false;
}
