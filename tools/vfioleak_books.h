/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfioleak's books: what was taken and not given back. Mappings are in a tree,
 * as there may be many and one unmap may end several; everything else is in a
 * list, as there is little of it.
 */
#ifndef VFIOSCOPE_VFIOLEAK_BOOKS_H
#define VFIOSCOPE_VFIOLEAK_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/snapshot.h"
#include "vfioleak.h"
#include "vfioleak_stacks.h"

/* Something that was taken. */
struct leak_item {
	__u32 kind;
	__u32 container;
	__s32 group;
	__u32 reason;
	__u32 tgid;
	__u64 ts;
	__u64 iova;
	__u64 size;  /* bytes; 0: has none */
	__u64 count; /* of mappings that were there before */
	__u64 most;  /* it was at first: what came later has a record */
	__u64 address; /* the VM; of mappings that were there before, the container */
	struct leak_stack *stack; /* it uses it; NULL: none */
	bool before;		  /* it was there before the tool */
	bool family;		  /* by a process of the command */
	char comm[16];
	char device[LEAK_NAME];
};

/* How often things of one key were taken and given back, and who gave back
 * last. A container's go with it.
 */
struct leak_account {
	struct leak_item key;
	__u64 gets;
	__u64 puts;
	struct leak_stack *put_stack; /* it uses it; NULL: none */
};

struct leak_books {
	struct leak_item *items; /* all but mappings */
	size_t count;
	size_t room;
	void *mappings; /* tree of struct leak_item */
	size_t mapping_count;
	struct leak_account *accounts;
	size_t account_count;
	struct leak_stacks stacks;
	struct snapshot snapshot;
	uint64_t snapshot_ns;
	uint64_t last_ns; /* of the latest record */
};

/* What a record is about. */
void leak_item_fill(struct leak_item *item, const struct leak_event *e);
/* Enters a record; negative: out of memory. */
int leak_books_enter(struct leak_books *b, const struct leak_event *e);
/* Enters what is there and was not known; negative: could not, it was said. */
int leak_books_begin(struct leak_books *b);
/* Asks again what is left of the mappings that were there before. */
void leak_books_refresh(struct leak_books *b);
/* Calls @one for everything that is outstanding. */
void leak_books_walk(struct leak_books *b,
		     void (*one)(const struct leak_item *item, void *arg),
		     void *arg);
const struct leak_account *leak_books_account(const struct leak_books *b,
					      const struct leak_item *item);
void leak_books_close(struct leak_books *b);

#endif /* VFIOSCOPE_VFIOLEAK_BOOKS_H */
