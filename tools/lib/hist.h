/* SPDX-License-Identifier: GPL-2.0-only */
/* Histograms that the BPF side has filled; bpf/hist.h says their shape. */
#ifndef VFIOSCOPE_LIB_HIST_H
#define VFIOSCOPE_LIB_HIST_H

#include <stdint.h>
#include <stdio.h>

#include "../../bpf/hist.h"

/* What was counted since @last, which becomes @now. */
void hist_since(struct hist *diff, const struct hist *now, struct hist *last);
uint64_t hist_count(const struct hist *h);
/* The value below which @percent of the values lie; -1 when there is none. */
int64_t hist_percentile(const struct hist *h, double percent);
/* By powers of two, as bcc prints it. */
void hist_print(FILE *to, const struct hist *h, const char *unit);

#endif /* VFIOSCOPE_LIB_HIST_H */
