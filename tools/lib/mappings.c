// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mappings of a container; bpf/mappings.bpf.c finds them.
 *
 * They come chunk by chunk, and may change in between. So all of them are
 * walked once more, only counted, and if that comes to something else they are
 * read anew, a few times; whoever maps all the time is shown as last seen, and
 * it is said.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mappings.h"
#include "mappings.skel.h"
#include "names.h"
#include "tool.h"

#define TRIES 4
/* More than any limit that a person sets: the tree has become a ring. */
#define TOO_MANY (1UL << 26)

static size_t chunk_bytes(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = MAPPINGS_CHUNK * ((sizeof(struct mapping) + 7) & ~7UL);

	return (size + page - 1) & -page;
}

static int load(struct mappings *m)
{
	struct mappings_bpf *bpf;
	void *chunk;
	int err;

	if (m->bpf)
		return 0;
	bpf = mappings_bpf__open_and_load();
	if (!bpf) {
		err = errno;
		tool_error("cannot load the walk over mappings: %s",
			   strerror(err));
		return -err;
	}
	chunk = mmap(NULL, chunk_bytes(), PROT_READ, MAP_SHARED,
		     bpf_map__fd(bpf->maps.records), 0);
	if (chunk == MAP_FAILED) {
		err = errno;
		tool_error("cannot map the BPF map of mappings: %s",
			   strerror(err));
		mappings_bpf__destroy(bpf);
		return -err;
	}
	m->bpf = bpf;
	m->chunk = chunk;
	malloc_trim(0);
	return 0;
}

static int call(struct mappings *m, struct mappings_walk *walk)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = walk,
		    .ctx_size_in = sizeof(*walk));
	struct mappings_bpf *bpf = m->bpf;
	int ret = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.mappings),
					 &opts);

	if (ret)
		return ret;
	return walk->ok ? 0 : -ESTALE;
}

static int keep_chunk(struct mappings *m, size_t count)
{
	struct mapping *list;

	if (m->count + count > m->room) {
		m->room = (m->count + count) * 2;
		list = realloc(m->list, m->room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		m->list = list;
	}
	memcpy(m->list + m->count, m->chunk, count * sizeof(*m->list));
	m->count += count;
	return 0;
}

struct sums {
	uint64_t count;
	uint64_t digest;
	bool torn;
};

/* From the first to the last, with or without their records. */
static int walk_all(struct mappings *m, struct mappings_walk *walk,
		    struct sums *sums)
{
	int ret;

	memset(sums, 0, sizeof(*sums));
	walk->from = 0;
	do {
		ret = call(m, walk);
		if (!ret && !walk->count_only)
			ret = keep_chunk(m, walk->count);
		if (ret)
			return ret;
		sums->count += walk->count;
		sums->digest += walk->digest;
		sums->torn |= walk->torn || sums->count > TOO_MANY;
	} while (walk->more && !sums->torn);
	return 0;
}

static int try(struct mappings *m, struct mappings_walk *walk)
{
	struct sums first, second;
	int ret;

	m->count = 0;
	walk->count_only = false;
	ret = walk_all(m, walk, &first);
	if (ret)
		return ret;
	walk->count_only = true;
	ret = walk_all(m, walk, &second);
	m->torn = first.torn || second.torn || first.count != second.count ||
		  first.digest != second.digest;
	m->dma_avail = walk->has_avail ? (int64_t)walk->dma_avail : -1;
	return ret;
}

int mappings_take(struct mappings *m, uint64_t container_ptr,
		  uint32_t container)
{
	struct mappings_walk walk = {.container_ptr = container_ptr,
				     .container = container};
	int ret = load(m);

	if (ret)
		return ret;
	for (int i = 0; i < TRIES; i++) {
		ret = try(m, &walk);
		if (ret || !m->torn)
			break;
	}
	if (ret && ret != -ESTALE)
		tool_error("cannot read the mappings: %s", strerror(-ret));
	for (size_t i = 0; !ret && i < m->count; i++) {
		m->list[i].comm[sizeof(m->list[i].comm) - 1] = '\0';
		names_clean(m->list[i].comm);
	}
	return ret;
}

void mappings_close(struct mappings *m)
{
	if (m->chunk)
		munmap((void *)m->chunk, chunk_bytes());
	mappings_bpf__destroy(m->bpf);
	free(m->list);
	memset(m, 0, sizeof(*m));
}
