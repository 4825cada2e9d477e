// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's symbols: the address of a name, and the name at an address.
 *
 * A few names are looked for by an iterator in the kernel (bpf/symbols.bpf.c) that
 * prints lines as /proc/kallsyms has them; a kernel without it, older than 6.0, has
 * them all read there. Names at addresses need that whole list.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/symbols.h"
#include "replay.h"
#include "symbols.h"
#include "symbols.skel.h"
#include "tool.h"

#define MAX_FUNCTION (1 << 20) /* farther from one it is none */
#define NAME_AT	     19	       /* in a line, behind ADDRESS and TYPE */

struct function {
	uint64_t address;
	const char *name;
	const char *module; /* NULL: the kernel's own */
};

static struct function *functions;
static char *names; /* what they point into */
static size_t function_count;

/* A file whose size nobody knows; the caller's to free. */
static char *read_all(FILE *f)
{
	size_t room = 1 << 20, have = 0, got;
	char *all = f ? malloc(room + 1) : NULL, *more;

	while (all && (got = fread(all + have, 1, room - have, f)) > 0) {
		have += got;
		if (have < room)
			continue;
		more = realloc(all, (room *= 2) + 1);
		if (!more)
			free(all);
		all = more;
	}
	if (f)
		fclose(f);
	if (all)
		all[have] = '\0';
	return all;
}

static char *read_list(void)
{
	return read_all(fopen("/proc/kallsyms", "re"));
}

/* All of a program's output. */
static char *iterate(struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char *text = read_all(f);

	if (!f && fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return text;
}

/* Whether @name, which "\t[MODULE]" may follow, is this symbol's. */
static bool is(const struct symbol *symbol, const char *name)
{
	size_t size = strlen(symbol->name);

	if (strncmp(name, symbol->name, size))
		return false;
	name += size;
	if (*name != '\t' || !symbol->module)
		return *name == '\n';
	name += 2;
	size = strlen(symbol->module);
	return !strncmp(name, symbol->module, size) && name[size] == ']';
}

/* False: all addresses are hidden. */
static bool find_addresses(const char *text, struct symbol *symbols,
			   size_t count)
{
	const char *line, *end;
	bool initial[256] = {};
	bool shown = false;

	for (size_t i = 0; i < count; i++)
		initial[(unsigned char)*symbols[i].name] = true;
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		const char *name = line + NAME_AT;

		if (end < name)
			continue;
		shown |= strncmp(line, "0000000000000000", 16) != 0;
		if (!initial[(unsigned char)*name])
			continue;
		for (size_t i = 0; i < count; i++) {
			struct symbol *s = &symbols[i];

			/* Of two, either may be meant: better none. */
			if (is(s, name))
				s->address = s->address
						     ? UINT64_MAX
						     : strtoull(line, NULL, 16);
		}
	}
	for (size_t i = 0; i < count; i++)
		if (symbols[i].address == UINT64_MAX)
			symbols[i].address = 0;
	return shown;
}

/* The first address behind each. */
static void find_ends(const char *text, struct symbol *symbols, size_t count)
{
	const char *line, *end;

	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		uint64_t address = strtoull(line, NULL, 16);

		for (size_t i = 0; i < count; i++) {
			struct symbol *s = &symbols[i];

			if (address > s->address &&
			    (!s->end || address < s->end))
				s->end = address;
		}
	}
}

/* The programs, that look for these; NULL: this kernel cannot. */
static struct symbols_bpf *load_wanted(const struct symbol *symbols,
				       size_t count)
{
	struct symbols_bpf *bpf =
		count <= SYMBOLS_MAX ? symbols_bpf__open() : NULL;

	for (size_t i = 0; bpf && i < count; i++) {
		const char *name = symbols[i].name;

		if (strlen(name) >= SYMBOL_SIZE) {
			symbols_bpf__destroy(bpf);
			return NULL;
		}
		strcpy((char *)bpf->rodata->wanted[i], name);
		*(bool *)&bpf->rodata->initials[(unsigned char)*name] = true;
		bpf->rodata->wanted_count = count;
	}
	if (bpf && symbols_bpf__load(bpf)) {
		symbols_bpf__destroy(bpf);
		return NULL;
	}
	return bpf;
}

