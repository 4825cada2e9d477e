// SPDX-License-Identifier: GPL-2.0-only
/* A tracefs instance, and the lines in it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/events.h"
#include "lib/vfio.h"

#define INSTANCE   "/sys/kernel/tracing/instances/selftest"
#define RECORD_CMD "/sys/kernel/tracing/options/record-cmd"

static void write_file(const char *path, const char *text)
{
	int fd = vfio_must(open(path, O_WRONLY | O_TRUNC));

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		vfio_die("%s: %m", path);
	close(fd);
}

void events_begin(void)
{
	/* Names of tasks would be kept by a probe on every context switch. An
	 * instance begins with the options that are set when it is made.
	 */
	write_file(RECORD_CMD, "0");
	if (mkdir(INSTANCE, 0755) && errno != EEXIST)
		vfio_die("%s: %m", INSTANCE);
	write_file(RECORD_CMD, "1");
	write_file(INSTANCE "/trace", "\n");
	write_file(INSTANCE "/events/vfio/enable", "1");
	write_file(INSTANCE "/events/vfio_type1/enable", "1");
}

void events_read(struct events *e)
{
	size_t room = 4 << 20;
	ssize_t n;
	int fd;

	free(e->text);
	e->text = malloc(room);
	e->size = 0;
	fd = vfio_must(open(INSTANCE "/trace", O_RDONLY));
	while ((n = read(fd, e->text + e->size, room - e->size - 1)) > 0)
		e->size += n;
	e->text[e->size] = '\0';
	close(fd);
}

void events_end(struct events *e)
{
	write_file(INSTANCE "/events/enable", "0");
	events_read(e);
}

void events_drop(struct events *e)
{
	write_file(INSTANCE "/events/enable", "0");
	rmdir(INSTANCE);
	free(e->text);
}

const char *events_next(const struct events *e, const char *event,
			const char *from)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), ": %s: ", event);
	at = strstr(from ?: e->text, key);
	return at ? at + strlen(key) : NULL;
}

int events_count(const struct events *e, const char *event)
{
	const char *at = NULL;
	int n = 0;

	while ((at = events_next(e, event, at)))
		n++;
	return n;
}

/* The value of "field=" in a line; the line ends the search. */
static const char *field(const char *line, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = line; at && *at && *at != '\n'; at++)
		if ((at == line || at[-1] == ' ') && !strncmp(at, name, len) &&
		    at[len] == '=')
			return at + len + 1;
	return NULL;
}

long long event_number(const char *line, const char *name)
{
	const char *value = line ? field(line, name) : NULL;

	return value ? strtoll(value, NULL, 0) : -99999;
}

bool event_word(const char *line, const char *name, const char *wanted)
{
	const char *value = line ? field(line, name) : NULL;

	return value && !strncmp(value, wanted, strlen(wanted)) &&
	       strchr(" \n", value[strlen(wanted)]);
}

int events_count_word(const struct events *e, const char *event,
		      const char *name, const char *wanted)
{
	const char *at = NULL;
	int n = 0;

	while ((at = events_next(e, event, at)))
		n += event_word(at, name, wanted);
	return n;
}
