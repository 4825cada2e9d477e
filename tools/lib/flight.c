// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps and unmaps in flight, and containers that are taken down.
 *
 * A map is known by its event, or, when it began before the tool did, by a
 * mapping in the backend's books that is not finished: the caller's registers
 * then lead to what was asked for. Its progress is the size that it has in the
 * books, which grows with it.
 *
 * An unmap is known by its event alone. What it has done is what has left the
 * books, or, of a large mapping, which leaves them at the end, what has been
 * unpinned.
 *
 * A container that nobody has open and that is still there is being taken down
 * by its last user's exit. Mappings leave the books one by one; of a large one
 * the unpinned pages tell. They are counted for the whole machine, so what
 * others give back at the same time is counted in.
 *
 * A mapping that is being undone counts as long as the books have it: the backend
 * calls it unmapped before the last of its pages are unpinned.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "flight.h"
#include "phase.h"

#define PAGE_BYTES 4096
#define PACE_NS	   8000000000ULL /* the pace is that of so long */
#define MARK_NS	   (PACE_NS / FLIGHT_MARKS)
#define SHORT_NS   100000000ULL
#define SHORT_SIZE (1 << 20) /* mapped before anybody can look twice */
#define STEADY	   8	     /* ticks of progress: its steps are no longer */

static uint64_t load(const __u64 *v)
{
	return __atomic_load_n(v, __ATOMIC_RELAXED);
}

const char *flight_name(enum flight_op op)
{
	static const char *const names[] = {
		[FLIGHT_NONE] = "",
		[FLIGHT_MAP] = "map",
		[FLIGHT_UNMAP] = "unmap",
		[FLIGHT_TEARDOWN] = "teardown",
	};

	return names[op];
}

static int64_t unpinned_bytes(void)
{
	FILE *f = fopen("/proc/vmstat", "re");
	long long pages = -1;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "nr_foll_pin_released %lld", &pages) == 1)
			break;
	if (f)
		fclose(f);
	return pages < 0 ? -1 : pages * PAGE_BYTES;
}

void flight_look(struct flight_unpinned *u)
{
	bool first = !u->now;

	u->before = u->now;
	u->now = unpinned_bytes();
	if (first)
		u->before = u->now;
}

static void pace_begin(struct top_flight *f, uint64_t at_ns, int64_t done)
{
	f->last = (struct flight_mark){.at_ns = at_ns, .done = done};
	f->marks[0] = f->last;
	f->first_mark = 0;
	f->mark_count = 1;
	f->step_ns = 0;
	f->seen_ns = at_ns;
	f->steady = STEADY;
}

static struct flight_mark *mark(struct top_flight *f, unsigned int i)
{
	return &f->marks[(f->first_mark + i) % FLIGHT_MARKS];
}

/* When it came to what is done by now. A step was some time since the last tick: of
 * that, when it should have been at its pace. Near the end a tick is much of what
 * is left.
 */
static uint64_t step_time(struct top_flight *f, uint64_t at)
{
	uint64_t took = f->last.at_ns - mark(f, 0)->at_ns, expected;
	int64_t gained = f->last.done - mark(f, 0)->done;

	if (f->steady >= STEADY || gained <= 0 || took < SHORT_NS)
		return at;
	expected = f->last.at_ns +
		   (double)(f->done - f->last.done) * took / gained;
	if (expected < f->seen_ns)
		return f->seen_ns;
	return expected < at ? expected : at;
}

/* The books tell of progress in steps, which may be further apart than ticks: a
 * pace is that from step to step.
 */
static void pace_step(struct top_flight *f, uint64_t at)
{
	if (f->done <= f->last.done) {
		/* Within a shorter time it may well have come to nothing. */
		if (f->op == FLIGHT_MAP && at - f->seen_ns >= SHORT_NS)
			f->steady = 0;
		return;
	}
	at = step_time(f, at);
	f->steady++;
	if (at - f->last.at_ns > f->step_ns)
		f->step_ns = at - f->last.at_ns;
	f->last = (struct flight_mark){.at_ns = at, .done = f->done};
	while (f->mark_count > 1 && at - mark(f, 1)->at_ns >= PACE_NS) {
		f->first_mark++;
		f->mark_count--;
	}
	if (f->mark_count < FLIGHT_MARKS &&
	    at - mark(f, f->mark_count - 1)->at_ns >= MARK_NS)
		*mark(f, f->mark_count++) = f->last;
}

