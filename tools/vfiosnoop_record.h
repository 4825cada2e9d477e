/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfiosnoop -w: what a recording needs beside the events. All may be called
 * without a recording, and do nothing then.
 */
#ifndef VFIOSCOPE_VFIOSNOOP_RECORD_H
#define VFIOSCOPE_VFIOSNOOP_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/recording.h"
#include "lib/snapshot.h"
#include "lib/tool.h"

#define SNOOP_SEEN 4096 /* places in each table of what was recorded before */

struct snoop_recording {
	struct recorder *to;  /* NULL: none is made */
	bool begun;	      /* with a snapshot and the source's name */
	bool changed;	      /* who holds what, since the last snapshot */
	uint64_t snapshot_ns; /* when the last snapshot was taken */
	const struct snapshot *waiting; /* still to be recorded, or NULL */
	/* What is recorded already, by its low bits; forgetting costs a copy. */
	uint32_t pids[SNOOP_SEEN];
	uint64_t symbols[SNOOP_SEEN];
	uint32_t stacks[SNOOP_SEEN]; /* id + 1 */
};

/* Negative: it was said why. */
int snoop_recording_open(struct snoop_recording *rec, const struct run *run,
			 const char *path);
/* False: the recording is not whole, and it was said. */
bool snoop_recording_close(struct snoop_recording *rec);

/* A snapshot that was just taken. It waits for the events that happened before, which
 * the ring buffer may still have: snoop_record_waiting() is for when they have come,
 * and before another is taken.
 */
void snoop_record_snapshot(struct snoop_recording *rec,
			   const struct snapshot *snapshot);
void snoop_record_waiting(struct snoop_recording *rec);
/* Takes a snapshot when it is time for one; before events, and at ticks. */
void snoop_record_holders(struct snoop_recording *rec, const struct run *run,
			  struct snapshot *snapshot);
/* @ts_ns: the time of the event that is known to be behind them, or now. */
void snoop_record_lost(struct snoop_recording *rec, uint64_t lost,
		       uint64_t ts_ns);
void snoop_record_stack(struct snoop_recording *rec, int32_t id,
			const uint64_t *frames);
void snoop_record_symbol(struct snoop_recording *rec, uint64_t address,
			 const char *name);
void snoop_record_limit(struct snoop_recording *rec, int64_t limit);
void snoop_record_reason(struct snoop_recording *rec, const char *words);
/* The event itself, after all that explains it. */
void snoop_record_event(struct snoop_recording *rec, const struct record *r);

#endif /* VFIOSCOPE_VFIOSNOOP_RECORD_H */
