/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfiolat's figures: what the BPF side has counted, read each interval, and
 * added up by what was asked for.
 */
#ifndef VFIOSCOPE_VFIOLAT_SUMS_H
#define VFIOSCOPE_VFIOLAT_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/snapshot.h"
#include "vfiolat.h"

#define LAT_KEY_GROUPS 128

struct run;

enum lat_by {
	BY_NOTHING,
	BY_CONTAINER,
	BY_PID,
	BY_GROUP,
	BY_SIZE,
	BY_BACKING,
	BYS
};

/* An entry of the BPF side, as it was and is. */
struct lat_entry {
	struct lat_key key;
	struct lat_value now;
	struct lat_value last; /* when it was last shown */
	bool wanted;	       /* by the filter, once */
	unsigned int idle;     /* intervals */
};

/* One histogram to be shown. */
struct lat_sum {
	uint32_t op;
	int64_t key;  /* by what was asked for; negative: none */
	char who[64]; /* comm, the groups, or the backing */
	struct hist hist;
	uint64_t count;
	uint64_t failed;
	uint64_t sum;
	uint64_t max;
};

struct lat_member {
	int group;
	uint32_t container;
};

struct lat_sums {
	struct lat_entry *entries;
	size_t entry_count;
	size_t entry_room;
	struct lat_member *members; /* which group is in which container */
	size_t member_count;
	struct snapshot snapshot;
	unsigned int generation;
	bool looked;
	/* What follows is of the interval. */
	struct lat_sum *sums;
	size_t count;
	struct lat_sum total[LAT_OPS]; /* whatever it is split by */
	uint64_t lost;		       /* since the start */
};

/* Reads everything; negative: out of memory, it was said. */
int lat_sums_read(struct lat_sums *s, struct run *run);
/* Adds up what was counted since the last time. */
int lat_sums_add(struct lat_sums *s, enum lat_by by);
/* Takes away what can never change again. */
void lat_sums_tidy(struct lat_sums *s, struct run *run);
void lat_sums_close(struct lat_sums *s);

/* Whether the filter wants what this task does in this container. */
bool lat_sums_wanted(const struct lat_sums *s, const struct run *run,
		     uint32_t container, int32_t group, uint32_t tgid);

#endif /* VFIOSCOPE_VFIOLAT_SUMS_H */