static void ask_ends(struct symbols_bpf *bpf, struct symbol *symbols,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		bpf->bss->addresses[i] = symbols[i].address;
	free(iterate(bpf->progs.find_ends));
	for (size_t i = 0; i < count; i++)
		symbols[i].end = bpf->bss->ends[i];
}

static bool find_in(struct symbol *symbols, size_t count, bool ends)
{
	struct symbols_bpf *bpf = load_wanted(symbols, count);
	char *text = bpf ? iterate(bpf->progs.find_symbols) : NULL;
	bool asked = text, shown;

	if (!text)
		text = read_list();
	if (!text) {
		tool_error("/proc/kallsyms: %s", strerror(errno));
		symbols_bpf__destroy(bpf);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		symbols[i].address = symbols[i].end = 0;
	shown = find_addresses(text, symbols, count) || asked;
	if (ends && asked)
		ask_ends(bpf, symbols, count);
	else if (ends)
		find_ends(text, symbols, count);
	free(text);
	symbols_bpf__destroy(bpf);
	if (!shown)
		tool_error("the kernel hides its addresses: "
			   "sysctl kernel.kptr_restrict=1 shows them to root");
	return shown;
}

bool symbols_find(struct symbol *symbols, size_t count)
{
	return find_in(symbols, count, false);
}

bool symbols_find_ends(struct symbol *symbols, size_t count)
{
	return find_in(symbols, count, true);
}

static int compare(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* A line is "ADDRESS TYPE NAME[<tab>[MODULE]]"; without root all addresses are 0.
 */
static bool add(size_t *room, char *line)
{
	struct function *more;
	char *rest, *module;
	uint64_t address = strtoull(line, &rest, 16);

	if (!address || strlen(rest) < 4 || !strchr("tTwW", rest[1]))
		return true;
	if (function_count == *room) {
		*room = *room ? *room * 2 : 1 << 17;
		more = realloc(functions, *room * sizeof(*functions));
		if (!more)
			return false;
		functions = more;
	}
	module = strchr(rest, '[');
	if (module)
		module[strcspn(module, "]")] = '\0';
	rest[3 + strcspn(rest + 3, "\t")] = '\0';
	functions[function_count++] = (struct function){
		address, rest + 3, module ? module + 1 : NULL};
	return true;
}

static void load(void)
{
	char *line, *next;
	size_t room = 0;

	names = read_list();
	for (next = names; next && (line = strsep(&next, "\n"));)
		if (!add(&room, line))
			break;
	if (function_count)
		qsort(functions, function_count, sizeof(*functions), compare);
}

/* The last that does not begin behind it. */
static const struct function *find(uint64_t address)
{
	size_t low = 0, high;

	if (!functions)
		load();
	for (high = function_count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (functions[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - functions[low - 1].address > MAX_FUNCTION)
		return NULL;
	return &functions[low - 1];
}

const char *symbols_kernel(uint64_t address, uint64_t *offset)
{
	const struct function *f = find(address);

	if (f && offset)
		*offset = address - f->address;
	return f ? f->name : "";
}

void symbols_name(uint64_t address, char *name, size_t size)
{
	const struct function *f;
	static uint64_t missed;

	if (replay_active()) {
		if (!replay_symbol(address, name, size))
			snprintf(name, size, "0x%" PRIx64, address);
		return;
	}
	f = find(address);
	/* A module may have been loaded since. */
	if (!f && address != missed) {
		missed = address;
		symbols_forget();
		f = find(address);
	}
	if (!f)
		snprintf(name, size, "0x%" PRIx64, address);
	else
		snprintf(name, size, "%s+0x%" PRIx64 "%s%s%s", f->name,
			 address - f->address, f->module ? " [" : "",
			 f->module ?: "", f->module ? "]" : "");
}

void symbols_forget(void)
{
	free(names);
	free(functions);
	names = NULL;
	functions = NULL;
	function_count = 0;
}
