/* SPDX-License-Identifier: GPL-2.0-only */
/* A group and its holders, for people and for programs. */
#ifndef VFIOSCOPE_VFIOHOLDERS_SHOW_H
#define VFIOSCOPE_VFIOHOLDERS_SHOW_H

#include "lib/holders.h"

struct run;

void show_time(struct run *run);
void show_text(struct run *run, const struct holders *holders,
	       const struct held_group *group, bool first);
void show_json(struct run *run, const struct held_group *group);

#endif /* VFIOSCOPE_VFIOHOLDERS_SHOW_H */
