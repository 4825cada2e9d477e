// SPDX-License-Identifier: GPL-2.0-only
/* vfiodoctor: what a check found, for people or for programs. */
#include <stdio.h>
#include <string.h>

#include "lib/out.h"
#include "vfiodoctor.h"

#define FIX_INDENT 7
#define INDENT	   17 /* where what was found begins */
#define WIDTH	   80

static const char *const words[] = {
	[DOCTOR_NA] = "n/a",	[DOCTOR_OK] = "OK",    [DOCTOR_WARN] = "WARN",
	[DOCTOR_FAIL] = "FAIL", [DOCTOR_UNASKED] = "",
};

/* A row of JSON. */
struct row {
	char target[SYSFS_NAME_LEN];
	char check[32];
	char status[8];
	char found[DOCTOR_TEXT];
	char fix[DOCTOR_TEXT];
};

#define TEXT(name) COLUMN(#name, NULL, 0, 0, COLUMN_TEXT, struct row, name)

static void print_json(struct doctor *d, const char *target, const char *check)
{
	static const struct column columns[] = {
		TEXT(target), TEXT(check), TEXT(status), TEXT(found), TEXT(fix),
	};
	static const struct table table = {columns, sizeof(columns) /
							    sizeof(columns[0])};
	struct row row;

	snprintf(row.target, sizeof(row.target), "%s", target);
	snprintf(row.check, sizeof(row.check), "%s", check);
	snprintf(row.status, sizeof(row.status), "%s", words[d->status]);
	memcpy(row.found, d->found, sizeof(row.found));
	memcpy(row.fix, d->fix, sizeof(row.fix));
	out_json(d->run, &table, &row);
}

/* How much of a text goes into a line: up to a blank, if there is one. */
static int piece(const char *text, int room)
{
	int len = strlen(text);

	if (len <= room)
		return len;
	for (len = room; len && text[len] != ' '; len--)
		;
	return len ?: room;
}

/* Begins every line below the first. */
static void print_wrapped(struct run *run, const char *head, const char *text)
{
	while (*text) {
		int len = piece(text, WIDTH - INDENT);

		out_line(run, SCREEN_PLAIN, "%-*s%.*s", INDENT, head, len,
			 text);
		head = "";
		text += len;
		while (*text == ' ')
			text++;
	}
}

/* A command is one line, however long; advice goes on in the next one. */
static void print_fix(struct run *run, const char *head, const char *line)
{
	const int room = WIDTH - FIX_INDENT - 2;

	if (strncmp(line, "# ", 2)) {
		out_line(run, SCREEN_PLAIN, "  %-4s %s", head, line);
		return;
	}
	for (line += 2; *line; head = "") {
		int len = piece(line, room);

		out_line(run, SCREEN_PLAIN, "  %-4s # %.*s", head, len, line);
		line += len;
		line += *line == ' ';
	}
}

static void print_text(struct doctor *d, const char *check)
{
	char head[INDENT + 1], *line, *save;
	const char *fix = "fix:";

	snprintf(head, sizeof(head), "%-4s %-11s", words[d->status], check);
	print_wrapped(d->run, head, d->found);
	for (line = strtok_r(d->fix, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		print_fix(d->run, fix, line);
		fix = "";
	}
}

void doctor_show(struct doctor *d, const char *target, const char *check)
{
	if (d->run->json)
		print_json(d, target, check);
	else
		print_text(d, check);
}
