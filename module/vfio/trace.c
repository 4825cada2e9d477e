// SPDX-License-Identifier: GPL-2.0-only
/* The bodies of the trace events of vfio.ko, and the gate for their strings. */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "vfio.h"

#define CREATE_TRACE_POINTS
#include "trace/vfio.h"

/**
 * vfio_trace_word - make a string from outside fit for an event
 * @word: the result
 * @text: anybody's
 *
 * A field of an event is one word: it ends at the first blank, and so forges no
 * other field and shows no secret that comes behind a name. What is no printable
 * ASCII becomes "?"; what is too long ends in "...".
 */
void vfio_trace_word(char word[VFIO_TRACE_WORD], const char *text)
{
	const unsigned int cut = VFIO_TRACE_WORD - sizeof("...");
	unsigned int n;

	for (n = 0; text[n]; n++) {
		if (isascii(text[n]) && isspace(text[n]))
			break;
		if (n == VFIO_TRACE_WORD - 1) {
			strscpy(word + cut, "...", sizeof("..."));
			return;
		}
		word[n] = isascii(text[n]) && isprint(text[n]) ? text[n] : '?';
	}
	word[n] = '\0';
}
