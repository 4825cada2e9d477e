// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why memory could not be pinned: the areas of the process that the map went
 * over, in order of address; the first that explains the error.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "vfiosnoop_reason.h"

#define WRITES 2 /* of prot: the device may write */
#define KIB    1024

struct area {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t page_kib;
	uint64_t hugetlb_kib; /* that it has */
	char perms[8];
	char flags[256];
};

static long pool(uint64_t page_kib, const char *what)
{
	char path[128];
	long v = -1;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s",
		 page_kib, what);
	f = fopen(path, "re");
	if (f && fscanf(f, "%ld", &v) != 1)
		v = -1;
	if (f)
		fclose(f);
	return v;
}

static bool judge_huge(const struct area *a, char *buf, size_t size)
{
	long left = pool(a->page_kib, "free_hugepages");

	if (!strstr(a->flags, " ht ") || left ||
	    a->hugetlb_kib >= (a->end - a->start) / KIB)
		return false;
	snprintf(buf, size,
		 "no huge page left: %ld of %ld of %" PRIu64
		 " KiB free, %" PRIu64 " wanted",
		 left, pool(a->page_kib, "nr_hugepages"), a->page_kib,
		 (a->end - a->start) / KIB / a->page_kib);
	return true;
}

/* By the kernel's own link: the name may be another file's by now. */
static bool judge_file(pid_t pid, const struct area *a, char *buf, size_t size)
{
	struct statfs fs;
	struct stat st;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64,
		 pid, a->start, a->end);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) || fstatfs(fd, &fs))
		memset(&st, 0, sizeof(st));
	close(fd);
	if (!S_ISREG(st.st_mode))
		return false;
	if (a->offset + (a->end - a->start) >
	    (((uint64_t)st.st_size + 4095) & ~4095ULL)) {
		snprintf(buf, size,
			 "the file is shorter than the map: it has 0x%" PRIx64
			 " bytes, 0x%" PRIx64 " are wanted",
			 (uint64_t)st.st_size, a->offset + (a->end - a->start));
		return true;
	}
	if (fs.f_type != TMPFS_MAGIC || !fs.f_blocks || fs.f_bavail ||
	    st.st_blocks * 512 >= st.st_size)
		return false;
	snprintf(buf, size, "the tmpfs of the file is full: 0 of %lu MiB free",
		 (unsigned long)(fs.f_blocks * (fs.f_bsize / KIB) / KIB));
	return true;
}

static bool judge(const struct record *r, const struct area *a, char *buf,
		  size_t size)
{
	if (a->perms[0] != 'r') {
		snprintf(buf, size,
			 "the memory at 0x%" PRIx64
			 " may not be read (PROT_NONE)",
			 a->start);
	} else if (r->dma_map.prot & WRITES && a->perms[1] != 'w') {
		snprintf(buf, size,
			 "the memory at 0x%" PRIx64
			 " is read-only, the map is for writing",
			 a->start);
	} else if (judge_huge(a, buf, size) ||
		   judge_file(r->tgid, a, buf, size)) {
		return true;
	} else if (strstr(a->flags, " um ")) {
		snprintf(
			buf, size,
			"the memory at 0x%" PRIx64
			" is userfaultfd's: pages that miss are not waited for",
			a->start);
	} else if (strstr(a->flags, " pf ") || strstr(a->flags, " io ")) {
		snprintf(buf, size,
			 "the memory at 0x%" PRIx64
			 " is a device's: disabled, or not for DMA",
			 a->start);
	} else {
		return false;
	}
	return true;
}

/* The next area of smaps; @line has its first line, then that of another. */
static bool read_area(FILE *f, char **line, size_t *room, struct area *a)
{
	uint64_t kib;

	memset(a, 0, sizeof(*a));
	if (sscanf(*line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64, &a->start,
		   &a->end, a->perms, &a->offset) != 4)
		return false;
	/* Only keys begin with a capital letter. */
	while (getline(line, room, f) > 0 && **line >= 'A' && **line <= 'Z') {
		if (sscanf(*line, "KernelPageSize: %" SCNu64, &kib) == 1)
			a->page_kib = kib;
		else if (sscanf(*line, "Shared_Hugetlb: %" SCNu64, &kib) == 1 ||
			 sscanf(*line, "Private_Hugetlb: %" SCNu64, &kib) == 1)
			a->hugetlb_kib += kib;
		else if (!strncmp(*line, "VmFlags:", 8))
			snprintf(a->flags, sizeof(a->flags), "%s", *line);
	}
	return true;
}

bool snoop_reason_memory(const struct record *r, char *buf, size_t size)
{
	uint64_t at = r->dma_map.vaddr, end = at + r->dma_map.size;
	bool found = false, any = false;
	char path[64], *line = NULL;
	size_t room = 0;
	struct area a;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/smaps", r->tgid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (getline(&line, &room, f) > 0)
		while (!found && at < end && read_area(f, &line, &room, &a)) {
			any = true;
			if (a.end <= at)
				continue;
			if (a.start > at)
				break;
			found = judge(r, &a, buf, size);
			at = a.end;
		}
	free(line);
	fclose(f);
	/* A process that is exiting has no areas at all. */
	if (!found && any && at < end) {
		found = true;
		snprintf(buf, size,
			 "the process has nothing mapped at 0x%" PRIx64, at);
	}
	return found;
}
