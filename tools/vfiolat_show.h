/* SPDX-License-Identifier: GPL-2.0-only */
/* vfiolat's histograms and verdict as text and as JSON. */
#ifndef VFIOSCOPE_VFIOLAT_SHOW_H
#define VFIOSCOPE_VFIOLAT_SHOW_H

#include <stdint.h>

#include "vfiolat_sums.h"

struct run;
struct lat_verdict;

struct lat_op_name {
	const char *name;
	const char *says;
};

extern const struct lat_op_name lat_ops[LAT_OPS];
extern const char *const lat_by_names[BYS];

struct lat_view {
	enum lat_by by;
	const char *unit;
	double scale; /* ns in one */
};

void lat_show_text(struct run *run, const struct lat_view *view,
		   const struct lat_sum *sum);
/* @ts: ns since 1970. */
void lat_show_json(const struct lat_view *view, const struct lat_sum *sum,
		   uint64_t ts, uint64_t lost);
void lat_show_json_verdict(const struct lat_verdict *v, const char *text,
			   uint64_t ts, uint64_t lost);

#endif /* VFIOSCOPE_VFIOLAT_SHOW_H */
