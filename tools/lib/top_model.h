/* SPDX-License-Identifier: GPL-2.0-only */
/* A row a container, and how it is made of sums, snapshot and surveys: what
 * vfiotop shows and vfio-exporter gives away.
 */
#ifndef VFIOSCOPE_TOP_MODEL_H
#define VFIOSCOPE_TOP_MODEL_H

#include "../../bpf/sums.h"
#include "containers.h"
#include "flight.h"
#include "hist.h"
#include "out.h"
#include "snapshot.h"

/* What is shown; a negative number is not known. */
struct top_row {
	int64_t container;
	int64_t number; /* see containers_number() */
	int64_t pid;
	struct container held;
	int64_t users;
	int64_t maps;
	int64_t dma_entry_limit;
	double entries_percent;
	int64_t pinned_bytes;
	int64_t memlock_limit; /* of the process; negative: none */
	double map_rate;
	double unmap_rate;
	double map_bytes_rate;
	int64_t map_p50_ns;
	int64_t map_p99_ns;
	int64_t map_max_ns;
	int64_t errors; /* since the tool began to listen */
	int64_t lost;
	struct top_flight inflight;
	bool idle;

	/* From tick to tick. */
	struct top_container last;
	int64_t base_pinned;  /* bytes, from before the tool listened */
	uint64_t base_errors; /* of an earlier container of this id */
	uint32_t opens;
	uint32_t backends;
	bool surveyed;
	bool over; /* released: this was its last tick */
	bool gone;
};

struct top_model {
	struct top_container *sums; /* the BPF side's */
	struct top_global *global;
	size_t count;
	struct top_row *rows;
	struct snapshot snapshot;
	struct containers held;
	struct phases phases;
	uint64_t changes; /* that the snapshot has seen */
	uint64_t snapshot_ns;
	unsigned int generation;
	bool wide;
	struct flight_unpinned unpinned;

	/* For the title. */
	double map_rate;
	int64_t pinned_bytes;
	uint64_t lost;
};

struct source;

int top_model_open(struct top_model *model, struct source *source);
int top_model_update(struct top_model *model, const struct run *run);
/* What the BPF side keeps of a container; all zeroes if it keeps nothing. */
struct top_container *top_model_sums(struct top_model *model, uint32_t id);
/* NULL: there is none. */
struct top_row *top_model_find(struct top_model *model, uint32_t id);
void top_model_close(struct top_model *model);

#endif /* VFIOSCOPE_TOP_MODEL_H */
