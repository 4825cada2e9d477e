// SPDX-License-Identifier: GPL-2.0-only
/* What vfio-exporter looks at. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/drivers.h"
#include "lib/kmsg.h"
#include "lib/names.h"
#include "lib/source.h"
#include "lib/tool.h"
#include "vfio-exporter_look.h"

#define PAGE_BYTES 4096
#define FRESH_NS   100000000ULL	  /* however often somebody asks */
#define RETRY_NS   10000000000ULL /* what failed is not said each second */

int look_begin(struct look *look, struct run *run)
{
	look->log = kmsg_open(false);
	if (look->log < 0)
		tool_error("cannot read the kernel's log (/dev/kmsg), faults "
			   "are not counted: %s",
			   strerror(-look->log));
	look->totals = source_map_memory(run->source, "totals",
					 sizeof(*look->totals), 1);
	if (!look->totals)
		return -1;
	/* Nobody is told what a map waits for: no samples of every CPU. */
	look->model.phases.failed = true;
	return top_model_open(&look->model, run->source);
}

void look_end(struct look *look)
{
	top_model_close(&look->model);
	holders_close(&look->holders);
	free(look->containers);
	free(look->groups);
	free(look->devices);
	if (look->totals)
		munmap(look->totals, PAGE_BYTES);
	if (look->log >= 0)
		close(look->log);
}

/* Of what is in flight when nobody listens any more the end is not heard: it
 * would go on for ever. If it still does when somebody listens again, the books
 * tell.
 */
static void forget_calls(struct look *look)
{
	for (int i = 0; i < TOP_CONTAINERS; i++) {
		struct top_container *c = &look->model.sums[i];

		for (int k = 0; k < TOP_INFLIGHT && c->key; k++)
			__atomic_store_n(&c->inflight[k].tid, 0,
					 __ATOMIC_RELAXED);
	}
}

static void update_model(struct look *look, const struct run *run)
{
	if (!source_ready(run->source) && !source_attaching(run->source))
		forget_calls(look);
	if (!look->has_model && look->model_ns && source_ready(run->source) &&
	    run->now_ns - look->model_ns < RETRY_NS)
		return;
	look->model_ns = run->now_ns;
	look->has_model = top_model_update(&look->model, run) >= 0;
}

/* A mediated device has a name that there never was before, so that the places
 * would be used up by those that are gone: one without a fault has nothing that
 * must be remembered. NULL: there is no place.
 */
static struct look_device *place_for_device(struct look *look, bool of_vfio)
{
	size_t room = look->device_room + LOOK_DEVICES;
	struct look_device *list;

	for (size_t i = 0;
	     look->device_count >= LOOK_DEVICES && i < look->device_count; i++)
		if (look->devices[i].opens < 0 && !look->devices[i].faults)
			return &look->devices[i];
	if (look->device_count >= LOOK_DEVICES && !of_vfio)
		return NULL;
	if (look->device_count == look->device_room) {
		list = realloc(look->devices, room * sizeof(*list));
		if (!list)
			return NULL;
		look->devices = list;
		look->device_room = room;
	}
	return &look->devices[look->device_count++];
}

/* NULL: no place, or no name. */
static struct look_device *device_of(struct look *look, const char *name,
				     bool of_vfio)
{
	struct look_device *d;
	int group;

	for (size_t i = 0; i < look->device_count; i++)
		if (!strcmp(look->devices[i].name, name))
			return &look->devices[i];
	d = *name ? place_for_device(look, of_vfio) : NULL;
	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->opens = -1;
	group = filter_group_of(name);
	if (group >= 0)
		snprintf(d->group, sizeof(d->group), "%d", group);
	return d;
}

static void count_faults(struct look *look)
{
	struct look_device *d;
	struct kmsg_fault fault;

	while (look->log >= 0 &&
	       kmsg_next(look->log, &fault, &look->overwritten)) {
		look->suppressed += fault.suppressed;
		if (fault.suppressed)
			continue;
		d = device_of(look, fault.device, false);
		if (d)
			d->faults++;
		else
			look->other_faults++;
	}
}

void look_tick(struct look *look, const struct run *run)
{
	update_model(look, run);
	count_faults(look);
}

/* Anybody may open /dev/vfio/vfio: what has nothing in it is nobody's VM, and
 * would have a number that is never used again.
 */
static bool is_used(const struct top_row *row)
{
	return row->held.group_count || row->users || row->held.iommu_data;
}

/* Of maps alone, which may wait for an unmap that the model has as the oldest
 * call. One that began before anybody listened goes on since it was found.
 */
static int64_t in_flight(const struct top_row *row,
			 const struct top_container *sums, uint64_t now_ns)
{
	const struct top_flight *f = &row->inflight;
	uint64_t began_ns = now_ns;

	if (f->op == FLIGHT_MAP && f->found && f->began_ns < began_ns)
		began_ns = f->began_ns;
	for (int i = 0; i < TOP_INFLIGHT; i++) {
		const struct top_inflight *one = &sums->inflight[i];

		if (__atomic_load_n(&one->tid, __ATOMIC_ACQUIRE) &&
		    !one->unmap && one->start_ns && one->start_ns < began_ns)
			began_ns = one->start_ns;
	}
	return now_ns - began_ns;
}

