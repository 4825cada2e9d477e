/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes metrics as Prometheus reads them: its text format, or OpenMetrics, for
 * whoever asks for that. A family is written once, with all its samples behind
 * it.
 */
#ifndef VFIOSCOPE_METRICS_H
#define VFIOSCOPE_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../bpf/hist.h"

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM, /* of ns, shown in seconds */
	METRIC_INFO,	  /* its labels are what it says */
};

struct metric {
	const char *name; /* without _total and _info */
	enum metric_type type;
	const char *unit; /* which the name ends with, NULL: none */
	const char *help;
};

/* An empty value is as no label. The last one has no name. */
struct label {
	const char *name;
	const char *value;
};

struct metrics {
	FILE *out;
	bool open; /* OpenMetrics */
	const struct metric *family;
};

/* Whether that is what an Accept: header likes best; NULL: there is none. */
bool metrics_wants_open(const char *accept);
const char *metrics_content_type(bool open);

/* The name that its samples have, but for a histogram's. */
const char *metric_full_name(const struct metric *metric, char *buf,
			     size_t size);
const char *metric_type_name(const struct metric *metric, bool open);

void metrics_family(struct metrics *m, const struct metric *family);
/* Samples of the family that was begun last. */
void metrics_number(struct metrics *m, const struct label *labels,
		    uint64_t value);
void metrics_seconds(struct metrics *m, const struct label *labels,
		     uint64_t ns);
void metrics_histogram(struct metrics *m, const uint64_t slots[HIST_SLOTS],
		       uint64_t sum_ns);
void metrics_end(struct metrics *m);

#endif /* VFIOSCOPE_METRICS_H */
