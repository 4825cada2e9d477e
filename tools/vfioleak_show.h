/* SPDX-License-Identifier: GPL-2.0-only */
/* What is outstanding, like things together, as text and as JSON. */
#ifndef VFIOSCOPE_VFIOLEAK_SHOW_H
#define VFIOSCOPE_VFIOLEAK_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfioleak_books.h"

struct run;

/* Things of one key that one process took by one way. */
struct leak_group {
	struct leak_item item; /* the oldest */
	uint64_t count;
	uint64_t bytes;
};

struct leak_list {
	struct leak_group *groups;
	size_t count;
	bool family_only;
	uint64_t older_than_ns; /* taken before */
	struct run *run;
	const struct leak_books *books;
	bool failed; /* out of memory */
};

/* Makes the list anew. */
bool leak_list_build(struct leak_list *list, struct run *run,
		     struct leak_books *books);
void leak_list_show(const struct leak_list *list);
/* A row of text above them. */
void leak_list_header(struct run *run);
void leak_list_free(struct leak_list *list);
/* One record as it came. */
void leak_show_event(struct run *run, const struct leak_event *e,
		     const struct leak_books *books);

#endif /* VFIOSCOPE_VFIOLEAK_SHOW_H */
