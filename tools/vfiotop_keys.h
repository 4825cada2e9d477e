/* SPDX-License-Identifier: GPL-2.0-only */
/* vfiotop's state, and what keys do to it. */
#ifndef VFIOSCOPE_VFIOTOP_KEYS_H
#define VFIOSCOPE_VFIOTOP_KEYS_H

#include "lib/out.h"
#include "lib/top_model.h"
#include "vfiotop_drill.h"

struct top {
	struct top_model model;
	struct top_drill drill;
	const struct column *sort;
	const char *sort_key;
	long rows;	   /* at most; 0: as many as fit */
	int64_t container; /* this one alone; negative: all */
	bool reverse;
	bool hide_idle;
	bool help;
	bool drilled; /* shown in detail */

	/* On the screen. */
	const struct top_row **shown; /* those that are wanted, sorted */
	size_t shown_count;
	size_t first; /* of them at the top */
	size_t at;    /* the selected one's place, also when it has gone */
	bool selecting;
	uint32_t selected;
	char message[128]; /* until the next key */
};

bool top_key(struct run *run, int key);
void top_show_help(struct run *run);

#endif /* VFIOSCOPE_VFIOTOP_KEYS_H */
