/* SPDX-License-Identifier: GPL-2.0-only */
/* vfiotop's columns, as text and as JSON, and the line below a row. */
#ifndef VFIOSCOPE_VFIOTOP_TABLE_H
#define VFIOSCOPE_VFIOTOP_TABLE_H

#include "lib/out.h"
#include "lib/top_model.h"

#define MIB (1 << 20)
#define GIB (1 << 30)

extern const struct table top_table; /* of struct top_row */

/* What is in flight, if anything is. */
void top_show_inflight(struct run *run, const struct top_row *row);

#endif /* VFIOSCOPE_VFIOTOP_TABLE_H */
