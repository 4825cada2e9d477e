// SPDX-License-Identifier: GPL-2.0-only
/* The containers of a snapshot, each with who has it and what is in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "containers.h"
#include "index.h"
#include "names.h"

static struct container *find_ptr(struct containers *cs, uint64_t ptr)
{
	for (size_t i = 0; i < cs->count; i++)
		if (cs->list[i].ptr == ptr)
			return &cs->list[i];
	return NULL;
}

static struct container *add(struct containers *cs, const struct snap_record *r)
{
	struct container *list;

	list = realloc(cs->list, (cs->count + 1) * sizeof(*list));
	if (!list)
		return NULL;
	cs->list = list;
	list += cs->count++;
	memset(list, 0, sizeof(*list));
	list->id = r->container;
	list->ptr = r->container_ptr;
	list->iommu_data = r->iommu_data;
	return list;
}

/* Several fds may lead to one group: it counts once. */
static void add_group(struct container *c, const struct snap_record *r)
{
	for (size_t i = 0; i < c->group_count; i++)
		if (c->groups[i] == r->group)
			return;
	if (r->group < 0 || c->group_count == CONTAINER_GROUPS)
		return;
	c->groups[c->group_count++] = r->group;
	c->users += r->users;
	c->kvm |= r->kvm != 0;
}

static void add_device(struct container *c, const char *device)
{
	for (size_t i = 0; i < c->device_count; i++)
		if (!strcmp(c->devices[i], device))
			return;
	if (c->device_count == CONTAINER_DEVICES)
		return;
	memcpy(c->devices[c->device_count], device, VFIOSCOPE_NAME_LEN);
	names_clean(c->devices[c->device_count++]);
}

/* Who opened the container has most likely the lowest fd of those that have
 * it; who has only a group or device of it counts if nobody else does.
 */
static void add_owner(struct container *c, const struct snap_record *r)
{
	if (c->pid && (r->kind != SNAP_CONTAINER))
		return;
	if (c->pid && c->pid <= (pid_t)r->tgid)
		return;
	c->pid = r->tgid;
	memcpy(c->comm, r->comm, sizeof(c->comm));
	c->comm[sizeof(c->comm) - 1] = '\0';
	names_clean(c->comm);
}

bool containers_build(struct containers *cs, const struct snapshot *snapshot)
{
	/* Container fds first: they decide who the owner is. */
	static const bool passes[] = {true, false};

	cs->count = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < snapshot->count; i++) {
			const struct snap_record *r = &snapshot->records[i];
			struct container *c;

			if ((r->kind == SNAP_CONTAINER) != passes[pass] ||
			    !r->container_ptr)
				continue;
			c = find_ptr(cs, r->container_ptr);
			if (!c)
				c = add(cs, r);
			if (!c)
				return false;
			if (r->kind != SNAP_CONTAINER)
				add_group(c, r);
			if (r->kind == SNAP_DEVICE)
				add_device(c, r->device);
			add_owner(c, r);
		}
	}
	for (size_t i = 0; i < cs->count; i++)
		if (cs->list[i].pid)
			names_vm(cs->list[i].pid, cs->list[i].vm,
				 sizeof(cs->list[i].vm));
	return true;
}

struct container *containers_find(struct containers *cs, uint32_t id)
{
	for (size_t i = 0; i < cs->count; i++)
		if (cs->list[i].id == id)
			return &cs->list[i];
	return NULL;
}

uint32_t containers_number(uint32_t id)
{
	static struct index numbers;
	static uint32_t last;
	const struct index_key key = {{id}};
	const size_t *number;

	if (!(id & EV_CONTAINER_ADDRESS))
		return id;
	number = index_find(&numbers, &key);
	if (number)
		return *number;
	/* Without memory for a short number the long one is as true. */
	return index_add(&numbers, &key, last + 1) ? ++last : id;
}

void container_name(uint32_t id, char *buf, size_t size)
{
	uint32_t number = containers_number(id);
	size_t len = snprintf(buf, size, "container %u", number);

	if (number != id && len < size)
		snprintf(buf + len, size - len, " (id %u)", id);
}

void container_title(const struct container *c, char *buf, size_t size)
{
	size_t len =
		snprintf(buf, size, "container %u: ", containers_number(c->id));

	if (c->pid && len < size)
		len += snprintf(buf + len, size - len, "pid %d %s", c->pid,
				c->comm);
	else if (len < size)
		len += snprintf(buf + len, size - len, "nobody has it open");
	if (*c->vm && len < size)
		len += snprintf(buf + len, size - len, ", VM %s", c->vm);
	for (size_t i = 0; i < c->group_count && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%d",
				i ? " " : ", groups ", c->groups[i]);
	for (size_t i = 0; i < c->device_count && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s",
				i ? " " : ", devices ", c->devices[i]);
}

void containers_free(struct containers *cs)
{
	free(cs->list);
	cs->list = NULL;
	cs->count = 0;
}
