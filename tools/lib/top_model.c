// SPDX-License-Identifier: GPL-2.0-only
/* A row a container: sums of the BPF side, snapshot and survey joined. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "names.h"
#include "source.h"
#include "tool.h"
#include "top_model.h"

#define PAGE_BYTES     4096
#define PAGES_MAX      (1LL << 48) /* more than a machine can have */
#define SNAPSHOT_EVERY (10 * 1000000000ULL)
#define PARAMETER_LIMIT \
	"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

int top_model_open(struct top_model *m, struct source *source)
{
	m->sums = source_map_memory(source, "containers", sizeof(*m->sums),
				    TOP_CONTAINERS);
	m->global = source_map_memory(source, "global", sizeof(*m->global), 1);
	return m->sums && m->global ? 0 : -1;
}

void top_model_close(struct top_model *m)
{
	snapshot_close(&m->snapshot);
	containers_free(&m->held);
	phases_close(&m->phases);
	free(m->rows);
	if (m->sums)
		munmap(m->sums,
		       (TOP_CONTAINERS * sizeof(*m->sums) + PAGE_BYTES - 1) &
			       -PAGE_BYTES);
	if (m->global)
		munmap(m->global, PAGE_BYTES);
}

static __u64 load(const __u64 *v)
{
	return __atomic_load_n(v, __ATOMIC_RELAXED);
}

struct top_row *top_model_find(struct top_model *m, uint32_t id)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->rows[i].container == id)
			return &m->rows[i];
	return NULL;
}

static struct top_row *find(struct top_model *m, uint32_t id)
{
	struct top_row *rows = top_model_find(m, id);

	if (rows)
		return rows;
	rows = realloc(m->rows, (m->count + 1) * sizeof(*rows));
	if (!rows)
		return NULL;
	m->rows = rows;
	rows += m->count++;
	memset(rows, 0, sizeof(*rows));
	rows->container = id;
	rows->number = containers_number(id);
	rows->maps = -1;
	rows->dma_entry_limit = -1;
	return rows;
}

/* No event told of it. */
static struct top_container none;

struct top_container *top_model_sums(struct top_model *m, uint32_t id)
{
	for (unsigned int i = 0; i < TOP_PROBES; i++) {
		struct top_container *c =
			&m->sums[(id + i) & (TOP_CONTAINERS - 1)];

		if (load(&c->key) == (id | TOP_USED))
			return c;
	}
	return &none;
}

/* Zeroed behind the key, and the key last, for the next one who claims it. */
static void give_back(struct top_container *c)
{
	memset((char *)c + sizeof(c->key), 0, sizeof(*c) - sizeof(c->key));
	__atomic_store_n(&c->key, 0, __ATOMIC_RELEASE);
}

/* A later container of the same id begins from nothing. */
static void forget(struct top_row *row)
{
	memset(&row->last, 0, sizeof(row->last));
	memset(&row->held, 0, sizeof(row->held));
	flight_end(&row->inflight);
	row->base_pinned = 0;
	row->base_errors = 0;
	row->opens = 0;
	row->backends = 0;
	row->surveyed = false;
	row->over = false;
}

/* No event tells that a process has begun to exit. */
static bool anyone_exits(const struct top_model *m)
{
	for (size_t i = 0; i < m->held.count; i++)
		if (m->held.list[i].pid && names_exiting(m->held.list[i].pid))
			return true;
	return false;
}

/* Those that have a place already. */
static void mark_old(const struct top_model *m, bool old[TOP_CONTAINERS])
{
	for (size_t i = 0; i < TOP_CONTAINERS; i++)
		old[i] = load(&m->sums[i].key);
}

/* Of these, who is not there any more went while nobody listened, and no event
 * will tell of it. Those of which one did have their last figures to show.
 */
static void give_back_old(struct top_model *m, const bool old[TOP_CONTAINERS])
{
	for (size_t i = 0; i < TOP_CONTAINERS; i++) {
		struct top_container *c = &m->sums[i];

		if (old[i] && !c->released &&
		    !containers_find(&m->held, c->key & ~TOP_USED))
			give_back(c);
	}
}

/* When something changed in who holds what, when modules came or went, and
 * now and then.
 */
static int look_again(struct top_model *m, const struct run *run)
{
	uint64_t changes = load(&m->global->changes);
	unsigned int generation = source_generation(run->source);
	bool old[TOP_CONTAINERS] = {};

	if (!source_ready(run->source) && !source_attaching(run->source)) {
		snapshot_close(&m->snapshot);
		m->held.count = 0;
		m->snapshot_ns = 0;
		return 0;
	}
	if (generation != m->generation) {
		/* Addresses from before mean nothing any more. */
		for (size_t i = 0; i < m->count; i++)
			m->rows[i].held.ptr = 0;
		snapshot_close(&m->snapshot);
		/* A recording's are older than its events. */
		if (!run->replay)
			mark_old(m, old);
	} else if (m->snapshot_ns && changes == m->changes &&
		   run->now_ns - m->snapshot_ns < SNAPSHOT_EVERY &&
		   !anyone_exits(m)) {
		return 0;
	}
	if (snapshot_take(&m->snapshot) < 0)
		return -1;
	if (!containers_build(&m->held, &m->snapshot)) {
		tool_error("out of memory");
		return -1;
	}
	give_back_old(m, old);
	m->generation = generation;
	m->changes = changes;
	m->snapshot_ns = run->now_ns;
	return 0;
}

