/* SPDX-License-Identifier: GPL-2.0-only */
/* The mappings of a container; bpf/mappings.bpf.c finds them. */
#ifndef VFIOSCOPE_MAPPINGS_LIB_H
#define VFIOSCOPE_MAPPINGS_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/mappings.h"

struct mappings {
	struct mapping *list; /* sorted by iova */
	size_t count;
	size_t room;
	int64_t dma_avail; /* mappings that may still be made, -1: not known */
	bool torn; /* they changed while they were read, each time anew */
	void *bpf;
	const struct mapping *chunk;
};

/* Reads all of them; they are good until the next call. Loads the programs
 * when they are not. Negative: could not, it was said; -ESTALE: there is no
 * such container any more, and nothing was said.
 */
int mappings_take(struct mappings *mappings, uint64_t container_ptr,
		  uint32_t container);
/* After modules came or went, what was known of their insides is void. */
void mappings_close(struct mappings *mappings);

#endif /* VFIOSCOPE_MAPPINGS_LIB_H */
