// SPDX-License-Identifier: GPL-2.0-only
/* What goes out: a table for people, one JSON object a line for programs. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "out.h"
#include "outside.h"
#include "tool.h"

#define LINE_MAX_LEN 1024

void out_line(struct run *run, enum screen_style style, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	outside_clean_line(line);
	if (run->screen)
		screen_line(style, line);
	else
		puts(line);
}

static const void *value(const struct column *column, const void *row)
{
	return (const char *)row + column->offset;
}

static bool number(const struct column *column, const void *row, double *v)
{
	switch (column->type) {
	case COLUMN_INT:
		*v = *(const int64_t *)value(column, row);
		return true;
	case COLUMN_REAL:
		*v = *(const double *)value(column, row);
		return true;
	case COLUMN_BOOL:
		*v = *(const bool *)value(column, row);
		return true;
	default:
		return false;
	}
}

static void cell(const struct column *column, const void *row, char *buf,
		 size_t size)
{
	double v;

	if (column->text) {
		column->text(row, buf, size);
		return;
	}
	if (column->type == COLUMN_BOOL) {
		snprintf(buf, size, "%s",
			 *(const bool *)value(column, row) ? "y" : "-");
		return;
	}
	if (column->type == COLUMN_TEXT) {
		snprintf(buf, size, "%s", (const char *)value(column, row));
		if (!*buf)
			snprintf(buf, size, "-");
		return;
	}
	if (!number(column, row, &v) || v < 0)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%.*f", column->decimals,
			 v / (column->scale ? column->scale : 1));
}

/* A number that is too wide loses its decimals, then becomes 12k or 3M. */
static void fit(char *buf, size_t size, int width)
{
	static const char units[] = " kMGT";
	double v;
	char *end;
	int unit;

	if (outside_width(buf) <= width)
		return;
	v = strtod(buf, &end);
	if (*end)
		return; /* words: cut where they are printed */
	snprintf(buf, size, "%.0f", v);
	for (unit = 1; (int)strlen(buf) > width && units[unit]; unit++) {
		v /= 1000;
		snprintf(buf, size, "%.0f%c", v, units[unit]);
	}
}

/* Which rank still fits. */
static int last_rank(const struct table *table, int width)
{
	int rank, used, highest = 0;

	for (size_t i = 0; i < table->count; i++)
		if (table->columns[i].rank > highest)
			highest = table->columns[i].rank;
	for (rank = highest; rank > 0; rank--) {
		used = -1;
		for (size_t i = 0; i < table->count; i++)
			if (table->columns[i].head &&
			    table->columns[i].rank <= rank)
				used += abs(table->columns[i].width) + 1;
		if (used <= width)
			break;
	}
	return rank;
}

static void out_cells(struct run *run, const struct table *table, int width,
		      const void *row, enum screen_style style)
{
	int rank = last_rank(table, width), len = 0;
	char line[LINE_MAX_LEN], buf[256];

	for (size_t i = 0; i < table->count; i++) {
		const struct column *c = &table->columns[i];
		int w = abs(c->width);

		if (!c->head || c->rank > rank ||
		    len + OUTSIDE_FIT + 1 > (int)sizeof(line))
			continue;
		if (row) {
			cell(c, row, buf, sizeof(buf));
			if (c->type != COLUMN_TEXT && !c->whole)
				fit(buf, sizeof(buf), w);
		} else {
			snprintf(buf, sizeof(buf), "%s", c->head);
		}
		/* What is whole pushes the rest of its row aside. */
		if (c->whole)
			len += snprintf(line + len, sizeof(line) - len,
					c->width < 0 ? "%s%-*s" : "%s%*s",
					len ? " " : "", w, buf);
		else
			len += snprintf(line + len, sizeof(line) - len, "%s%s",
					len ? " " : "", FIT(buf, c->width));
		if (len >= (int)sizeof(line))
			len = sizeof(line) - 1;
	}
	while (len > 0 && line[len - 1] == ' ')
		len--;
	line[len] = '\0';
	out_line(run, style, "%s", line);
}

void out_header(struct run *run, const struct table *table, int width)
{
	out_cells(run, table, width, NULL, SCREEN_HEADER);
}

void out_row(struct run *run, const struct table *table, int width,
	     const void *row)
{
	out_cells(run, table, width, row, SCREEN_PLAIN);
}

void out_row_styled(struct run *run, const struct table *table, int width,
		    const void *row, enum screen_style style)
{
	out_cells(run, table, width, row, style);
}

static struct json_object *json_real(double v)
{
	char text[64];

	if (v < 0 || !isfinite(v))
		return NULL;
	if (v == floor(v))
		return json_object_new_int64(v);
	snprintf(text, sizeof(text), "%.3f", v);
	return json_object_new_double_s(v, text);
}

static struct json_object *json_value(const struct column *c, const void *row)
{
	const void *v = value(c, row);

	if (c->json)
		return c->json(row);
	switch (c->type) {
	case COLUMN_INT:
		return *(const int64_t *)v < 0
			       ? NULL
			       : json_object_new_int64(*(const int64_t *)v);
	case COLUMN_REAL:
		return json_real(*(const double *)v);
	case COLUMN_BOOL:
		return json_object_new_boolean(*(const bool *)v);
	case COLUMN_TEXT:
		return *(const char *)v ? json_object_new_string(v) : NULL;
	default:
		return NULL;
	}
}

void out_object(struct json_object *object)
{
	char *text = strdup(json_object_to_json_string_ext(
		object,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

	/* Its syntax is ASCII, so no string ends elsewhere than before. */
	if (text) {
		outside_clean(text);
		puts(text);
	} else {
		tool_error("out of memory");
	}
	free(text);
	json_object_put(object);
}

struct json_object *out_json_row(struct run *run, const struct table *table,
				 const void *row)
{
	struct json_object *object = json_object_new_object();

	if (run && run->timestamps)
		json_object_object_add(object, "ts_ns",
				       json_object_new_int64(run->real_ns));
	for (size_t i = 0; i < table->count; i++)
		if (table->columns[i].key)
			json_object_object_add(
				object, table->columns[i].key,
				json_value(&table->columns[i], row));
	return object;
}

void out_json(struct run *run, const struct table *table, const void *row)
{
	out_object(out_json_row(run, table, row));
}

bool out_flush(struct run *run)
{
	if (run->screen) {
		screen_show();
		return true;
	}
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	if (errno != EPIPE) {
		tool_error("cannot write: %s", strerror(errno));
		run->exit_code = TOOL_CANNOT;
	}
	return false;
}

const struct column *out_sort_column(const struct table *table, const char *key)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct column *c = &table->columns[i];

		if (c->type == COLUMN_OWN)
			continue;
		if ((c->key && !strcasecmp(c->key, key)) ||
		    (c->head && !strcasecmp(c->head, key)))
			return c;
	}
	return NULL;
}

int out_compare(const struct column *column, const void *a, const void *b)
{
	double x, y;

	if (!number(column, a, &x) || !number(column, b, &y))
		return strcmp(value(column, a), value(column, b));
	return x < y ? 1 : x > y ? -1 : 0;
}
