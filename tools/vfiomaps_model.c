// SPDX-License-Identifier: GPL-2.0-only
/* vfiomaps' model: containers and mappings joined with what is behind them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tool.h"
#include "vfiomaps.h"

#define PAGE_BYTES    4096
#define SHORT_ID_ENDS 100000 /* what is above is an address, on stock */

static void forget(struct maps_model *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->list[i].list);
	free(m->list);
	m->list = NULL;
	m->count = 0;
	for (size_t i = 0; i < m->owner_count; i++)
		backing_free(&m->owners[i].areas);
	free(m->owners);
	m->owners = NULL;
	m->owner_count = 0;
}

/* Who mapped most of the bytes; nearly always there is but one. Boyer and
 * Moore's vote, weighted.
 */
static pid_t main_mapper(const struct maps_container *c)
{
	pid_t pid = c->held->pid;
	uint64_t weight = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct mapping *one = &c->list[i];

		if (!weight)
			pid = one->tgid;
		if (pid == (pid_t)one->tgid)
			weight += one->size;
		else if (weight > one->size)
			weight -= one->size;
		else
			weight = 0;
	}
	return pid;
}

static int64_t sum_charged(const struct maps_container *c)
{
	int64_t pages = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->list[i].locked_pages == EV_UNKNOWN)
			return -1;
		pages += c->list[i].locked_pages;
	}
	return pages * PAGE_BYTES;
}

static int take_one(struct maps_model *m, const struct container *held)
{
	struct maps_container *c = &m->list[m->count];
	int ret = 0;

	memset(c, 0, sizeof(*c));
	c->held = held;
	c->number = held->id < SHORT_ID_ENDS ? held->id : m->count + 1;
	c->dma_avail = -1;
	if (held->iommu_data)
		ret = mappings_take(&m->mappings, held->ptr, held->id);
	if (ret == -ESTALE)
		return 0; /* it has gone meanwhile */
	if (ret)
		return ret;
	if (held->iommu_data) {
		c->list = m->mappings.list;
		c->count = m->mappings.count;
		c->dma_avail = m->mappings.dma_avail;
		c->torn = m->mappings.torn;
		m->mappings.list = NULL;
		m->mappings.count = 0;
		m->mappings.room = 0;
	}
	c->pid = main_mapper(c);
	c->charged = sum_charged(c);
	m->count++;
	return 0;
}

int maps_model_take(struct maps_model *m)
{
	forget(m);
	if (snapshot_take(&m->snapshot) < 0)
		return -1;
	if (!containers_build(&m->held, &m->snapshot))
		goto no_memory;
	m->list = calloc(m->held.count ?: 1, sizeof(*m->list));
	if (!m->list)
		goto no_memory;
	for (size_t i = 0; i < m->held.count; i++)
		if (take_one(m, &m->held.list[i]) < 0)
			return -1;
	return 0;

no_memory:
	tool_error("out of memory");
	return -1;
}

void maps_model_close(struct maps_model *m)
{
	forget(m);
	mappings_close(&m->mappings);
	snapshot_close(&m->snapshot);
	containers_free(&m->held);
}

/* NULL: out of memory. */
static struct maps_owner *owner_of(struct maps_model *m, pid_t pid)
{
	struct maps_owner *owners;

	for (size_t i = 0; i < m->owner_count; i++)
		if (m->owners[i].pid == pid)
			return &m->owners[i];
	owners = realloc(m->owners, (m->owner_count + 1) * sizeof(*owners));
	if (!owners)
		return NULL;
	m->owners = owners;
	owners += m->owner_count++;
	memset(owners, 0, sizeof(*owners));
	owners->pid = pid;
	backing_read(&owners->areas, pid);
	return owners;
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

bool maps_row_alike(const struct maps_row *a, const struct maps_row *b)
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
	    to->prot != row->prot || !maps_row_alike(to, row))
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

bool maps_rows_make(struct maps_rows *rows, struct maps_model *m,
		    const struct maps_container *c)
{
	struct maps_owner *owner = NULL;

	rows->count = 0;
	rows->list = calloc(c->count ?: 1, sizeof(*rows->list));
	if (!rows->list)
		return false;
	for (size_t i = 0; i < c->count; i++) {
		struct maps_row *row = &rows->list[i];

		if (!owner || owner->pid != (pid_t)c->list[i].tgid)
			owner = owner_of(m, c->list[i].tgid);
		if (!owner)
			return false;
		row->container = c->held->id;
		fill(row, &c->list[i], owner);
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
