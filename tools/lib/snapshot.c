// SPDX-License-Identifier: GPL-2.0-only
/* What is there already; bpf/snapshot.bpf.c finds it. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "replay.h"
#include "snapshot.h"
#include "snapshot.skel.h"
#include "symbols.h"
#include "tool.h"

/* What is not there has no address, and no file has it. */
static bool set_addresses(struct snapshot_bpf *bpf)
{
	struct symbol ops[] = {{.name = "vfio_fops", .module = "vfio"},
			       {.name = "vfio_group_fops", .module = "vfio"},
			       {.name = "vfio_device_fops", .module = "vfio"}};

	if (!symbols_find(ops, 3))
		return false;
	bpf->rodata->container_fops = ops[0].address;
	bpf->rodata->group_fops = ops[1].address;
	bpf->rodata->device_fops = ops[2].address;
	return true;
}

static int load(struct snapshot *s)
{
	int err;

	if (s->bpf)
		return 0;
	s->bpf = snapshot_bpf__open();
	if (!s->bpf) {
		err = errno;
		tool_error("cannot open the snapshot: %s", strerror(err));
		return -err;
	}
	if (!set_addresses(s->bpf)) {
		snapshot_close(s);
		return -EPERM;
	}
	if (snapshot_bpf__load(s->bpf)) {
		err = errno;
		tool_error("cannot load the snapshot: %s (-v says more)",
			   strerror(err));
		snapshot_close(s);
		return -err;
	}
	malloc_trim(0);
	return 0;
}

/* Room for at least one more record. */
static int grow(struct snapshot *s)
{
	size_t room = s->room ? s->room * 2 : 64;
	struct snap_record *records;

	if (s->count < s->room)
		return 0;
	records = realloc(s->records, room * sizeof(*records));
	if (!records)
		return -ENOMEM;
	s->records = records;
	s->room = room;
	return 0;
}

static int read_all(struct snapshot *s, int fd)
{
	size_t have = 0; /* bytes of the record that is not whole yet */

	for (;;) {
		ssize_t got;
		int ret = grow(s);

		if (ret)
			return ret;
		got = read(fd, (char *)&s->records[s->count] + have,
			   (s->room - s->count) * sizeof(*s->records) - have);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return 0;
		have += got;
		s->count += have / sizeof(*s->records);
		have %= sizeof(*s->records);
	}
}

/* A file to read what the iterator says, or a negative errno. */
static int open_iterator(const struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int fd;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		fd = -errno;
	/* The file keeps it. */
	bpf_link__destroy(link);
	return fd;
}

int snapshot_take(struct snapshot *s)
{
	struct snapshot_bpf *bpf;
	int fd, ret;

	s->count = 0;
	if (replay_active())
		return replay_snapshot(s);
	ret = load(s);
	if (ret)
		return ret;
	bpf = s->bpf;
	s->taken_ns = now_ns();
	fd = open_iterator(bpf->progs.snapshot);
	ret = fd < 0 ? fd : read_all(s, fd);
	if (fd >= 0)
		close(fd);
	if (ret)
		tool_error("cannot take a snapshot: %s", strerror(-ret));
	return ret;
}

bool snapshot_call(struct snapshot *s, __u64 iova, struct snap_call *call)
{
	struct snapshot_bpf *bpf = s->bpf;
	bool found = false;
	FILE *f;
	int fd;

	if (!bpf)
		return false;
	fd = open_iterator(bpf->progs.calls);
	if (fd < 0)
		return false;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return false;
	}
	while (!found && fread(call, sizeof(*call), 1, f) == 1)
		found = call->iova == iova;
	fclose(f);
	return found;
}

int snapshot_survey(struct snapshot *s, struct snap_survey *survey)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = survey,
		    .ctx_size_in = sizeof(*survey));
	struct snapshot_bpf *bpf = s->bpf;

	if (!bpf)
		return -ENODEV;
	return bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.survey),
				      &opts);
}

void snapshot_close(struct snapshot *s)
{
	snapshot_bpf__destroy(s->bpf);
	s->bpf = NULL;
	s->count = 0;
	free(s->records);
	s->records = NULL;
	s->room = 0;
}