/* At the pace of the last seconds: zeroed memory, huge pages and other nodes
 * make one part of a map slower than the next, and what is long past says
 * nothing of it. Between ticks further apart than that, it is all there is.
 */
static void estimate(struct top_flight *f)
{
	uint64_t at = now_ns(), took, waited;
	int64_t gained, left;

	pace_step(f, at);
	f->seen_ns = at;
	took = f->last.at_ns - mark(f, 0)->at_ns;
	gained = f->last.done - mark(f, 0)->done;
	waited = at - f->last.at_ns;
	/* Of a shorter time a pace says little. */
	if (gained <= 0 || took < SHORT_NS)
		return;
	/* Of the next step that much is over, unless it is held up. */
	if (waited > 2 * f->step_ns) {
		took += waited;
		waited = 0;
	}
	left = (double)(f->size - f->done) * took / gained - waited;
	f->eta_ns = left > 0 ? left : 0;
}

/* What has been going on for longest. */
static const struct top_inflight *oldest_of(const struct top_container *sums,
					    uint64_t now)
{
	const struct top_inflight *oldest = NULL;

	for (int i = 0; i < TOP_INFLIGHT; i++) {
		const struct top_inflight *one = &sums->inflight[i];

		if (__atomic_load_n(&one->tid, __ATOMIC_RELAXED) &&
		    one->start_ns < now &&
		    (!oldest || one->start_ns < oldest->start_ns))
			oldest = one;
	}
	return oldest;
}

void flight_end(struct top_flight *f)
{
	f->op = FLIGHT_NONE;
	f->shown = false;
}

static void begin_map(struct top_flight *f, const struct top_inflight *one)
{
	f->shown = true;
	f->size = load(&one->size);
	if ((int64_t)load(&one->done) > f->done)
		f->done = load(&one->done);
	/* What has taken most of the time so far. */
	f->phase = one->iommu_ns > one->pin_ns ? "iommu" : "pin";
}

void flight_begin(struct top_flight *f, const struct top_container *sums,
		  const struct top_container *last,
		  const struct flight_unpinned *unpinned, uint64_t now)
{
	const struct top_inflight *one = oldest_of(sums, now);
	enum flight_op op;

	f->now_ns = now;
	f->eta_ns = -1;
	if (!one) {
		/* What the books or an exit told may still be under way. */
		if (f->op == FLIGHT_UNMAP || (f->op == FLIGHT_MAP && !f->found))
			flight_end(f);
		return;
	}
	op = one->unmap ? FLIGHT_UNMAP : FLIGHT_MAP;
	if (f->op != op || f->began_ns != load(&one->start_ns)) {
		f->op = op;
		f->shown = false;
		f->found = false;
		f->began_ns = load(&one->start_ns);
		f->size = 0;
		f->done = 0;
		f->asked = load(&one->size);
		f->phase = "unpin";
		pace_begin(f, f->began_ns, 0);
		/* It began since the last tick; what others have unmapped
		 * since then is not its own.
		 */
		f->unpinned = unpinned->before;
		if (f->unpinned >= 0)
			f->unpinned +=
				load(&sums->unmap_bytes) - last->unmap_bytes;
	}
	if (op == FLIGHT_MAP)
		begin_map(f, one);
	f->iova = load(&one->iova);
	f->tgid = one->tgid;
	f->tid = one->tid;
	f->elapsed_ns = now - f->began_ns;
}

void flight_teardown(struct top_flight *f, pid_t pid, int64_t bytes,
		     const struct flight_unpinned *unpinned)
{
	if (f->op != FLIGHT_TEARDOWN) {
		if (bytes <= 0)
			return;
		f->op = FLIGHT_TEARDOWN;
		f->shown = false;
		f->size = bytes;
		f->done = 0;
		f->tgid = pid;
		f->tid = pid;
		f->began_ns = f->now_ns;
		f->mark_count = 0;
		/* Some of it has gone since the last tick. */
		f->unpinned = unpinned->before;
	}
	f->elapsed_ns = f->now_ns - f->began_ns;
	f->phase = "unpin";
}

