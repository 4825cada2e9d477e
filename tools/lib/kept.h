/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies of things by a number, of which the last one counts. */
#ifndef VFIOSCOPE_KEPT_H
#define VFIOSCOPE_KEPT_H

#include <stddef.h>
#include <stdint.h>

struct kept {
	uint64_t key;
	void *data;
};

struct kept_list {
	struct kept *list; /* sorted by key */
	size_t count;
};

/* NULL: there is none. */
void *kept_find(const struct kept_list *list, uint64_t key);
/* Without memory for it, it is not kept. */
void kept_add(struct kept_list *list, uint64_t key, const void *data,
	      size_t size);
void kept_free(struct kept_list *list);

#endif /* VFIOSCOPE_KEPT_H */
