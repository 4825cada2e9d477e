// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate for strings from outside.
 *
 * UTF-8 is decoded here and not by the C library, whose answer depends on the
 * locale. A result is never longer than what it was made from.
 */
#include <ctype.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "outside.h"

static bool utf8 = true; /* what the terminal takes */

/* Length of the character that @s begins with, 0: it is no UTF-8. */
static size_t decode(const char *s, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = *s;
	size_t len;

	if (first < 0x80) {
		*point = first;
		return 1;
	}
	len = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (!len || first > 0xf4)
		return 0;
	*point = first & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (s[i] & 0x3f);
	}
	if (*point < least[len] || *point > 0x10ffff ||
	    (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return len;
}

/* Whether a character is seen as itself, and does nothing else. */
static bool is_harmless(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} no[] = {
		{0x00, 0x1f},	     {0x7f, 0x9f},     /* controls */
		{0xad, 0xad},	     {0x61c, 0x61c},   /* direction */
		{0x180e, 0x180e},    {0x200b, 0x200f}, /* of no width */
		{0x2028, 0x202e},    {0x2060, 0x206f}, {0xfdd0, 0xfdef},
		{0xfeff, 0xfeff},    {0xfff9, 0xfffd}, {0x1d173, 0x1d17a},
		{0xe0000, 0x10ffff}, /* tags, private use */
	};

	if ((c & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (c >= no[i].first && c <= no[i].last)
			return false;
	return true;
}

static void clean(char *text, bool ascii)
{
	const char *from = text;
	uint32_t point;
	size_t len;

	while (*from) {
		len = decode(from, &point);
		if (!len || !is_harmless(point) || (ascii && point > 0x7f)) {
			*text++ = '?';
			from += len ?: 1;
			continue;
		}
		memmove(text, from, len);
		text += len;
		from += len;
	}
	*text = '\0';
}

void outside_clean(char *text)
{
	clean(text, false);
}

void outside_clean_line(char *line)
{
	clean(line, !utf8);
}

void outside_copy(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1), at = 0, next;
	uint32_t point;

	memcpy(to, from, len);
	to[len] = '\0';
	/* A character that was cut through goes whole. */
	if (from[len]) {
		for (; at < len; at += next) {
			next = decode(from + at, &point) ?: 1;
			if (at + next > len)
				to[at] = '\0';
		}
	}
	clean(to, false);
}

static int columns_of(uint32_t point)
{
	int columns = utf8 ? wcwidth(point) : 1;

	return columns < 0 ? 1 : columns;
}

/* How many bytes fit into so many columns; those that they take. */
static size_t fitting(const char *text, int most, int *columns)
{
	size_t at = 0, len;
	uint32_t point;
	int more;

	for (*columns = 0; text[at]; at += len) {
		len = decode(text + at, &point);
		if (!len) {
			point = '?';
			len = 1;
		}
		more = columns_of(point);
		if (*columns + more > most)
			break;
		*columns += more;
	}
	return at;
}

int outside_width(const char *text)
{
	int columns;

	fitting(text, INT32_MAX, &columns);
	return columns;
}

void outside_cut(char *text, int columns)
{
	int taken;

	text[fitting(text, columns, &taken)] = '\0';
}

const char *outside_fit(char buf[OUTSIDE_FIT], const char *text, int width)
{
	int most = abs(width), columns, blanks;
	char clean_text[OUTSIDE_FIT];
	size_t len;

	if (most >= OUTSIDE_FIT)
		most = OUTSIDE_FIT - 1;
	outside_copy(clean_text, sizeof(clean_text), text);
	len = fitting(clean_text, most, &columns);
	blanks = most - columns;
	if (len + blanks >= OUTSIDE_FIT)
		blanks = OUTSIDE_FIT - 1 - len;
	memset(buf, ' ', len + blanks);
	memcpy(width < 0 ? buf : buf + blanks, clean_text, len);
	buf[len + blanks] = '\0';
	return buf;
}

static bool is_bdf(const char *s)
{
	size_t domain = strspn(s, "0123456789abcdef");

	if (domain < 4 || domain > 8 || s[domain] != ':')
		return false;
	s += domain + 1;
	return isxdigit(s[0]) && isxdigit(s[1]) && s[2] == ':' &&
	       isxdigit(s[3]) && isxdigit(s[4]) && s[5] == '.' && s[6] >= '0' &&
	       s[6] <= '7' && !s[7];
}

#define WORD_CHARS                                                 \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123" \
	"456789_.-"

static bool is_path(const char *s)
{
	static const char *const roots[] = {"/dev/", "/etc/", "/lib/", "/proc/",
					    "/run/", "/sys/", "/usr/", "/var/"};
	bool known = false;

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		known |= !strncmp(s, roots[i], strlen(roots[i]));
	return known && !strstr(s, "..") && !s[strspn(s, WORD_CHARS "/:@+,")];
}

const char *outside_word(enum outside_form form, const char *word)
{
	bool good = false;

	switch (form) {
	case OUTSIDE_BDF:
		good = is_bdf(word);
		break;
	case OUTSIDE_NUMBER:
		good = *word && strlen(word) <= 20 &&
		       !word[strspn(word, "0123456789")];
		break;
	case OUTSIDE_NAME:
		good = *word && *word != '-' && *word != '.' &&
		       !word[strspn(word, WORD_CHARS)];
		break;
	case OUTSIDE_PATH:
		good = is_path(word);
		break;
	}
	return good ? word : NULL;
}

/* The complete lines of what was written; argp and libbpf write here as well.
 * A tab and the end of a line are the only controls that tools write.
 */
static ssize_t write_gated(void *cookie, const char *data, size_t size)
{
	size_t done = 0, len, from;
	char line[4096];

	(void)cookie;
	while (done < size) {
		from = done;
		for (len = 0; done < size && len < sizeof(line) - 2;)
			if (data[done] == '\n')
				break;
			else
				line[len++] = data[done++] ?: '?';
		line[len] = '\0';
		for (char *c = line; (c = strchr(c, '\t')); c++)
			*c = ' ';
		outside_clean_line(line);
		len = strlen(line);
		if (done < size && data[done] == '\n') {
			line[len++] = '\n';
			done++;
		}
		if (write(STDERR_FILENO, line, len) < 0 && errno != EINTR)
			return from ?: 0;
	}
	return size;
}

void outside_begin(void)
{
	static const cookie_io_functions_t io = {.write = write_gated};
	const char *locale = setlocale(LC_CTYPE, "");
	FILE *gated;

	/* Where nobody has chosen, as in a service, it is UTF-8. */
	if (!locale || !strcmp(locale, "C") || !strcmp(locale, "POSIX"))
		setlocale(LC_CTYPE, "C.UTF-8");
	utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	gated = fopencookie(NULL, "w", io);
	if (!gated)
		return;
	setvbuf(gated, NULL, _IOLBF, BUFSIZ);
	stderr = gated;
}
