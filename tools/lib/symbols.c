// SPDX-License-Identifier: GPL-2.0-only
/* Addresses of the kernel's symbols, by name and module. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"
#include "tool.h"

/* "ADDRESS TYPE NAME" or "ADDRESS TYPE NAME\t[MODULE]" */
static bool split(char *line, uint64_t *address, char **name, char **module)
{
	char *end;

	*address = strtoull(line, &end, 16);
	if (end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	*name = end + 3;
	end = *name + strcspn(*name, "\t\n");
	*module = NULL;
	if (*end == '\t') {
		*module = end + 2;
		(*module)[strcspn(*module, "]\n")] = '\0';
	}
	*end = '\0';
	return true;
}

static bool is(const struct symbol *symbol, const char *name,
	       const char *module)
{
	if (strcmp(symbol->name, name))
		return false;
	return !module || (symbol->module && !strcmp(symbol->module, module));
}

bool symbols_find(struct symbol *symbols, size_t count)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], *name, *module;
	bool shown = false;
	uint64_t address;

	if (!f) {
		tool_error("/proc/kallsyms: %s", strerror(errno));
		return false;
	}
	for (size_t i = 0; i < count; i++)
		symbols[i].address = 0;
	while (fgets(line, sizeof(line), f)) {
		if (!split(line, &address, &name, &module))
			continue;
		shown |= address != 0;
		for (size_t i = 0; i < count; i++) {
			struct symbol *s = &symbols[i];

			if (is(s, name, module))
				s->address = s->address ? UINT64_MAX : address;
		}
	}
	fclose(f);
	/* Of two, either may be meant: better none. */
	for (size_t i = 0; i < count; i++)
		if (symbols[i].address == UINT64_MAX)
			symbols[i].address = 0;
	if (!shown)
		tool_error("the kernel hides its addresses: "
			   "sysctl kernel.kptr_restrict=1 shows them to root");
	return shown;
}
