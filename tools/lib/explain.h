/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an event's outcome means, in words: why it failed, and what succeeded
 * and yet did not do what its caller may think.
 *
 * For that it keeps books of what the events told: mappings, and the limit each
 * container began with.
 */
#ifndef VFIOSCOPE_EXPLAIN_H
#define VFIOSCOPE_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "mapped.h"
#include "mappings.h"

#define MAX_ERRNO 4095 /* of the kernel; a damaged recording may have others */

struct explain {
	struct mapped mappings;
	/* What is said of an overlap with a mapping that is not in the books;
	 * NULL: it was made before they began.
	 */
	const char *unknown;
	/* The module's parameter now, negative: not known. */
	int64_t (*entry_limit)(void *context);
	/* What was found out when it failed; false: nothing. NULL: nobody looks. */
	bool (*cause)(void *context, const struct record *r, int error,
		      char *buf, size_t size);
	void *context;
};

/* The event's name without "vfio_" */
const char *explain_event_name(uint32_t event);
/* "ENOSPC", "errno 999" */
void explain_errno(int error, char *buf, size_t size);
/* Every event, in order, goes through here: says what there is to say of it,
 * then takes it into the books. False and "": nothing.
 */
bool explain_event(struct explain *explain, const struct record *r, char *buf,
		   size_t size);
/* Instead of following the events: what is in a container's books now, and how
 * many mappings it may have, negative: not known. False: out of memory.
 */
bool explain_books(struct explain *explain, uint32_t container,
		   const struct mapping *list, size_t count, int64_t limit);
void explain_free(struct explain *explain);

#endif /* VFIOSCOPE_EXPLAIN_H */
