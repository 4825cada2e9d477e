// SPDX-License-Identifier: GPL-2.0-only
/* The mappings that were made and not yet unmapped, by container. */
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mapped.h"
#include "names.h"

static struct mapped_space *oldest(struct mapped *m)
{
	struct mapped_space *found = &m->spaces[0];

	for (size_t i = 1; i < m->count; i++)
		if (m->spaces[i].used < found->used)
			found = &m->spaces[i];
	return found;
}

struct mapped_space *mapped_of(struct mapped *m, uint32_t container)
{
	struct mapped_space *space;

	for (size_t i = 0; i < m->count; i++) {
		if (m->spaces[i].container != container)
			continue;
		m->spaces[i].used = ++m->clock;
		return &m->spaces[i];
	}
	if (!m->spaces)
		m->spaces = calloc(MAPPED_CONTAINERS, sizeof(*m->spaces));
	if (!m->spaces)
		return NULL;
	if (m->count == MAPPED_CONTAINERS) {
		space = oldest(m);
		free(space->list);
	} else {
		space = &m->spaces[m->count++];
	}
	*space = (struct mapped_space){
		.container = container, .limit = -1, .used = ++m->clock};
	return space;
}

void mapped_forget(struct mapped *m, uint32_t container)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->spaces[i].container != container)
			continue;
		free(m->spaces[i].list);
		m->spaces[i] = m->spaces[--m->count];
		return;
	}
}

void mapped_free(struct mapped *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->spaces[i].list);
	free(m->spaces);
	*m = (struct mapped){};
}

/* The first that ends at the address or behind it. */
static size_t first_from(const struct mapped_space *space, uint64_t iova)
{
	size_t low = 0, high = space->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->list[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct mapped_range *mapped_find(const struct mapped_space *space,
				       uint64_t iova, uint64_t last)
{
	size_t at = first_from(space, iova);

	if (at == space->count || space->list[at].iova > last)
		return NULL;
	return &space->list[at];
}

static bool grow(struct mapped_space *space)
{
	size_t room = space->room ? space->room * 2 : 64;
	struct mapped_range *list;

	if (space->count < space->room)
		return true;
	if (space->count >= MAPPED_EACH)
		return false;
	list = realloc(space->list, room * sizeof(*list));
	if (!list)
		return false;
	space->list = list;
	space->room = room;
	return true;
}

static void take_out(struct mapped_space *space, size_t from, size_t to)
{
	if (from == to)
		return;
	memmove(&space->list[from], &space->list[to],
		(space->count - to) * sizeof(*space->list));
	space->count -= to - from;
}

void mapped_add(struct mapped_space *space, const struct record *r)
{
	const struct ev_dma_map *e = &r->dma_map;
	uint64_t last = e->iova + e->size - 1;
	size_t at = first_from(space, e->iova), end = at;
	struct mapped_range *new;

	if (!e->size || last < e->iova)
		return;
	/* What is in its way has gone unheard. */
	while (end < space->count && space->list[end].iova <= last)
		end++;
	take_out(space, at, end);
	if (!grow(space))
		return;
	new = &space->list[at];
	memmove(new + 1, new, (space->count++ - at) * sizeof(*new));
	*new = (struct mapped_range){.iova = e->iova,
				     .last = last,
				     .ts_ns = r->ts_ns,
				     .tgid = r->tgid};
	memcpy(new->comm, r->comm, sizeof(new->comm) - 1);
	names_clean(new->comm);
}

void mapped_remove(struct mapped_space *space, const struct record *r)
{
	const struct ev_dma_unmap *e = &r->dma_unmap;
	uint64_t last = e->iova + e->size - 1;
	size_t at, end;

	if (e->flags & VFIO_DMA_UNMAP_FLAG_VADDR || !e->unmapped)
		return;
	if (e->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		space->count = 0;
		return;
	}
	at = first_from(space, e->iova);
	if (at < space->count && space->list[at].iova < e->iova)
		at++;
	/* Of a range that was unmapped in part, what lies before has gone. */
	for (end = at; end < space->count && space->list[end].iova <= last;
	     end++)
		if (e->ret && space->list[end].iova >= e->iova + e->unmapped)
			break;
	take_out(space, at, end);
}
