// SPDX-License-Identifier: GPL-2.0-only
/* vfiomaps' model: containers and their mappings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tool.h"
#include "vfiomaps.h"

#define PAGE_BYTES 4096

static void forget(struct maps_model *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->list[i].list);
	free(m->list);
	m->list = NULL;
	m->count = 0;
	maps_owners_free(&m->owners);
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
