// SPDX-License-Identifier: GPL-2.0-only
/* One container in detail: what there is to show. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/names.h"
#include "lib/tool.h"
#include "vfiotop_drill.h"

#define OWNERS_EVERY (10 * 1000000000ULL)
#define OWNERS_PART  20 /* of the time, at most */

static unsigned int log2_of(uint64_t v)
{
	unsigned int log = v ? 63 - __builtin_clzll(v) : 0;

	return log < HIST_LOG2_MAX ? log : HIST_LOG2_MAX - 1;
}

/* By size and by the mean length of their runs. */
static void sort_in(struct top_drill *d)
{
	memset(d->sizes, 0, sizeof(d->sizes));
	memset(d->lengths, 0, sizeof(d->lengths));
	d->runs = -1;
	d->bytes = 0;
	for (size_t i = 0; i < d->mappings.count; i++) {
		const struct mapping *one = &d->mappings.list[i];

		d->sizes[log2_of(one->size)]++;
		d->bytes += one->size;
		if (one->runs == EV_UNKNOWN || !one->runs)
			continue;
		d->lengths[log2_of(one->size / one->runs)]++;
		d->runs = (d->runs < 0 ? 0 : d->runs) + one->runs;
	}
}

static int larger_first(const void *a, const void *b)
{
	const struct maps_row *x = a, *y = b;

	return x->size < y->size ? 1 : x->size > y->size ? -1 : 0;
}

static int find_kinds(struct top_drill *d, const struct top_row *row)
{
	uint64_t start = now_ns();
	bool again = !d->owners.count;
	struct maps_rows rows;
	bool made = maps_rows_make(&rows, &d->owners, row->container,
				   d->mappings.list, d->mappings.count);

	if (again)
		d->owners_took_ns = now_ns() - start;
	if (made) {
		d->kind_count = maps_rows_kinds(&rows, d->kinds);
		qsort(d->kinds, d->kind_count, sizeof(*d->kinds), larger_first);
	}
	free(rows.list);
	if (!made ||
	    !explain_books(&d->explain, row->container, d->mappings.list,
			   d->mappings.count, row->dma_entry_limit)) {
		tool_error("out of memory");
		return -1;
	}
	return 0;
}

/* Once it is released its memory is somebody else's. */
static bool is_there(const struct top_row *row,
		     const struct top_container *sums)
{
	return row->held.ptr && row->held.iommu_data && !row->over &&
	       !__atomic_load_n(&sums->released, __ATOMIC_ACQUIRE);
}

static int take_mappings(struct top_drill *d, const struct top_row *row,
			 const struct top_container *sums)
{
	int ret;

	d->has_maps = false;
	if (!is_there(row, sums))
		return 0;
	ret = mappings_take(&d->mappings, row->held.ptr, row->container);
	if (ret == -ESTALE || !is_there(row, sums))
		return 0;
	if (ret)
		return ret;
	d->has_maps = true;
	/* The books have no room for more. */
	d->explain.unknown = d->mappings.torn || d->mappings.count > MAPPED_EACH
				     ? "overlaps a mapping"
				     : "overlapped what is not mapped any more";
	sort_in(d);
	return find_kinds(d, row);
}

static bool every_group(const struct held_group *group, void *arg)
{
	(void)group;
	(void)arg;
	return true;
}

static bool add_holders(struct top_drill *d, const struct held_group *g)
{
	struct drill_holder *held;

	held = realloc(d->held,
		       (d->held_count + g->holder_count + 1) * sizeof(*held));
	if (!held)
		return false;
	d->held = held;
	for (size_t i = 0; i < g->holder_count; i++) {
		if (d->groups && g->holders[i].what == HOLDER_CONTAINER)
			continue;
		held[d->held_count].group = g;
		held[d->held_count++].holder = &g->holders[i];
	}
	if (!d->groups++)
		d->group = g;
	d->users += g->users;
	d->accounted += g->accounted;
	d->unaccounted += g->unaccounted;
	return true;
}

/* Of all that are held, what is the container's. */
static int choose_holders(struct top_drill *d, const struct top_row *row)
{
	d->held_count = 0;
	d->groups = 0;
	d->users = 0;
	d->accounted = 0;
	d->unaccounted = 0;
	for (size_t i = 0; i < d->holders.count; i++) {
		const struct held_group *g = &d->holders.groups[i];

		if (!g->attached || g->container != row->container)
			continue;
		if (!add_holders(d, g)) {
			tool_error("out of memory");
			return -1;
		}
	}
	return 0;
}

