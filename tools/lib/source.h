/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where events come from: a tool's BPF programs, loaded for the modules that
 * are there and attached as more appear.
 *
 * The object is opened several times: once for the maps alone, so that they
 * exist from the start to the end, and once a module for the programs that
 * belong to it. A link holds its module loaded; source_let_go() gives the
 * modules back, and whatever takes their place is attached to again.
 */
#ifndef VFIOSCOPE_SOURCE_H
#define VFIOSCOPE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct source;

/* NULL: it was said why. @kind: auto, tracepoint or stock. @buffer: bytes of
 * the ring buffer "events", 0: as the programs say.
 */
struct source *source_open(const char *name, const void *(*elf)(size_t *size),
			   const char *kind, size_t buffer, bool verbose);
/* A recording that was opened (replay.h) is the source: it is always ready, and
 * nothing else of it is to be polled.
 */
struct source *source_open_replay(void);
void source_close(struct source *source);

/* The map's fd, negative: there is no such map. */
int source_map(struct source *source, const char *name);
/* Bytes of the ring buffer "events". */
size_t source_buffer(struct source *source);
/* The array's elements, mapped to be read and written; NULL: it was said. */
void *source_map_memory(struct source *source, const char *name, size_t element,
			size_t count);

/* A hash map from user space: the key after @key (NULL: the first), its value,
 * a new one, and away with it. False: there is none, or no room.
 */
bool source_map_next(struct source *source, const char *name, const void *key,
		     void *next);
bool source_map_get(struct source *source, const char *name, const void *key,
		    void *value);
bool source_map_put(struct source *source, const char *name, const void *key,
		    const void *value);
bool source_map_delete(struct source *source, const char *name,
		       const void *key);

/* Programs called any__NAME are of no module: they are loaded from the start and
 * attached when these say so, until the end. @program: its whole name. False:
 * it cannot be done here.
 */
bool source_attach(struct source *source, const char *program);
/* On the clock of each CPU. */
bool source_sample(struct source *source, const char *program,
		   unsigned int per_second);

/* Attaches to what is there and is not attached yet. Negative: cannot ever,
 * it was said.
 */
int source_poll(struct source *source);
/* An fd that becomes readable when a module comes or goes, or -1. */
int source_module_fd(struct source *source);
/* Milliseconds until source_poll() is worth calling, -1: not needed. */
int source_timeout(struct source *source);
/* Detaches, so that the modules can be unloaded; when called again, or when one
 * of them was loaded anew, attaches again.
 */
void source_let_go(struct source *source);

/* Whether the core is there and attached. */
bool source_ready(struct source *source);
/* Attaching takes longer than usual: a call that is going on for long must end
 * first. What iterators tell can be had meanwhile.
 */
bool source_attaching(struct source *source);
/* It is there, and could not be attached to yet: on its way in or out. */
bool source_coming(struct source *source);
const char *source_kind(struct source *source);
/* What is being waited for, or "" */
const char *source_status(struct source *source);
/* Changes when something was attached or let go; when replaying, with every
 * snapshot that was recorded.
 */
unsigned int source_generation(struct source *source);

#endif /* VFIOSCOPE_SOURCE_H */
