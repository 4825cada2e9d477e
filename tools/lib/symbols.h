/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's symbols: the address of a name, and the name at an address. */
#ifndef VFIOSCOPE_SYMBOLS_H
#define VFIOSCOPE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	const char *name;
	const char *module; /* it may also be built in; NULL: is built in */
	uint64_t address;   /* 0: there is none, or more than one */
	uint64_t end;	    /* where the next begins */
};

/* Looks them all up in one go; false: addresses are hidden, it was said. */
bool symbols_find(struct symbol *symbols, size_t count);
/* With their ends, which takes twice as long. */
bool symbols_find_ends(struct symbol *symbols, size_t count);

/* The function of the kernel or of a module that @address is in, "" if none;
 * good until symbols_forget(). @offset may be NULL.
 */
const char *symbols_kernel(uint64_t address, uint64_t *offset);
/* "name+0x1c [module]", or "0x..." where nothing is known of it. */
void symbols_name(uint64_t address, char *name, size_t size);
/* Modules came or went: read them again when one is asked for. */
void symbols_forget(void);

#endif /* VFIOSCOPE_SYMBOLS_H */
