/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings that were made and not yet unmapped, by container, as far as the
 * events told: what was mapped before is not in it.
 */
#ifndef VFIOSCOPE_MAPPED_H
#define VFIOSCOPE_MAPPED_H

#include <stddef.h>
#include <stdint.h>

#include "../../bpf/record.h"

#define MAPPED_CONTAINERS 256
#define MAPPED_EACH	  (1 << 17) /* of one container; then none is added */

struct mapped_range {
	uint64_t iova;
	uint64_t last;	/* its last byte */
	uint64_t ts_ns; /* when it was made; 0: not known */
	uint32_t tgid;
	char comm[VFIOSCOPE_COMM_LEN];
};

struct mapped_space {
	uint32_t container;
	int64_t limit; /* dma_entry_limit when it got its backend, -1 */
	struct mapped_range *list; /* sorted by iova */
	size_t count;
	size_t room;
	uint64_t used; /* for letting go of the one that was not used longest */
};

struct mapped {
	struct mapped_space *spaces;
	size_t count;
	uint64_t clock;
};

/* The container's, made if need be; NULL: out of memory. */
struct mapped_space *mapped_of(struct mapped *mappings, uint32_t container);
void mapped_forget(struct mapped *mappings, uint32_t container);
void mapped_free(struct mapped *mappings);

/* Follows a map that worked. */
void mapped_add(struct mapped_space *space, const struct record *r);
/* Follows an unmap: all that lies within it has gone. */
void mapped_remove(struct mapped_space *space, const struct record *r);
/* The lowest that the range touches, NULL: none that is known. */
const struct mapped_range *mapped_find(const struct mapped_space *space,
				       uint64_t iova, uint64_t last);

#endif /* VFIOSCOPE_MAPPED_H */
