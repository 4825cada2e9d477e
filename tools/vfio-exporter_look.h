/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vfio-exporter looks at: containers, as vfiotop has them; groups and who
 * holds them, as vfioholders finds them; faults, as vfiofaults reads them.
 */
#ifndef VFIOSCOPE_EXPORTER_LOOK_H
#define VFIOSCOPE_EXPORTER_LOOK_H

#include "lib/holders.h"
#include "lib/memlock.h"
#include "lib/top_model.h"

#define LOOK_DEVICES 256 /* beyond them none that is not VFIO's */

struct look_container {
	const struct top_row *row;
	struct memlock memlock; /* of its process */
	int64_t map_ns; /* of the map in flight, so far; 0: there is none */
	char number[24];
	char pid[24];
};

/* All groups of this number: the one before may still be held when a new one
 * has come.
 */
struct look_group {
	int id;
	int viable; /* negative: there are no devices */
	bool attached;
	unsigned int users;
	unsigned int unaccounted;
	unsigned int external;
	unsigned int holders[HOLDER_KINDS];
	char number[16];
	char container[24]; /* "": in none, or in one that nobody has */
	char vm[64];
};

struct look_device {
	char name[VFIOSCOPE_NAME_LEN];
	char group[16]; /* "": in none */
	int64_t opens;	/* negative: not VFIO's */
	uint64_t faults;
};

struct look {
	struct top_model model;
	struct top_totals *totals;
	uint64_t model_ns; /* when it was updated */
	uint64_t asked_ns; /* the same, for somebody who asked */
	bool has_model;

	struct holders holders;
	uint64_t held_ns; /* the model's snapshot that they go with */
	bool has_holders;

	int log;
	uint64_t suppressed; /* faults that the kernel did not log */
	uint64_t overwritten;
	uint64_t other_faults; /* of devices for which there was no place */

	struct look_container *containers;
	size_t container_count;
	struct look_group *groups; /* by number */
	size_t group_count;
	struct look_device *devices;
	size_t device_count;
	size_t device_room;
};

/* Negative: cannot, it was said. */
int look_begin(struct look *look, struct run *run);
/* Once a tick: what must not wait for somebody to ask. */
void look_tick(struct look *look, const struct run *run);
/* Everything, as of now; what cannot be had is missing, and has no has_. */
void look_take(struct look *look, const struct run *run);
void look_end(struct look *look);

#endif /* VFIOSCOPE_EXPORTER_LOOK_H */
