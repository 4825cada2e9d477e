// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is behind the addresses of a process: /proc/PID/smaps.
 *
 * Huge pages of ordinary memory are known by area, not by page: a mapping of
 * a part of an area gets the share that the area has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backing.h"

struct backing_area {
	uint64_t start;
	uint64_t end;
	enum backing_kind kind;
	uint64_t page_size;
	uint64_t present;
	uint64_t anon; /* private copies of a file's, too */
	uint64_t huge; /* in huge pages that are not hugetlb's */
};

static const char *const kinds[BACKING_KINDS] = {
	[BACKING_NONE] = "none",   [BACKING_ANON] = "anon",
	[BACKING_THP] = "thp",	   [BACKING_HUGETLB] = "hugetlb",
	[BACKING_MEMFD] = "memfd", [BACKING_SHMEM] = "shmem",
	[BACKING_FILE] = "file",   [BACKING_DEVICE] = "device",
	[BACKING_MIXED] = "mixed",
};

const char *backing_name(enum backing_kind kind)
{
	return kinds[kind];
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static enum backing_kind kind_of(const char *name)
{
	if (!*name || *name == '[')
		return BACKING_ANON;
	if (begins(name, "/memfd:"))
		return BACKING_MEMFD;
	/* tmpfs has any mount point; these are where it always is. */
	if (begins(name, "/dev/shm/") || begins(name, "/SYSV") ||
	    begins(name, "/dev/zero"))
		return BACKING_SHMEM;
	if (begins(name, "anon_inode:") || begins(name, "/dev/") ||
	    begins(name, "/sys/"))
		return BACKING_DEVICE;
	return BACKING_FILE;
}

static struct backing_area *add(struct backing_map *map)
{
	struct backing_area *areas;

	if (map->count == map->room) {
		map->room = map->room ? map->room * 2 : 64;
		areas = realloc(map->areas, map->room * sizeof(*areas));
		if (!areas)
			return NULL;
		map->areas = areas;
	}
	areas = &map->areas[map->count++];
	memset(areas, 0, sizeof(*areas));
	return areas;
}

/* "START-END PERMS OFFSET DEV INODE   NAME" begins an area. */
static bool head(const char *line, struct backing_area *area)
{
	unsigned long long start, end;
	char name[256] = "";

	if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %255[^\n]", &start, &end,
		   name) < 2)
		return false;
	area->start = start;
	area->end = end;
	area->kind = kind_of(name);
	return true;
}

static void detail(char *line, struct backing_area *area)
{
	unsigned long long kib;
	char key[32];

	if (begins(line, "VmFlags:")) {
		/* No memory behind it: pfnmap, io. */
		if (strstr(line, " pf ") || strstr(line, " io "))
			area->kind = BACKING_DEVICE;
		else if (strstr(line, " ht "))
			area->kind = BACKING_HUGETLB;
		return;
	}
	if (sscanf(line, "%31[^:]: %llu kB", key, &kib) != 2)
		return;
	if (!strcmp(key, "KernelPageSize"))
		area->page_size = kib << 10;
	else if (!strcmp(key, "Rss"))
		area->present = kib << 10;
	else if (!strcmp(key, "Anonymous"))
		area->anon = kib << 10;
	else if (!strcmp(key, "AnonHugePages") ||
		 !strcmp(key, "ShmemPmdMapped") ||
		 !strcmp(key, "FilePmdMapped"))
		area->huge += kib << 10;
}

bool backing_read(struct backing_map *map, pid_t pid)
{
	struct backing_area *area = NULL, next;
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *f;

	map->count = 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (getline(&line, &room, f) > 0) {
		memset(&next, 0, sizeof(next));
		/* Only keys begin with a capital letter. */
		if (*line >= 'A' && *line <= 'Z') {
			if (area)
				detail(line, area);
		} else if (head(line, &next)) {
			area = add(map);
			if (!area)
				break;
			*area = next;
		}
	}
	free(line);
	fclose(f);
	return map->count;
}

/* The first area that ends behind the address. */
static size_t seek(const struct backing_map *map, uint64_t vaddr)
{
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->areas[middle].end <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t huge_page_size(void)
{
	static int64_t size;
	FILE *f;

	if (size)
		return size;
	f = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	if (!f || fscanf(f, "%ld", &size) != 1)
		size = -1;
	if (f)
		fclose(f);
	return size;
}

/* A private area of a file has the file's pages and copies of them, and which
 * are which is known by area alone.
 */
static enum backing_kind kind_now(const struct backing_area *area)
{
	switch (area->kind) {
	case BACKING_MEMFD:
	case BACKING_SHMEM:
	case BACKING_FILE:
		if (!area->anon)
			return area->kind;
		return area->anon == area->present ? BACKING_ANON
						   : BACKING_MIXED;
	default:
		return area->kind;
	}
}

/* One area's part in what is found. */
static void join(struct backing *b, const struct backing_area *area)
{
	enum backing_kind kind = kind_now(area);

	if (b->kind == BACKING_UNKNOWN) {
		b->kind = kind;
		b->page_size = area->page_size;
		return;
	}
	if (b->kind != kind)
		b->kind = BACKING_MIXED;
	if (b->page_size != (int64_t)area->page_size)
		b->page_size = -1;
}

static void judge_huge(struct backing *b, uint64_t present, uint64_t huge)
{
	if (b->kind == BACKING_HUGETLB || b->kind == BACKING_DEVICE || !present)
		return;
	b->huge_percent = 100.0 * huge / present;
	if (b->huge_percent > 100)
		b->huge_percent = 100;
	if (huge && b->kind == BACKING_ANON)
		b->kind = BACKING_THP;
	if (huge == present)
		b->page_size = huge_page_size();
}

struct backing backing_of(const struct backing_map *map, uint64_t vaddr,
			  uint64_t size)
{
	static const struct backing_area hole = {.kind = BACKING_NONE};
	struct backing b = {BACKING_UNKNOWN, -1, -1};
	uint64_t end = vaddr + size, present = 0, huge = 0;

	if (!map->count)
		return b;
	for (size_t i = seek(map, vaddr); vaddr < end; i++) {
		const struct backing_area *area = &map->areas[i];

		if (i == map->count || area->start >= end) {
			join(&b, &hole);
			break;
		}
		if (area->start > vaddr)
			join(&b, &hole);
		join(&b, area);
		present += area->present;
		huge += area->huge;
		vaddr = area->end;
	}
	if (b.kind == BACKING_NONE)
		b.page_size = -1;
	else
		judge_huge(&b, present, huge);
	return b;
}

void backing_free(struct backing_map *map)
{
	free(map->areas);
	memset(map, 0, sizeof(*map));
}
