// SPDX-License-Identifier: GPL-2.0-only
/* The mappings of a container joined with what memory is behind each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps_rows.h"

/* NULL: out of memory. */
static struct maps_owner *owner_of(struct maps_owners *all, pid_t pid)
{
	struct maps_owner *list;

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].pid == pid)
			return &all->list[i];
	list = realloc(all->list, (all->count + 1) * sizeof(*list));
	if (!list)
		return NULL;
	all->list = list;
	list += all->count++;
	memset(list, 0, sizeof(*list));
	list->pid = pid;
	backing_read(&list->areas, pid);
	return list;
}

void maps_owners_free(struct maps_owners *all)
{
	for (size_t i = 0; i < all->count; i++)
		backing_free(&all->list[i].areas);
	free(all->list);
	memset(all, 0, sizeof(*all));
}

static void fill(struct maps_row *row, const struct mapping *one,
		 const struct maps_owner *owner)
{
	row->pid = one->tgid;
	memcpy(row->comm, one->comm, sizeof(row->comm));
	row->iova = one->iova;
	row->vaddr = one->vaddr;
	row->vaddr_valid = !(one->flags & MAPPING_VADDR_INVALID);
	row->size = one->size;
	row->prot = one->prot;
	row->pinned = one->flags & MAPPING_PINNED;
	row->runs = one->runs == EV_UNKNOWN ? -1 : (int64_t)one->runs;
	row->maps = 1;
	row->backing = (struct backing){BACKING_UNKNOWN, -1, -1};
	/* Addresses of memory that the process no longer has say nothing. */
	if (row->vaddr_valid && !(one->flags & MAPPING_OTHER_MM))
		row->backing = backing_of(&owner->areas, one->vaddr, one->size);
}

static bool alike(const struct maps_row *a, const struct maps_row *b)
{
	return a->backing.kind == b->backing.kind &&
	       a->backing.page_size == b->backing.page_size &&
	       a->pinned == b->pinned;
}

/* Adds a row to the one before it; false: it does not follow. */
static bool fold_into(struct maps_row *to, const struct maps_row *row)
{
	struct backing *b = &to->backing;

	if (to->iova + to->size != row->iova || to->pid != row->pid ||
	    to->prot != row->prot || !alike(to, row))
		return false;
	to->vaddr_valid &=
		row->vaddr_valid && to->vaddr + to->size == row->vaddr;
	if (b->huge_percent >= 0 && row->backing.huge_percent >= 0)
		b->huge_percent = (b->huge_percent * to->size +
				   row->backing.huge_percent * row->size) /
				  (to->size + row->size);
	else
		b->huge_percent = -1;
	to->runs = to->runs < 0 || row->runs < 0 ? -1 : to->runs + row->runs;
	to->size += row->size;
	to->maps++;
	return true;
}

bool maps_rows_make(struct maps_rows *rows, struct maps_owners *owners,
		    uint32_t container, const struct mapping *list,
		    size_t count)
{
	struct maps_owner *owner = NULL;

	rows->count = 0;
	rows->list = calloc(count ?: 1, sizeof(*rows->list));
	if (!rows->list)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct maps_row *row = &rows->list[i];

		if (!owner || owner->pid != (pid_t)list[i].tgid)
			owner = owner_of(owners, list[i].tgid);
		if (!owner)
			return false;
		row->container = container;
		fill(row, &list[i], owner);
		rows->count++;
	}
	return true;
}

void maps_rows_fold(struct maps_rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++)
		if (!kept || !fold_into(&rows->list[kept - 1], &rows->list[i]))
			rows->list[kept++] = rows->list[i];
	rows->count = kept;
}

size_t maps_rows_kinds(const struct maps_rows *rows,
		       struct maps_row kinds[MAPS_KINDS])
{
	size_t count = 0, k;

	for (size_t i = 0; i < rows->count; i++) {
		const struct maps_row *row = &rows->list[i];

		for (k = 0; k < count; k++)
			if (alike(&kinds[k], row))
				break;
		if (k == MAPS_KINDS)
			continue;
		if (k == count) {
			kinds[count++] = *row;
			continue;
		}
		kinds[k].maps += row->maps;
		kinds[k].size += row->size;
		kinds[k].runs = row->runs < 0 || kinds[k].runs < 0
					? -1
					: kinds[k].runs + row->runs;
	}
	return count;
}

void maps_row_text_backing(const void *data, char *buf, size_t size)
{
	const struct maps_row *row = data;

	snprintf(buf, size, "%s", backing_name(row->backing.kind) ?: "-");
}

struct json_object *maps_row_json_backing(const void *data)
{
	const char *name =
		backing_name(((const struct maps_row *)data)->backing.kind);

	return name ? json_object_new_string(name) : NULL;
}
