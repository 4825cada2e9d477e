/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate for strings from outside: names of processes and VMs, arguments,
 * paths, log lines, recordings, whatever somebody else has written.
 *
 * Whoever reads such a string calls outside_clean() on it. out_line(),
 * out_object(), tool_error() and the labels of metrics do it once more, and
 * nothing else writes to a terminal (`make check` looks for it), so what was
 * forgotten is still harmless. A command that a person is to copy is stricter:
 * its words go through outside_word().
 */
#ifndef VFIOSCOPE_OUTSIDE_H
#define VFIOSCOPE_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>

#define OUTSIDE_FIT 256 /* bytes of a column */

/* Once, before anything is said: the locale, and a stderr that is gated. */
void outside_begin(void);

/* In place: valid UTF-8 stays; control characters, escapes, what changes the
 * direction of text or cannot be seen, and bytes that are no UTF-8 become '?'.
 */
void outside_clean(char *text);
/* The same for a terminal whose characters may be others than UTF-8. */
void outside_clean_line(char *line);
/* A clean copy; where it has no room, it is cut between two characters. */
void outside_copy(char *to, size_t size, const char *from);

/* Columns that a clean text takes on a terminal. */
int outside_width(const char *text);
/* Cuts a clean text so that it takes at most so many columns. */
void outside_cut(char *text, int columns);
/* The text cleaned and cut to @width columns, with blanks before it, or behind
 * it where @width is negative.
 */
const char *outside_fit(char buf[OUTSIDE_FIT], const char *text, int width);
/* For an argument of "%s", in the place of "%-10.10s". */
#define FIT(text, width) outside_fit((char[OUTSIDE_FIT]){0}, text, width)

/* What a word of a command may be. */
enum outside_form {
	OUTSIDE_BDF,	/* 0000:00:10.0 */
	OUTSIDE_NUMBER, /* a pid, a group: decimal digits */
	OUTSIDE_NAME, /* a driver, a module, a user: [A-Za-z0-9_.-], no - first */
	OUTSIDE_PATH, /* below /dev, /etc, /lib, /proc, /run, /sys, /usr or /var,
			 * of [A-Za-z0-9_.:@+,-], without ".."
			 */
};

/* @word, if it has that form: nothing in it means anything to a shell. NULL if
 * not: then the command is not printed, and the fix says so.
 */
const char *outside_word(enum outside_form form, const char *word);

#endif /* VFIOSCOPE_OUTSIDE_H */
