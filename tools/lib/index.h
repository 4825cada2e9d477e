/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds a place in a list by what is known of its element: a hash table from a
 * key of four words to a number. A caller that goes through its list for each
 * element that it adds takes a minute for what a process may have (40,000
 * duplicates of one file).
 */
#ifndef VFIOSCOPE_INDEX_H
#define VFIOSCOPE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_entry;

/* All zeroes: empty. */
struct index {
	struct index_entry *entries;
	bool failed; /* no memory for an entry: what it finds is not complete */
};

struct index_key {
	uint64_t words[4];
};

/* Where the place of @key is kept, until the index is cleared; NULL: there is none. */
size_t *index_find(const struct index *index, const struct index_key *key);
/* Adds @key with @place unless it is there. False: it was there already, or there
 * was no memory, and then index->failed is set.
 */
bool index_add(struct index *index, const struct index_key *key, size_t place);
void index_clear(struct index *index);

#endif /* VFIOSCOPE_INDEX_H */
