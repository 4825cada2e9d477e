/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings of a container joined with what memory is behind each: rows to
 * show, to fold where they follow each other, and to sum up by kind.
 */
#ifndef VFIOSCOPE_MAPS_ROWS_H
#define VFIOSCOPE_MAPS_ROWS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backing.h"
#include "mappings.h"

/* A process that mapped something, and what it has at which address. */
struct maps_owner {
	pid_t pid;
	struct backing_map areas;
};

struct maps_owners {
	struct maps_owner *list;
	size_t count;
};

/* A mapping, or several: such that follow each other, or all of a kind. */
struct maps_row {
	int64_t container;
	int64_t pid;
	char comm[VFIOSCOPE_COMM_LEN];
	uint64_t iova;
	uint64_t vaddr;
	bool vaddr_valid; /* of the first; the others follow it there too */
	int64_t size;
	int64_t prot;
	bool pinned;
	struct backing backing;
	int64_t runs; /* -1: not known, or none */
	int64_t maps;
};

struct maps_rows {
	struct maps_row *list;
	size_t count;
};

#define MAPS_KINDS (BACKING_KINDS * 8)

/* A row a mapping. Whose memory it is, is looked at once for each owner, until
 * they are freed. False: out of memory.
 */
bool maps_rows_make(struct maps_rows *rows, struct maps_owners *owners,
		    uint32_t container, const struct mapping *list,
		    size_t count);
/* Joins rows of a kind that follow each other. */
void maps_rows_fold(struct maps_rows *rows);
/* A row for all that are alike, in the order in which they were met; how many. */
size_t maps_rows_kinds(const struct maps_rows *rows,
		       struct maps_row kinds[MAPS_KINDS]);
/* A column's text and JSON: what is behind a row's mappings. */
void maps_row_text_backing(const void *row, char *buf, size_t size);
struct json_object *maps_row_json_backing(const void *row);
void maps_owners_free(struct maps_owners *owners);

#endif /* VFIOSCOPE_MAPS_ROWS_H */
