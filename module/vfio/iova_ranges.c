// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merging of IOVA ranges, for devices that can log DMA in fewer ranges than user
 * space asks for.
 *
 * Of the gaps between neighbours the smallest is given up first: that costs the
 * least of what is logged in vain.
 */
#include <linux/interval_tree.h>
#include <linux/limits.h>
#include <linux/module.h>

#include "vfio.h"

static struct interval_tree_node *first_range(struct rb_root_cached *root)
{
	return interval_tree_iter_first(root, 0, ULONG_MAX);
}

static struct interval_tree_node *next_range(struct interval_tree_node *range)
{
	return interval_tree_iter_next(range, 0, ULONG_MAX);
}

/* The one before the smallest gap, the first of equals; NULL without gaps. */
static struct interval_tree_node *before_smallest_gap(struct rb_root_cached *root)
{
	struct interval_tree_node *range = first_range(root);
	struct interval_tree_node *next, *best = NULL;
	unsigned long gap, smallest = ULONG_MAX;

	if (!range)
		return NULL;
	for (; (next = next_range(range)); range = next) {
		gap = next->start - range->last;
		if (gap < smallest) {
			smallest = gap;
			best = range;
		}
	}
	return best;
}

static void absorb(struct interval_tree_node *range,
		   struct interval_tree_node *next, struct rb_root_cached *root)
{
	unsigned long last = next->last;

	/*
	 * Taken out first, both: the tree keeps sums of what is below a node,
	 * which would be wrong after an end is moved in place.
	 */
	interval_tree_remove(next, root);
	interval_tree_remove(range, root);
	range->last = last;
	interval_tree_insert(range, root);
}

/**
 * vfio_combine_iova_ranges - merge ranges until few enough are left
 * @root: tree of ranges that do not overlap; nodes that are taken out of it stay
 *	the caller's
 * @cur_nodes: how many there are
 * @req_nodes: how many there may be, at least 1
 */
void vfio_combine_iova_ranges(struct rb_root_cached *root, u32 cur_nodes,
			      u32 req_nodes)
{
	struct interval_tree_node *range;

	for (; cur_nodes > req_nodes; cur_nodes--) {
		range = before_smallest_gap(root);
		if (WARN_ON_ONCE(!range))
			break;
		absorb(range, next_range(range), root);
	}
}
EXPORT_SYMBOL_GPL(vfio_combine_iova_ranges);
