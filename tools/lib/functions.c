// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel addresses by name, from /proc/kallsyms.
 *
 * The text is read once and kept; a table of lines sorted by address leads into
 * it. It is read anew for an address that is in nothing known, once for each:
 * a module may have been loaded since.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "functions.h"

#define MAX_FUNCTION (1 << 20) /* an offset larger than this is no function's */

struct symbol {
	uint64_t address;
	char *name;
	const char *module; /* NULL: the kernel's own */
};

static struct symbol *symbols;
static size_t symbol_count;
static char *text;

static char *read_all(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	size_t size = 0;
	char *data = NULL;

	if (!f)
		return NULL;
	if (getdelim(&data, &size, '\0', f) < 0) {
		free(data);
		data = NULL;
	}
	fclose(f);
	return data;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* ADDRESS TYPE NAME[\t[MODULE]] */
static void parse_line(char *line, struct symbol *s)
{
	char *module;

	s->address = strtoull(line, &line, 16);
	s->name = strlen(line) > 3 ? line + 3 : line;
	module = strchr(s->name, '\t');
	if (module) {
		*module++ = '\0';
		module[strcspn(module, "]")] = '\0';
		if (*module == '[')
			module++;
	}
	s->module = module;
}

void functions_free(void)
{
	free(symbols);
	free(text);
	symbols = NULL;
	text = NULL;
	symbol_count = 0;
}

static void load(void)
{
	size_t room = 0;
	char *line, *save = NULL;

	functions_free();
	text = read_all();
	for (line = text; line && (line = strchr(line, '\n')); line++)
		room++;
	symbols = calloc(room + 1, sizeof(*symbols));
	if (!text || !symbols)
		return;
	for (line = strtok_r(text, "\n", &save); line && symbol_count < room;
	     line = strtok_r(NULL, "\n", &save))
		parse_line(line, &symbols[symbol_count++]);
	qsort(symbols, symbol_count, sizeof(*symbols), compare);
}

/* The last that begins at the address or below it. */
static const struct symbol *find(uint64_t address)
{
	size_t low = 0, high = symbol_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - symbols[low - 1].address > MAX_FUNCTION)
		return NULL;
	return &symbols[low - 1];
}

void functions_name(uint64_t address, char *name, size_t size)
{
	static uint64_t missed;
	const struct symbol *s;

	if (replay_active()) {
		if (!replay_symbol(address, name, size))
			snprintf(name, size, "0x%" PRIx64, address);
		return;
	}
	s = find(address);
	if (!s && address != missed) {
		missed = address;
		load();
		s = find(address);
	}
	if (!s || !s->address)
		snprintf(name, size, "0x%" PRIx64, address);
	else if (s->module)
		snprintf(name, size, "%s+0x%" PRIx64 " [%s]", s->name,
			 address - s->address, s->module);
	else
		snprintf(name, size, "%s+0x%" PRIx64, s->name,
			 address - s->address);
}
