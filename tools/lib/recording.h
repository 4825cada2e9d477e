/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording: a header, then chunks of a type, a size and so many bytes.
 *
 * All numbers are the machine's own. A reader skips chunks of types it does not
 * know; a payload that is shorter than the reader's struct has zeroes behind it,
 * one that is longer is cut. So structs grow at their end and types are added.
 * What explains an event (a name, a stack) stands before it.
 */
#ifndef VFIOSCOPE_RECORDING_H
#define VFIOSCOPE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../bpf/record.h"

#define RECORD_MAGIC	 "VFIOREC\n"
#define RECORD_VERSION	 3
#define RECORD_MAX_CHUNK (64 << 20) /* a larger one is not a chunk */

struct record_header {
	char magic[8];
	uint32_t version;
	uint32_t size;	  /* of this header: where the first chunk begins */
	uint64_t mono_ns; /* the start, CLOCK_MONOTONIC */
	uint64_t real_ns; /* the same moment, since 1970 */
	char source[16];  /* tracepoint or stock; "": not attached yet */
	char kernel[64];  /* uname -r */
};

enum record_type {
	RECORD_EVENT = 1, /* struct record */
	RECORD_SNAPSHOT,  /* struct record_snapshot, then snap_records */
	RECORD_NAMES,	  /* struct record_names */
	RECORD_LOST,	  /* struct record_lost */
	RECORD_STACK,	  /* struct record_stack */
	RECORD_SYMBOL,	  /* struct record_symbol */
	RECORD_LIMIT,	  /* struct record_limit */
	RECORD_SOURCE,	  /* char[16], when it is known */
	RECORD_END,	  /* struct record_end: it was not cut off */
	RECORD_REASON,	  /* struct record_reason, of the next event */
};

struct record_chunk {
	uint32_t type;
	uint32_t size; /* of what follows */
};

struct record_snapshot {
	uint64_t ts_ns;
	uint32_t record_size; /* of a snap_record */
	uint32_t count;
};

struct record_names {
	uint32_t pid;
	char comm[VFIOSCOPE_COMM_LEN];
	char vm[64];
	char cgroup[256]; /* below the root, "": not known */
};

struct record_lost {
	uint64_t ts_ns;
	uint64_t lost; /* since the last of these */
};

struct record_stack {
	int32_t id;
	uint32_t unused;
	uint64_t frames[RECORD_STACK_DEPTH]; /* 0: no more */
};

struct record_symbol {
	uint64_t address;
	char name[64];
};

struct record_limit {
	int64_t dma_entry_limit; /* negative: not known */
};

/* Why the event that follows failed, as it was found out then. */
struct record_reason {
	char words[160];
};

struct record_end {
	uint64_t ts_ns;
};

/* Writing. What is on the disk ends with a whole chunk, also when it is full. */
struct recorder;

/* NULL: it was said why. The times are the start by both clocks. */
struct recorder *recorder_open(const char *path, uint64_t mono_ns,
			       uint64_t real_ns);
void recorder_add(struct recorder *recorder, enum record_type type,
		  const void *data, size_t size);
void recorder_add_two(struct recorder *recorder, enum record_type type,
		      const void *data, size_t size, const void *more,
		      size_t more_size);
/* Brings it to the disk; false: it could not, now or before, and it was said. */
bool recorder_flush(struct recorder *recorder);
bool recorder_close(struct recorder *recorder);

#endif /* VFIOSCOPE_RECORDING_H */
