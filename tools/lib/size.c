// SPDX-License-Identifier: GPL-2.0-only
/* Sizes as people write them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

bool size_parse(const char *text, int64_t *size, const char **end)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *stop;
	int shift;

	*size = strtoll(text, &stop, 0);
	if (stop == text || *size < 0)
		return false;
	unit = *stop ? strchr(units, *stop & ~0x20) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		if (*size > INT64_MAX >> shift)
			return false;
		*size <<= shift;
		stop++;
	}
	if (end)
		*end = stop;
	return end || !*stop;
}

const char *size_text(uint64_t size, char buf[24])
{
	static const char units[] = {'\0', 'K', 'M', 'G', 'T'};
	size_t unit = 0;

	while (size && !(size & 1023) && unit < sizeof(units) - 1) {
		size >>= 10;
		unit++;
	}
	snprintf(buf, 24, "%" PRIu64 "%c", size, units[unit]);
	return buf;
}
