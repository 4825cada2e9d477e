/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording in the place of the kernel.
 *
 * A tool's BPF program is plain C in its handlers, ON(event) { .. }. It is
 * compiled for this machine as well, with replay_bpf.h in the place of the
 * sources and of the helpers: what a helper asks the kernel is answered from
 * the record that is played, and maps are memory here. So the same code runs on
 * any machine, without root, BPF or vfio. There is one recording at a time.
 */
#ifndef VFIOSCOPE_REPLAY_H
#define VFIOSCOPE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "recording.h"

struct run;
struct snapshot;

/* Negative: it was said why. */
int replay_open(struct run *run, const char *path);
void replay_close(void);
/* Whether events come from a recording. */
bool replay_active(void);

/* Plays what happened up to this time, some of it at once: positive, there is
 * more to play before it; 0, it was reached; negative, the recording has ended,
 * and *until_ns is when.
 */
int replay_play(struct run *run, uint64_t *until_ns);

/* What was recorded beside the events, as of what has been played. */
const char *replay_source(void);
/* Changes with every snapshot. */
unsigned int replay_generation(void);
uint64_t replay_lost(void);
int64_t replay_entry_limit(void);
/* Why the event that is played failed, "": nothing was found out. */
const char *replay_reason(void);
bool replay_symbol(uint64_t address, char *name, size_t size);
/* NULL: the process was not recorded. */
const struct record_names *replay_names(pid_t pid);
int replay_snapshot(struct snapshot *snapshot);

/* Maps, by name. */
void *replay_map_memory(const char *name, size_t element, size_t count);
bool replay_map_next(const char *name, const void *key, void *next);
bool replay_map_get(const char *name, const void *key, void *value);
bool replay_map_delete(const char *name, const void *key);

/* What replay_bpf.h needs for the helpers. */
struct replay_map;
struct replay_map *replay_map(const char *name, unsigned int type,
			      size_t key_size, size_t value_size,
			      size_t entries);
void *replay_lookup(struct replay_map *map, const void *key);
long replay_update(struct replay_map *map, const void *key, const void *value,
		   uint64_t flags);
long replay_delete(struct replay_map *map, const void *key);
/* The record that is being played. */
const struct record *replay_record(void);
void *replay_reserve(size_t size);
void replay_submit(void *data, bool keep);

/* The handlers of this program, by event. */
struct replay_handler {
	enum record_event event;
	void (*call)(void *event);
};

#endif /* VFIOSCOPE_REPLAY_H */