/* The failed ones that are whole, and of this container. */
static void take_failures(struct top_drill *d, const struct top_row *row,
			  const struct top_container *sums)
{
	uint64_t last = __atomic_load_n(&sums->errors, __ATOMIC_ACQUIRE);
	struct top_failure *to;

	d->failure_count = 0;
	for (uint64_t n = last; n > row->base_errors && last - n < TOP_FAILURES;
	     n--) {
		const struct top_failure *from =
			&sums->failures[n & (TOP_FAILURES - 1)];

		to = &d->failures[d->failure_count];
		if (__atomic_load_n(&from->number, __ATOMIC_ACQUIRE) != n)
			continue;
		*to = *from;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&from->number, __ATOMIC_RELAXED) != n)
			continue;
		to->comm[sizeof(to->comm) - 1] = '\0';
		names_clean(to->comm);
		d->failure_count++;
	}
}

static void forget(struct top_drill *d, const struct top_row *row)
{
	explain_free(&d->explain);
	d->explain.unknown = "overlaps a mapping";
	d->container = row->container;
	d->has_maps = false;
	d->changes = UINT64_MAX;
	d->owners_ns = 0;
	d->owners_took_ns = 0;
}

/* When it is due, whoever looks next reads it anew. */
static void refresh_owners(struct top_drill *d, bool changed, uint64_t now_ns)
{
	uint64_t age = now_ns - d->owners_ns;

	if (age < OWNERS_PART * d->owners_took_ns ||
	    (!changed && age < OWNERS_EVERY))
		return;
	maps_owners_free(&d->owners);
	d->owners_ns = now_ns;
	d->changes = UINT64_MAX;
}

int drill_take(struct top_drill *d, struct top_model *m,
	       const struct top_row *row, const struct run *run)
{
	const struct top_container *sums =
		row->over ? &row->last : top_model_sums(m, row->container);
	uint64_t changes = sums->maps + sums->unmaps;

	if (d->container != row->container || d->generation != m->generation)
		forget(d, row);
	take_failures(d, row, sums);
	/* Without modules the model has no snapshot either. */
	if (run->replay || !m->snapshot_ns) {
		d->has_maps = false;
		d->has_holders = false;
		return 0;
	}
	if (d->generation != m->generation) {
		mappings_close(&d->mappings);
		d->generation = m->generation;
		d->held_ns = 0;
	}
	refresh_owners(d, d->changes != changes, run->now_ns);
	if (d->changes != changes || !d->has_maps || row->inflight.op) {
		d->changes = changes;
		if (take_mappings(d, row, sums) < 0)
			return -1;
	}
	if (d->held_ns != m->snapshot_ns) {
		if (holders_take_sure(&d->holders, every_group, NULL) < 0)
			return -1;
		d->has_holders = true;
		d->held_ns = m->snapshot_ns;
	}
	return choose_holders(d, row);
}

void drill_explain(struct top_drill *d, const struct top_failure *f, char *buf,
		   size_t size)
{
	struct record r = {
		.event = f->event,
		.tgid = f->tgid,
		.ts_ns = f->ts_ns,
		.locked = f->locked,
		.limit = f->limit,
	};

	switch (f->event) {
	case REC_container_attach:
		r.attach.container = d->container;
		r.attach.group = f->group;
		r.attach.ret = f->ret;
		break;
	case REC_container_set_iommu:
		r.set_iommu.container = d->container;
		r.set_iommu.type = f->flags;
		r.set_iommu.ret = f->ret;
		break;
	case REC_dma_map:
		r.dma_map.container = d->container;
		r.dma_map.iova = f->iova;
		r.dma_map.vaddr = f->vaddr;
		r.dma_map.size = f->size;
		r.dma_map.prot = f->flags;
		r.dma_map.ret = f->ret;
		break;
	case REC_dma_unmap:
		r.dma_unmap.container = d->container;
		r.dma_unmap.iova = f->iova;
		r.dma_unmap.size = f->size;
		r.dma_unmap.flags = f->flags;
		r.dma_unmap.ret = f->ret;
		break;
	case REC_dma_pin:
		r.dma_pin.container = d->container;
		r.dma_pin.iova = f->iova;
		r.dma_pin.pages = f->size;
		r.dma_pin.ret = f->ret;
		break;
	}
	explain_event(&d->explain, &r, buf, size);
}

void drill_close(struct top_drill *d)
{
	mappings_close(&d->mappings);
	maps_owners_free(&d->owners);
	holders_close(&d->holders);
	free(d->held);
	explain_free(&d->explain);
}