/* Every container that the snapshot or the BPF side knows gets a row; a row
 * that neither knows any more goes.
 */
static int collect(struct top_model *m)
{
	size_t kept = 0;
	struct top_row *row;

	/* What was there and was not released may be on its way down. */
	for (size_t i = 0; i < m->count; i++)
		m->rows[i].gone = !m->rows[i].held.ptr || m->rows[i].over ||
				  !m->snapshot_ns;
	for (size_t i = 0; i < m->held.count; i++) {
		row = find(m, m->held.list[i].id);
		if (!row)
			return -1;
		row->gone = false;
	}
	for (size_t i = 0; i < TOP_CONTAINERS; i++) {
		uint64_t key = load(&m->sums[i].key);

		if (!key)
			continue;
		row = find(m, key & ~TOP_USED);
		if (!row)
			return -1;
		row->gone = false;
	}
	for (size_t i = 0; i < m->count; i++)
		if (!m->rows[i].gone)
			m->rows[kept++] = m->rows[i];
	m->count = kept;
	return 0;
}

static void fill_held(struct top_model *m, const struct run *run,
		      struct top_row *row, const struct top_container *sums)
{
	const struct container *c = containers_find(&m->held, row->container);
	struct rlimit limit;

	if (c) {
		row->held = *c;
	} else if (!row->held.pid && sums->tgid) {
		/* Came and went between two looks. */
		row->held.pid = sums->tgid;
		memcpy(row->held.comm, sums->comm, sizeof(sums->comm));
		row->held.comm[sizeof(row->held.comm) - 1] = '\0';
		names_clean(row->held.comm);
		if (sums->attached) {
			row->held.groups[0] = sums->group;
			row->held.group_count = 1;
		}
	}
	row->pid = row->held.pid ?: -1;
	row->users = row->held.users;
	row->memlock_limit = -1;
	if (row->held.pid && !run->replay &&
	    !prlimit(row->held.pid, RLIMIT_MEMLOCK, NULL, &limit) &&
	    limit.rlim_cur <= INT64_MAX)
		row->memlock_limit = limit.rlim_cur;
}

static int64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long long v = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%lld", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

/* What the events add up to; a damaged recording may say anything. */
static int64_t counted_bytes(const __s64 *pinned)
{
	int64_t pages = load((const __u64 *)pinned);

	if (pages > PAGES_MAX)
		pages = PAGES_MAX;
	if (pages < -PAGES_MAX)
		pages = -PAGES_MAX;
	return pages * PAGE_BYTES;
}

/* The id was given to a new container: what is known is of the old one. */
static void start_anew(struct top_row *row, const struct top_container *sums)
{
	if (row->opens == sums->opens)
		return;
	if (row->opens)
		row->base_errors = load(&sums->errors);
	row->opens = sums->opens;
	row->base_pinned = -counted_bytes(&sums->pinned);
	row->surveyed = false;
	memset(&row->held, 0, sizeof(row->held));
}

/* When its last group left the old one's mappings went with it, and no event
 * told of them.
 */
static void begin_backend(struct top_row *row, const struct top_container *sums)
{
	if (row->backends == sums->backends)
		return;
	row->backends = sums->backends;
	row->base_pinned = -counted_bytes(&sums->pinned_before);
	row->surveyed = false;
}

static bool ask_backend(struct top_model *m, struct top_row *row,
			const struct top_container *sums,
			struct snap_survey *survey)
{
	*survey = (struct snap_survey){
		.container_ptr = row->held.ptr,
		.container = row->container,
		.walk = !row->surveyed || row->inflight.op == FLIGHT_TEARDOWN,
		.find = row->inflight.op == FLIGHT_MAP,
		.iova = row->inflight.iova,
	};
	/* Once it is released its memory is somebody else's. */
	return row->held.ptr && !snapshot_survey(&m->snapshot, survey) &&
	       survey->ok &&
	       !__atomic_load_n(&sums->released, __ATOMIC_ACQUIRE);
}

/* The backend's books. They are walked once, when nothing is in flight, to
 * know what was there before; after that they say how many mappings are left
 * and the events say the rest.
 */
static void fill_books(struct top_model *m, const struct run *run,
		       struct top_row *row, const struct top_container *sums)
{
	/* Nothing can be in it. */
	bool empty = row->held.ptr && !row->held.iommu_data;
	struct snap_survey survey;
	int64_t counted = counted_bytes(&sums->pinned);

