// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the time of maps went, in one line.
 *
 * A map waits for its lock, then finds and pins pages and gives them to the
 * IOMMU in turn. These times are measured. Pages that are not there are
 * faulted in and zeroed by the kernel while it pins them: how much of the
 * pinning that was, samples of the CPUs say.
 */
#include <stdio.h>

#include "vfiolat_profile.h"
#include "vfiolat_sums.h"
#include "vfiolat_verdict.h"

#define ENOUGH_SAMPLES 10

const char *const lat_part_names[PARTS] = {"fault", "pin", "iommu", "lock",
					   "other"};

static void split_pin(struct lat_verdict *v, const struct lat_profile *p)
{
	int64_t all = v->part_ns[PART_PIN];

	if (!p || all < 0 || p->faults + p->pins < ENOUGH_SAMPLES)
		return;
	v->samples = p->faults + p->pins;
	v->part_ns[PART_FAULT] = (double)all * p->faults / v->samples;
	v->part_ns[PART_PIN] = all - v->part_ns[PART_FAULT];
}

void lat_verdict_make(struct lat_verdict *v, const struct lat_sum *total,
		      const struct lat_profile *profile)
{
	static const int ops[PARTS] = {[PART_FAULT] = -1,
				       [PART_PIN] = LAT_PIN,
				       [PART_IOMMU] = LAT_IOMMU,
				       [PART_LOCK] = LAT_LOCK,
				       [PART_OTHER] = -1};
	uint64_t known = 0;

	*v = (struct lat_verdict){.maps = total[LAT_MAP].count,
				  .total_ns = total[LAT_MAP].sum,
				  .largest = -1};
	for (int i = 0; i < PARTS; i++) {
		v->part_ns[i] = -1;
		if (ops[i] < 0 || !total[ops[i]].count)
			continue;
		v->part_ns[i] = total[ops[i]].sum;
		known += total[ops[i]].sum;
	}
	if (v->part_ns[PART_PIN] < 0)
		return;
	v->part_ns[PART_OTHER] = known < v->total_ns ? v->total_ns - known : 0;
	split_pin(v, profile);
	for (int i = 0; i < PARTS; i++)
		if (v->largest < 0 || v->part_ns[i] > v->part_ns[v->largest])
			v->largest = i;
}

static void text_time(uint64_t ns, char *text, size_t size)
{
	if (ns >= 1000000000)
		snprintf(text, size, "%.1f s", ns / 1e9);
	else if (ns >= 1000000)
		snprintf(text, size, "%.1f ms", ns / 1e6);
	else
		snprintf(text, size, "%.1f us", ns / 1e3);
}

void lat_verdict_text(const struct lat_verdict *v, char *text, size_t size)
{
	static const char *const words[PARTS] = {
		"faulting and zeroing pages", "pinning", "IOMMU",
		"waiting for locks", "the rest"};
	char time[32], part[64];
	const char *word, *comma = ":";
	size_t len;

	if (!v->maps || !v->total_ns) {
		snprintf(text, size, "no maps");
		return;
	}
	text_time(v->total_ns, time, sizeof(time));
	len = snprintf(text, size, "of %s in %llu map%s", time,
		       (unsigned long long)v->maps, v->maps == 1 ? "" : "s");
	if (v->largest < 0) {
		snprintf(text + len, size - len,
			 ": where it went is not known");
		return;
	}
	for (int i = 0; i < PARTS && len < size; i++) {
		/* What would be 0 % is left out. */
		if (v->part_ns[i] < 0 ||
		    v->part_ns[i] < (int64_t)v->total_ns / 200)
			continue;
		word = words[i];
		if (i == PART_PIN && v->part_ns[PART_FAULT] < 0)
			word = "faulting in and pinning";
		snprintf(part, sizeof(part), "%.0f %% %s",
			 100.0 * v->part_ns[i] / v->total_ns, word);
		len += snprintf(text + len, size - len, "%s %s%s", comma, part,
				i == PART_FAULT ? " (sampled)" : "");
		comma = ",";
	}
}