static void add_container(struct look *look, const struct top_row *row,
			  const struct run *run)
{
	struct look_container *c = &look->containers[look->container_count++];

	memset(c, 0, sizeof(*c));
	c->row = row;
	c->map_ns = in_flight(row, top_model_sums(&look->model, row->container),
			      run->now_ns);
	snprintf(c->number, sizeof(c->number), "%lld", (long long)row->number);
	c->memlock.locked = -1;
	c->memlock.limit = -1;
	if (row->pid <= 0)
		return;
	snprintf(c->pid, sizeof(c->pid), "%lld", (long long)row->pid);
	memlock_read(&c->memlock, row->pid);
}

static bool take_containers(struct look *look, const struct run *run)
{
	const struct top_model *m = &look->model;
	struct look_container *list;

	look->container_count = 0;
	list = realloc(look->containers, (m->count + 1) * sizeof(*list));
	if (!list)
		return false;
	look->containers = list;
	/* Nobody says what became of those that were there. */
	if (!look->has_model ||
	    (!source_ready(run->source) && !source_attaching(run->source)))
		return true;
	for (size_t i = 0; i < m->count; i++) {
		const struct top_row *row = &m->rows[i];

		if (!row->over && is_used(row) &&
		    filter_match(&run->filter, row->held.pid, row->held.groups,
				 row->held.group_count))
			add_container(look, row, run);
	}
	return true;
}

static bool every_group(const struct held_group *group, void *arg)
{
	(void)group;
	(void)arg;
	return true;
}

/* When what they go with was looked at again: it is known then that something
 * changed, or that ten seconds have passed.
 */
static void take_holders(struct look *look, const struct run *run)
{
	if (!source_ready(run->source) || !look->has_model ||
	    !look->model.snapshot_ns) {
		holders_forget(&look->holders);
		look->has_holders = false;
		look->held_ns = 0;
		return;
	}
	if (look->held_ns == look->model.snapshot_ns)
		return;
	look->held_ns = look->model.snapshot_ns;
	look->has_holders =
		!holders_take_sure(&look->holders, every_group, NULL);
	if (!look->has_holders)
		holders_forget(&look->holders);
}

/* Faults are counted for the host, whatever the filter says; opens are not. */
static void take_devices(struct look *look, const struct run *run)
{
	struct look_device *d;

	for (size_t i = 0; i < look->device_count; i++)
		look->devices[i].opens = -1;
	for (size_t i = 0; i < look->holders.count; i++) {
		const struct held_group *g = &look->holders.groups[i];
		bool shown = held_group_match(g, &run->filter);

		for (size_t k = 0; k < g->device_count; k++) {
			d = device_of(look, g->devices[k].name, true);
			if (!d)
				continue;
			if (shown)
				d->opens = g->devices[k].open_count;
			snprintf(d->group, sizeof(d->group), "%d", g->id);
		}
	}
}

/* What its container is called here. */
static void name_container(struct look *look, struct look_group *to,
			   const struct held_group *g)
{
	const struct top_row *row;

	if (!g->attached)
		return;
	to->attached = true;
	row = top_model_find(&look->model, g->container);
	if (!row)
		return;
	snprintf(to->container, sizeof(to->container), "%lld",
		 (long long)row->number);
	memcpy(to->vm, row->held.vm, sizeof(to->vm));
}

static void add_group(struct look *look, const struct held_group *g)
{
	struct look_group *to = &look->groups[look->group_count];

	if (look->group_count && to[-1].id == g->id) {
		to--;
	} else {
		memset(to, 0, sizeof(*to));
		to->id = g->id;
		to->viable = drivers_let_use(g->id);
		snprintf(to->number, sizeof(to->number), "%d", g->id);
		look->group_count++;
	}
	name_container(look, to, g);
	to->users += g->users;
	to->unaccounted += g->unaccounted;
	to->external += g->external;
	for (size_t i = 0; i < g->holder_count; i++)
		to->holders[g->holders[i].kind] += g->holders[i].count ?: 1;
}

static bool take_groups(struct look *look, const struct run *run)
{
	const struct holders *h = &look->holders;
	struct look_group *list;

	look->group_count = 0;
	list = realloc(look->groups, (h->count + 1) * sizeof(*list));
	if (!list)
		return false;
	look->groups = list;
	for (size_t i = 0; i < h->count; i++)
		if (held_group_match(&h->groups[i], &run->filter))
			add_group(look, &h->groups[i]);
	return true;
}

void look_take(struct look *look, const struct run *run)
{
	if (run->now_ns - look->asked_ns >= FRESH_NS) {
		look->asked_ns = run->now_ns;
		update_model(look, run);
	}
	take_holders(look, run);
	take_devices(look, run);
	count_faults(look);
	if (take_containers(look, run) && take_groups(look, run))
		return;
	tool_error("out of memory");
	look->container_count = 0;
	look->group_count = 0;
}
