/* SPDX-License-Identifier: GPL-2.0-only */
/* What holders.c and holders_find.c have from each other. */
#ifndef VFIOSCOPE_HOLDERS_FIND_H
#define VFIOSCOPE_HOLDERS_FIND_H

#include "holders.h"
#include "holders_look.h"

#define MAX_ENTRIES 65536 /* of a list that changes while it is walked */

/* One more element of a list, zeroed; NULL: out of memory. */
void *holders_append(void *list_ptr, size_t *count, size_t size);
/* NULL: not known. */
struct held_group *holders_group(struct holders *holders, uint64_t ptr);
struct held_device *holders_device(struct held_group *group, uint64_t ptr);
/* Unless it is known, or none. */
int holders_add_group(struct holders *holders, struct held_look *look,
		      uint64_t ptr);

/* Fills in the holders of all groups. */
int holders_find(struct holders *holders, struct held_look *look);

#endif /* VFIOSCOPE_HOLDERS_FIND_H */
