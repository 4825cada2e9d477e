/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the time of maps went, in one line. */
#ifndef VFIOSCOPE_VFIOLAT_VERDICT_H
#define VFIOSCOPE_VFIOLAT_VERDICT_H

#include <stddef.h>
#include <stdint.h>

struct lat_sum;
struct lat_profile;

enum lat_part {
	PART_FAULT,
	PART_PIN,
	PART_IOMMU,
	PART_LOCK,
	PART_OTHER,
	PARTS
};

struct lat_verdict {
	uint64_t maps;
	uint64_t total_ns;
	/* Negative: not known. Without a fault part it is in that of pinning. */
	int64_t part_ns[PARTS];
	uint64_t samples; /* that told faulting from pinning; 0: nothing did */
	int largest;	  /* a part, negative: not known */
};

extern const char *const lat_part_names[PARTS];

/* @total: of each operation. @profile: NULL if there is none. */
void lat_verdict_make(struct lat_verdict *v, const struct lat_sum *total,
		      const struct lat_profile *profile);
void lat_verdict_text(const struct lat_verdict *v, char *text, size_t size);

#endif /* VFIOSCOPE_VFIOLAT_VERDICT_H */
