/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes out: a table for people, one JSON object a line for programs. Both
 * from one description of the columns, which also says what can be sorted by.
 */
#ifndef VFIOSCOPE_OUT_H
#define VFIOSCOPE_OUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "screen.h"

struct run;

enum column_type {
	COLUMN_INT,  /* int64_t; negative: none */
	COLUMN_REAL, /* double; negative: none */
	COLUMN_BOOL, /* bool */
	COLUMN_TEXT, /* char []; empty: none */
	COLUMN_OWN,  /* by the functions */
};

struct column {
	const char *key;  /* in JSON and for sorting; NULL: text only */
	const char *head; /* NULL: JSON only */
	int width;	  /* negative: to the left */
	int rank;	  /* the lowest are shown where there is no room */
	enum column_type type;
	size_t offset; /* of the value in a row */
	double scale;  /* text shows value / scale; 0: 1 */
	int decimals;
	bool whole; /* a name, not a quantity: never abbreviated */
	void (*text)(const void *row, char *buf, size_t size);
	struct json_object *(*json)(const void *row);
};

#define COLUMN(k, h, w, r, t, row, member, ...)                        \
	{                                                              \
		.key = k, .head = h, .width = w, .rank = r, .type = t, \
		.offset = offsetof(row, member), ##__VA_ARGS__         \
	}

struct table {
	const struct column *columns;
	size_t count;
};

/* A line of text, on the screen or stdout. */
void out_line(struct run *run, enum screen_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void out_header(struct run *run, const struct table *table, int width);
void out_row(struct run *run, const struct table *table, int width,
	     const void *row);
/* A row that stands out. */
void out_row_styled(struct run *run, const struct table *table, int width,
		    const void *row, enum screen_style style);
void out_json(struct run *run, const struct table *table, const void *row);
/* The object that out_json() writes, for somebody who adds to it; @run may be
 * NULL: without the time.
 */
struct json_object *out_json_row(struct run *run, const struct table *table,
				 const void *row);
/* Writes an object of the tool's own making, and gives it up. */
void out_object(struct json_object *object);
/* Ends what a tick has written; false: nobody reads any more, or the disk is
 * full, and it was said.
 */
bool out_flush(struct run *run);

/* The column that can be sorted by under this key or heading, NULL: none. */
const struct column *out_sort_column(const struct table *table,
				     const char *key);
/* Compares as text or number; the larger number first, names from a to z. */
int out_compare(const struct column *column, const void *a, const void *b);

#endif /* VFIOSCOPE_OUT_H */