	/* A recording has the events, but no books. */
	if (run->replay) {
		row->pinned_bytes = -1;
		row->entries_percent = -1;
		return;
	}
	if (ask_backend(m, row, sums, &survey)) {
		flight_survey(&row->inflight, &m->snapshot, &m->phases,
			      &survey);
		if (survey.has_maps) {
			row->dma_entry_limit = survey.maps + survey.dma_avail;
			row->base_pinned = survey.pinned - counted;
			/* What is not heard of yet is only in the books. */
			row->surveyed =
				!row->inflight.op && source_ready(run->source);
		}
		if (survey.has_maps && !survey.has_avail)
			row->maps = survey.maps;
		else if (survey.has_avail && row->dma_entry_limit >= 0)
			row->maps = row->dma_entry_limit - survey.dma_avail;
	} else if (sums->released || !row->surveyed) {
		row->maps = 0;
		if (!row->surveyed)
			row->dma_entry_limit = read_number(PARAMETER_LIMIT);
	}
	row->pinned_bytes = row->base_pinned + counted;
	if (row->pinned_bytes < 0 || sums->released || empty)
		row->pinned_bytes = 0;
	if (empty)
		row->maps = 0;
	row->entries_percent =
		row->dma_entry_limit > 0 && row->maps >= 0
			? 100.0 * row->maps / row->dma_entry_limit
			: -1;
}

/* Nobody has counted yet. */
static void no_rates(struct top_row *row)
{
	row->map_rate = -1;
	row->unmap_rate = -1;
	row->map_bytes_rate = -1;
	row->map_p50_ns = -1;
	row->map_p99_ns = -1;
	row->map_max_ns = -1;
	row->errors = -1;
}

static void fill_rates(struct top_row *row, struct top_container *sums,
		       double seconds)
{
	struct top_container *last = &row->last;
	uint64_t maps = load(&sums->maps), unmaps = load(&sums->unmaps);
	uint64_t bytes = load(&sums->map_bytes);
	uint64_t errors = load(&sums->errors), max;
	struct hist diff;

	row->map_rate = (maps - last->maps) / seconds;
	row->unmap_rate = (unmaps - last->unmaps) / seconds;
	row->map_bytes_rate = (bytes - last->map_bytes) / seconds;
	row->idle = maps == last->maps && unmaps == last->unmaps &&
		    errors == last->errors && !row->inflight.op;
	row->errors = errors - row->base_errors;
	last->maps = maps;
	last->unmaps = unmaps;
	last->map_bytes = bytes;
	last->unmap_bytes = load(&sums->unmap_bytes);
	last->errors = errors;

	max = __atomic_exchange_n(&sums->map_max_ns, 0, __ATOMIC_RELAXED);
	hist_since(&diff, &sums->map_ns, &last->map_ns);
	row->map_p50_ns = hist_percentile(&diff, 50);
	row->map_p99_ns = hist_percentile(&diff, 99);
	row->map_max_ns = max ? (int64_t)max : -1;
	/* A percentile is within a slot, the maximum is exact. */
	if (max && row->map_p99_ns > row->map_max_ns)
		row->map_p99_ns = row->map_max_ns;
	if (max && row->map_p50_ns > row->map_max_ns)
		row->map_p50_ns = row->map_max_ns;
}

int top_model_update(struct top_model *m, const struct run *run)
{
	double seconds = run->elapsed > 0 ? run->elapsed : 1;
	bool flights = false;

	if (look_again(m, run) < 0)
		return -1;
	if (collect(m) < 0) {
		tool_error("out of memory");
		return -1;
	}
	if (!run->replay)
		flight_look(&m->unpinned);
	m->map_rate = 0;
	m->pinned_bytes = 0;
	m->lost = load(&m->global->lost);
	for (size_t i = 0; i < m->count; i++) {
		struct top_row *row = &m->rows[i];
		struct top_container *sums = top_model_sums(m, row->container);

		if (row->over)
			forget(row);
		start_anew(row, sums);
		begin_backend(row, sums);
		fill_held(m, run, row, sums);
		flight_begin(&row->inflight, sums, &row->last, &m->unpinned,
			     run->now_ns);
		if (row->held.ptr && !containers_find(&m->held, row->container))
			flight_teardown(&row->inflight, row->held.pid,
					row->pinned_bytes, &m->unpinned);
		if (row->inflight.op)
			flight_phase(&row->inflight, &m->phases);
		fill_books(m, run, row, sums);
		flights |= row->inflight.op != FLIGHT_NONE;
		if (source_ready(run->source))
			fill_rates(row, sums, seconds);
		else
			no_rates(row);
		row->lost = m->lost;
		if (row->map_rate > 0)
			m->map_rate += row->map_rate;
		if (row->pinned_bytes > 0)
			m->pinned_bytes += row->pinned_bytes;
		if (sums->released) {
			flight_end(&row->inflight);
			memcpy(row->last.failures, sums->failures,
			       sizeof(sums->failures));
			give_back(sums);
			row->over = true;
		}
	}
	if (!flights)
		phases_rest(&m->phases);
	return 0;
}
