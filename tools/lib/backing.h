/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is behind the addresses of a process: /proc/PID/smaps, read once, as
 * areas in which a mapping's address is looked up.
 */
#ifndef VFIOSCOPE_BACKING_H
#define VFIOSCOPE_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum backing_kind {
	BACKING_UNKNOWN,
	BACKING_NONE, /* nothing is mapped there any more */
	BACKING_ANON,
	BACKING_THP, /* anonymous, and at least some of it in huge pages */
	BACKING_HUGETLB,
	BACKING_MEMFD,
	BACKING_SHMEM, /* tmpfs, System V, shared anonymous */
	BACKING_FILE,
	BACKING_DEVICE, /* a BAR, or what else is not memory */
	BACKING_MIXED,
	BACKING_KINDS,
};

struct backing {
	enum backing_kind kind;
	int64_t page_size;   /* -1: not the same everywhere, or not known */
	double huge_percent; /* of what is there, in huge pages; -1: no such */
};

struct backing_area;

struct backing_map {
	struct backing_area *areas;
	size_t count;
	size_t room;
};

const char *backing_name(enum backing_kind kind);
/* False: there is no such process, or it may not be looked at. */
bool backing_read(struct backing_map *map, pid_t pid);
struct backing backing_of(const struct backing_map *map, uint64_t vaddr,
			  uint64_t size);
void backing_free(struct backing_map *map);

#endif /* VFIOSCOPE_BACKING_H */
