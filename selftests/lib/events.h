/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tracepoints of our modules said, read through a tracefs instance of
 * its own, by the text that TP_printk makes, which is what perf and trace-cmd
 * parse too.
 */
#ifndef _SELFTESTS_EVENTS_H
#define _SELFTESTS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct events - the events of the instance since tracing began
 * @text: a line an event
 * @size: its bytes
 */
struct events {
	char *text;
	size_t size;
};

/* From now on everything that our modules say. */
void events_begin(void);
/* What was said so far, in place of what was read before. */
void events_read(struct events *e);
/* The same, and no more is said. */
void events_end(struct events *e);
/* The instance goes, and what was read. */
void events_drop(struct events *e);

/* The next line of @event after @from, from its first field on; or NULL. */
const char *events_next(const struct events *e, const char *event,
			const char *from);
int events_count(const struct events *e, const char *event);
/* Of the lines of @event that have name=wanted. */
int events_count_word(const struct events *e, const char *event,
		      const char *name, const char *wanted);
/* A field of a line, which may be NULL; -99999 when it is not there. */
long long event_number(const char *line, const char *name);
bool event_word(const char *line, const char *name, const char *wanted);

#endif /* _SELFTESTS_EVENTS_H */
