/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One container in detail: its mappings by what is behind them, by size and by
 * the length of their runs, who holds its groups, how long its maps took, and
 * the last calls that failed.
 *
 * Looking costs more than a row does, so it is done again only when something
 * was mapped or unmapped, when the rows' snapshot was taken anew and, for the
 * memory behind the mappings, every ten seconds. That is told by smaps, which
 * may take seconds for a large process: it has a twentieth of the time.
 */
#ifndef VFIOSCOPE_VFIOTOP_DRILL_H
#define VFIOSCOPE_VFIOTOP_DRILL_H

#include <json-c/json.h>

#include "lib/explain.h"
#include "lib/holders.h"
#include "lib/maps_rows.h"
#include "lib/top_model.h"

/* A container's fd holds all of its groups: it is here once. */
struct drill_holder {
	const struct held_group *group;
	const struct holder *holder;
};

struct top_drill {
	uint32_t container;
	struct mappings mappings;
	struct maps_owners owners;
	struct holders holders;
	struct explain explain;

	/* What was found. */
	bool has_maps;
	bool has_holders;
	struct drill_holder *held;
	size_t held_count;
	const struct held_group *group; /* of the container, the first */
	size_t groups; /* all of them, and the sums of their users */
	unsigned int users;
	unsigned int accounted;
	unsigned int unaccounted;
	struct maps_row kinds[MAPS_KINDS]; /* largest first */
	size_t kind_count;
	uint64_t sizes[HIST_LOG2_MAX];	 /* mappings, by size */
	uint64_t lengths[HIST_LOG2_MAX]; /* ... by the mean of their runs */
	int64_t runs;			 /* of all; negative: not known */
	int64_t bytes;
	struct top_failure failures[TOP_FAILURES]; /* the last one first */
	size_t failure_count;

	/* When that was. */
	uint64_t changes; /* maps and unmaps until then */
	uint64_t owners_ns;
	uint64_t owners_took_ns;
	uint64_t held_ns; /* the snapshot's */
	unsigned int generation;
};

/* Looks at the row's container, as far as something may have changed. Negative:
 * cannot, it was said.
 */
int drill_take(struct top_drill *drill, struct top_model *model,
	       const struct top_row *row, const struct run *run);
void drill_close(struct top_drill *drill);

/* The failed call as an event, and why it failed. */
void drill_explain(struct top_drill *drill, const struct top_failure *failure,
		   char *buf, size_t size);

/* Within so many lines, 0: as many as it takes. */
void drill_show(struct run *run, struct top_drill *drill,
		const struct top_row *row, int width, int lines);
/* Adds to what the row says. */
void drill_json(struct run *run, struct top_drill *drill,
		const struct top_row *row, struct json_object *object);

#endif /* VFIOSCOPE_VFIOTOP_DRILL_H */
