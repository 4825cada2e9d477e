/* SPDX-License-Identifier: GPL-2.0-only */
/* Histograms that the BPF side has filled; bpf/hist.h says their shape. */
#ifndef VFIOSCOPE_LIB_HIST_H
#define VFIOSCOPE_LIB_HIST_H

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>

#include "../../bpf/hist.h"

/* The slot of the value 2^@log, for which all that is less is in lower ones. */
unsigned int hist_slot_from(unsigned int log);
/* What was counted since @last, which becomes @now. */
void hist_since(struct hist *diff, const struct hist *now, struct hist *last);
void hist_merge(struct hist *sum, const struct hist *more);
uint64_t hist_count(const struct hist *h);
/* The value below which @percent of the values lie; -1 when there is none. */
int64_t hist_percentile(const struct hist *h, double percent);
/* A value that no smaller slot than the highest used one holds, at least as
 * large as all; 0 when there is none.
 */
uint64_t hist_bound(const struct hist *h);
/* By powers of two: row k counts 2^k up to 2^(k+1) - 1, the first also 0. */
void hist_fold(const struct hist *h, uint64_t rows[HIST_LOG2_MAX]);
/* As bcc prints it; @scale values are one @unit. */
void hist_print(FILE *to, const struct hist *h, const char *unit, double scale);
/* The same in at most @lines lines of @width columns, the heading included: where
 * there are too many, powers of two share one. Each goes to @line, which may be
 * NULL; how many there are.
 */
unsigned int hist_lines(const struct hist *h, const char *unit, double scale,
			unsigned int lines, unsigned int width,
			void (*line)(void *arg, const char *text), void *arg);
/* What hist_fold() made, as a list of {@le, count}; empty rows are left out. */
struct json_object *hist_json(const uint64_t rows[HIST_LOG2_MAX],
			      const char *le);

#endif /* VFIOSCOPE_LIB_HIST_H */
