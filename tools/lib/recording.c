// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a recording.
 *
 * Chunks gather in memory and go out together. A write that did not get all of
 * them out (the disk is full) is taken back to the last whole chunk, and nothing
 * is written after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "recording.h"
#include "tool.h"

#define BUFFER_BYTES (256 << 10)

struct recorder {
	const char *path;
	int fd;
	char *data;
	size_t used;
	size_t room;
	uint64_t written; /* bytes of the file, whole chunks */
	bool failed;
};

static bool write_all(struct recorder *r)
{
	size_t done = 0;

	while (done < r->used) {
		ssize_t got = write(r->fd, r->data + done, r->used - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += got;
	}
	if (done == r->used)
		return true;
	tool_error("cannot write the recording %s: %s; it ends here", r->path,
		   strerror(errno));
	return false;
}

/* Keeps the chunks that the disk got whole. */
static void cut(struct recorder *r)
{
	uint64_t whole = r->written;
	size_t at = whole ? 0 : sizeof(struct record_header);
	off_t size = lseek(r->fd, 0, SEEK_CUR);

	while (at + sizeof(struct record_chunk) <= r->used) {
		struct record_chunk chunk;

		memcpy(&chunk, r->data + at, sizeof(chunk));
		at += sizeof(chunk) + chunk.size;
		if (size < 0 || r->written + at > (uint64_t)size)
			break;
		whole = r->written + at;
	}
	if (ftruncate(r->fd, whole))
		tool_error("cannot cut off %s: %s", r->path, strerror(errno));
}

bool recorder_flush(struct recorder *r)
{
	if (!r || r->failed)
		return !r;
	if (!write_all(r)) {
		cut(r);
		r->failed = true;
	}
	r->written += r->used;
	r->used = 0;
	return !r->failed;
}

static void append(struct recorder *r, const void *data, size_t size)
{
	memcpy(r->data + r->used, data, size);
	r->used += size;
}

void recorder_add_two(struct recorder *r, enum record_type type,
		      const void *data, size_t size, const void *more,
		      size_t more_size)
{
	struct record_chunk chunk = {.type = type, .size = size + more_size};
	size_t all = sizeof(chunk) + chunk.size;

	if (!r || r->failed)
		return;
	if (r->used && r->used + all > BUFFER_BYTES)
		recorder_flush(r);
	if (r->used + all > r->room) {
		char *larger = realloc(r->data, r->used + all);

		if (!larger) {
			tool_error("out of memory");
			r->failed = true;
			return;
		}
		r->data = larger;
		r->room = r->used + all;
	}
	append(r, &chunk, sizeof(chunk));
	append(r, data, size);
	if (more_size)
		append(r, more, more_size);
}

void recorder_add(struct recorder *r, enum record_type type, const void *data,
		  size_t size)
{
	recorder_add_two(r, type, data, size, NULL, 0);
}

struct recorder *recorder_open(const char *path, uint64_t mono_ns,
			       uint64_t real_ns)
{
	struct record_header header = {.magic = RECORD_MAGIC,
				       .version = RECORD_VERSION,
				       .size = sizeof(header),
				       .mono_ns = mono_ns,
				       .real_ns = real_ns};
	struct recorder *r = calloc(1, sizeof(*r));
	struct utsname name;

	if (!r)
		return NULL;
	r->path = path;
	r->room = BUFFER_BYTES;
	r->data = malloc(r->room);
	/* It tells what processes do: for its owner alone. */
	r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!r->data || r->fd < 0) {
		tool_error("cannot write %s: %s", path, strerror(errno));
		recorder_close(r);
		return NULL;
	}
	if (!uname(&name))
		snprintf(header.kernel, sizeof(header.kernel), "%.63s",
			 name.release);
	append(r, &header, sizeof(header));
	if (recorder_flush(r))
		return r;
	recorder_close(r);
	return NULL;
}

bool recorder_close(struct recorder *r)
{
	bool ok;

	if (!r)
		return true;
	ok = r->fd >= 0 && r->data && recorder_flush(r);
	if (r->fd >= 0)
		close(r->fd);
	free(r->data);
	free(r);
	return ok;
}