void flight_phase(struct top_flight *f, struct phases *phases)
{
	const char *phase;

	/* Nobody asks of what is over at once, and to find out costs a second
	 * of a core the first time.
	 */
	if (!f->found && f->elapsed_ns < (int64_t)SHORT_NS)
		return;
	phase = phases_of(phases, f->tgid, f->tid);
	if (!phase)
		return;
	/* Of the call before: nothing is pinned when mappings go. */
	if (f->op != FLIGHT_MAP &&
	    (!strcmp(phase, "pin") || !strcmp(phase, "fault")))
		return;
	f->phase = phase;
}

/* A mapping that is not finished, and no event said that it was begun. */
static void adopt(struct top_flight *f, struct snapshot *snapshot,
		  struct phases *phases, struct snap_survey *survey)
{
	struct snap_call call;

	if (!survey->has_making ||
	    !snapshot_call(snapshot, survey->making, &call) ||
	    call.size <= SHORT_SIZE)
		return;
	f->op = FLIGHT_MAP;
	f->shown = true;
	f->found = true;
	f->iova = call.iova;
	f->size = call.size;
	f->done = 0;
	f->phase = "pin";
	f->tgid = call.tgid;
	f->tid = call.tid;
	/* Takes its time when it is the first. */
	flight_phase(f, phases);
	survey->walk = 0;
	survey->find = 1;
	survey->iova = call.iova;
	f->began_ns = now_ns();
	if (snapshot_survey(snapshot, survey))
		flight_end(f);
	pace_begin(f, now_ns(), survey->done);
}

static void follow_map(struct top_flight *f, const struct snap_survey *survey)
{
	bool there = survey->has_done && survey->start == f->iova;
	int64_t done = there ? (int64_t)survey->done : -1;

	if (f->found && (done < 0 || done >= f->size)) {
		flight_end(f);
		return;
	}
	if (done > f->done && done <= f->size)
		f->done = done;
	if (f->found)
		f->elapsed_ns = -1;
	estimate(f);
}

/* What lies in its range is what it was asked for, or less: what has gone before
 * it was looked at first has been unpinned.
 */
static void follow_unmap(struct top_flight *f, struct snapshot *snapshot,
			 const struct snap_survey *survey)
{
	struct snap_survey range = *survey;
	int64_t given = 0, left, done;

	range.walk = 1;
	range.find = 0;
	range.from = f->iova;
	range.to = f->asked == EV_UNKNOWN ? 0 : f->iova + f->asked - 1;
	if (snapshot_survey(snapshot, &range) || !range.has_maps)
		return;
	left = range.bytes;
	if (f->unpinned >= 0)
		given = unpinned_bytes() - f->unpinned;
	if (given < 0)
		given = 0;
	if (!f->size)
		f->size = (uint64_t)(left + given) < f->asked
				  ? left + given
				  : (int64_t)f->asked;
	done = f->size - left;
	if (given > done)
		done = given < f->size ? given : f->size;
	if (done > f->done)
		f->done = done;
	/* With nothing left it ends just now, or its end was not heard. */
	f->shown = left > 0;
	estimate(f);
}

static void follow_teardown(struct top_flight *f,
			    const struct snap_survey *survey)
{
	int64_t left = f->size, given = 0;

	if (survey->has_maps && (int64_t)survey->bytes < left)
		left = survey->bytes;
	if (f->unpinned >= 0)
		given = unpinned_bytes() - f->unpinned;
	f->done = f->size - left;
	if (given > f->done)
		f->done = given < f->size ? given : f->size;
	/* When it began nobody saw: the pace is that of what is seen of it. */
	if (!f->mark_count)
		pace_begin(f, now_ns(), f->done);
	/* It may be held by what the snapshot does not see: an fd that is in
	 * flight over a socket.
	 */
	f->shown = f->done > 0;
	estimate(f);
}

void flight_survey(struct top_flight *f, struct snapshot *snapshot,
		   struct phases *phases, const struct snap_survey *survey)
{
	struct snap_survey again = *survey;

	if (f->op == FLIGHT_NONE) {
		adopt(f, snapshot, phases, &again);
		survey = &again;
	}
	if (f->op == FLIGHT_MAP)
		follow_map(f, survey);
	else if (f->op == FLIGHT_UNMAP)
		follow_unmap(f, snapshot, survey);
	else if (f->op == FLIGHT_TEARDOWN)
		follow_teardown(f, survey);
}
