/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a container is doing that takes long: a map, an unmap, or the taking down
 * of everything after its last user has gone. How far it is and what it waits
 * for.
 */
#ifndef VFIOSCOPE_FLIGHT_H
#define VFIOSCOPE_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../bpf/sums.h"
#include "phase.h"
#include "snapshot.h"

/* When something had been done, for the pace of the last seconds. */
#define FLIGHT_MARKS 32

struct flight_mark {
	uint64_t at_ns;
	int64_t done;
};

enum flight_op { FLIGHT_NONE, FLIGHT_MAP, FLIGHT_UNMAP, FLIGHT_TEARDOWN };

/* What the whole machine has unpinned, in bytes; negative: not known. */
struct flight_unpinned {
	int64_t now;
	int64_t before; /* a tick ago */
};

struct top_flight {
	enum flight_op op;
	bool shown; /* it is not only a guess */
	uint64_t iova;
	int64_t size;
	int64_t done;
	int64_t elapsed_ns; /* negative: it began before the tool did */
	int64_t eta_ns;	    /* negative: not known */
	const char *phase;
	pid_t tgid;
	pid_t tid;

	/* From tick to tick. */
	bool found; /* by the books, no event told */
	uint64_t now_ns;
	uint64_t began_ns;
	struct flight_mark marks[FLIGHT_MARKS]; /* a ring */
	unsigned int first_mark;
	unsigned int mark_count;
	struct flight_mark last; /* when it was last seen to go on */
	uint64_t seen_ns;	 /* when it was last looked at */
	unsigned int steady;	 /* ticks since the last without progress */
	uint64_t step_ns;	 /* the longest that it took to go on */
	uint64_t asked;		 /* an unmap's size; EV_UNKNOWN: everything */
	int64_t unpinned;	 /* bytes of the whole machine, when it began */
};

const char *flight_name(enum flight_op op);

/* Once a tick. */
void flight_look(struct flight_unpinned *unpinned);
/* A tick begins: what the events say. @last: the sums a tick ago. */
void flight_begin(struct top_flight *flight, const struct top_container *sums,
		  const struct top_container *last,
		  const struct flight_unpinned *unpinned, uint64_t now_ns);
/* Nobody has the container open, and it is still there; a tick ago it had @bytes
 * pinned.
 */
void flight_teardown(struct top_flight *flight, pid_t pid, int64_t bytes,
		     const struct flight_unpinned *unpinned);
/* What its task is doing, if it has been at it for a while. */
void flight_phase(struct top_flight *flight, struct phases *phases);
/* What the backend's books say of it; they also know what began unseen. */
void flight_survey(struct top_flight *flight, struct snapshot *snapshot,
		   struct phases *phases, const struct snap_survey *survey);
void flight_end(struct top_flight *flight);

#endif /* VFIOSCOPE_FLIGHT_H */
