// SPDX-License-Identifier: GPL-2.0-only
/* Files, links and folders of sysfs. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

static const char *root = "";

void sysfs_set_root(const char *folder)
{
	root = folder ?: "";
}

#define FORMAT(path, format)                                              \
	do {                                                              \
		size_t len = snprintf(path, sizeof(path), "%s", root);    \
		va_list args;                                             \
                                                                          \
		va_start(args, format);                                   \
		if (len < sizeof(path))                                   \
			vsnprintf(path + len, sizeof(path) - len, format, \
				  args);                                  \
		va_end(args);                                             \
	} while (0)

bool sysfs_exists(const char *format, ...)
{
	char path[PATH_MAX];

	FORMAT(path, format);
	return !access(path, F_OK);
}

static bool read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	buf[0] = '\0';
	if (fd < 0)
		return false;
	len = read(fd, buf, size - 1);
	close(fd);
	if (len < 0)
		return false;
	if (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return true;
}

bool sysfs_read(char *buf, size_t size, const char *format, ...)
{
	char path[PATH_MAX];

	FORMAT(path, format);
	return read_file(path, buf, size);
}

int64_t sysfs_number(const char *format, ...)
{
	char path[PATH_MAX], buf[64], *end;
	long long v;

	FORMAT(path, format);
	if (!read_file(path, buf, sizeof(buf)))
		return -1;
	v = strtoll(buf, &end, 0);
	return end == buf ? -1 : v;
}

bool sysfs_link(char *buf, size_t size, const char *format, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;

	FORMAT(path, format);
	buf[0] = '\0';
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	snprintf(buf, size, "%s", basename(target));
	return true;
}

bool sysfs_resolve(char *buf, const char *format, ...)
{
	char path[PATH_MAX], whole[PATH_MAX];
	size_t len;

	FORMAT(path, format);
	if (!realpath(path, buf))
		return false;
	if (!*root || !realpath(root, whole))
		return true;
	len = strlen(whole);
	if (!strncmp(buf, whole, len))
		memmove(buf, buf + len, strlen(buf + len) + 1);
	return true;
}

FILE *sysfs_open(const char *format, ...)
{
	char path[PATH_MAX];

	FORMAT(path, format);
	return fopen(path, "re");
}

/* As many hexadecimal digits; what follows them. */
static const char *digits(const char *text, int least, int most)
{
	int count = strspn(text, "0123456789abcdefABCDEF");

	return count < least || count > most ? NULL : text + count;
}

bool sysfs_bdf(const char *text, char *bdf)
{
	const char *colon = strchr(text, ':'), *p = text;
	bool domain = colon && strchr(colon + 1, ':');

	if (domain) {
		p = digits(p, 4, 8);
		if (!p || *p++ != ':')
			return false;
	}
	p = digits(p, 2, 2);
	if (!p || *p++ != ':')
		return false;
	p = digits(p, 2, 2);
	if (!p || *p++ != '.' || *p < '0' || *p > '7' || p[1])
		return false;
	if (!bdf)
		return true;
	snprintf(bdf, SYSFS_NAME_LEN, "%s%s", domain ? "" : "0000:", text);
	for (; *bdf; bdf++)
		*bdf = tolower((unsigned char)*bdf);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct sysfs_list sysfs_list(const char *format, ...)
{
	struct sysfs_list list = {};
	struct dirent *entry;
	char path[PATH_MAX];
	size_t room = 0;
	void *more;
	DIR *dir;

	FORMAT(path, format);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		if (list.count == room) {
			room = room ? room * 2 : 16;
			more = realloc(list.names, room * sizeof(*list.names));
			if (!more)
				break;
			list.names = more;
		}
		snprintf(list.names[list.count++], SYSFS_NAME_LEN, "%s",
			 entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (list.count)
		qsort(list.names, list.count, sizeof(*list.names), by_name);
	return list;
}

void sysfs_list_free(struct sysfs_list *list)
{
	free(list->names);
	list->names = NULL;
	list->count = 0;
}
