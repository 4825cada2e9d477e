// SPDX-License-Identifier: GPL-2.0-only
/* Where CPUs were seen while they ran a map. */
#include <string.h>

#include "lib/phase.h"
#include "lib/source.h"
#include "lib/symbols.h"
#include "lib/tool.h"
#include "vfiolat_profile.h"
#include "vfiolat_sums.h"

#define SAMPLES_PER_SECOND 99 /* not in step with what runs 100 times */

bool lat_profile_open(struct run *run)
{
	return source_sample(run->source, "any__profile", SAMPLES_PER_SECOND);
}

/* The innermost function that is known decides. */
static const char *phase_of_stack(struct run *run, __u32 stack)
{
	__u64 frames[LAT_FRAMES] = {};
	const char *phase = NULL;

	if (!source_map_get(run->source, "stacks", &stack, frames))
		return NULL;
	for (int i = 0; i < LAT_FRAMES && frames[i] && !phase; i++)
		phase = phase_of_function(symbols_kernel(frames[i], NULL));
	return phase;
}

static void add_sample(struct lat_profile *p, struct run *run,
		       const struct lat_sample *sample, __u64 seen)
{
	const char *phase = phase_of_stack(run, sample->stack);

	if (phase && !strcmp(phase, "fault"))
		p->faults += seen;
	else if (phase && !strcmp(phase, "pin"))
		p->pins += seen;
}

/* What was read makes room. A stack may be more than one sample's, so stacks go last. */
void lat_profile_read(struct lat_profile *p, struct run *run,
		      const struct lat_sums *sums)
{
	__u32 stacks[LAT_STACKS], count = 0;
	struct lat_sample sample;
	__u64 seen;

	while (count < LAT_STACKS &&
	       source_map_next(run->source, "samples", NULL, &sample)) {
		if (!source_map_get(run->source, "samples", &sample, &seen))
			break;
		stacks[count++] = sample.stack;
		source_map_delete(run->source, "samples", &sample);
		if (lat_sums_wanted(sums, run, sample.container, -1,
				    sample.tgid))
			add_sample(p, run, &sample, seen);
	}
	while (count-- > 0)
		source_map_delete(run->source, "stacks", &stacks[count]);
}

void lat_profile_told(struct lat_profile *p)
{
	p->faults = 0;
	p->pins = 0;
}

void lat_profile_close(void)
{
	symbols_forget();
}
