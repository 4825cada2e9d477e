/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfiomaps' model: every container, its mappings as the backend has them, and
 * the books that they are in. Rows, which also say what is behind a mapping
 * (lib/maps_rows.h), are made for those containers alone that are to be shown.
 */
#ifndef VFIOSCOPE_VFIOMAPS_H
#define VFIOSCOPE_VFIOMAPS_H

#include <json-c/json.h>

#include "lib/containers.h"
#include "lib/mappings.h"
#include "lib/maps_rows.h"
#include "lib/memlock.h"
#include "lib/out.h"

struct maps_container {
	const struct container *held;
	struct mapping *list;
	size_t count;
	int64_t dma_avail; /* -1: not known */
	bool torn;
	pid_t pid;	 /* who mapped most of it; 0: nobody */
	int64_t charged; /* bytes; -1: not known */
};

struct maps_model {
	struct snapshot snapshot;
	struct containers held;
	struct mappings mappings;
	struct maps_container *list;
	size_t count;
	struct maps_owners owners;
};

/* Looks at everything anew. Negative: could not, it was said. */
int maps_model_take(struct maps_model *model);
void maps_model_close(struct maps_model *model);

/* What is booked for a container, and what its process may book yet. Bytes;
 * negative: not known, or without limit.
 */
struct maps_ledger {
	int64_t container;
	int64_t pid;
	char comm[VFIOSCOPE_COMM_LEN];
	struct memlock memlock; /* of the process */
	int64_t charged;	/* to VmLck, for this container */
	int64_t others;		/* ... for other containers of the process */
	int64_t elsewhere;	/* the rest of VmLck: mlock(), or a leak */
	int64_t left;
	int64_t needed; /* for one more container with this memory */
	int64_t mapped;
	int64_t maps;
	int64_t maps_left;
	int64_t entry_limit;
	int one_more; /* whether it fits: 0, 1, -1: not known */
	bool torn;
};

void maps_ledger_make(struct maps_ledger *ledger,
		      const struct maps_model *model,
		      const struct maps_container *c,
		      const struct maps_rows *rows); /* not folded */
void maps_ledger_json(struct run *run, const struct maps_ledger *ledger);
void maps_ledger_text(struct run *run, const struct maps_ledger *ledger);

#endif /* VFIOSCOPE_VFIOMAPS_H */
