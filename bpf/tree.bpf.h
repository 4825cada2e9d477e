/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk over a red-black tree, in order, one edge at a time: where we are and
 * whence we came say where to go next, so nothing is stacked. Who changes the
 * tree meanwhile may make it wrong, but every read may fail and the caller
 * bounds the steps.
 */
#ifndef VFIOSCOPE_TREE_BPF_H
#define VFIOSCOPE_TREE_BPF_H

#include "views.bpf.h"

struct tree {
	struct rb_node *at; /* NULL: all was seen */
	struct rb_node *from;
};

/* Goes on from here, as if all to the left of it was seen. */
static __always_inline void tree_enter(struct tree *t, struct rb_node *at)
{
	t->at = at;
	t->from = at ? BPF_CORE_READ(at, rb_left) : NULL;
}

/* One step; the node that it is the turn of, or NULL. t->at is not NULL. */
static __always_inline struct rb_node *tree_step(struct tree *t)
{
	struct rb_node *at, *left, *right, *up;
	bool turn;

	/* Not t->at below: it would be looked for in the kernel's types. */
	at = t->at;
	left = BPF_CORE_READ(at, rb_left);
	right = BPF_CORE_READ(at, rb_right);
	up = (void *)(BPF_CORE_READ(at, __rb_parent_color) & ~3UL);

	if (t->from == up && left) {
		t->from = at;
		t->at = left;
		return NULL;
	}
	turn = t->from != right || !right;
	t->from = at;
	t->at = turn && right ? right : up;
	return turn ? at : NULL;
}

#endif /* VFIOSCOPE_TREE_BPF_H */
