/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of the kernel's symbols. */
#ifndef VFIOSCOPE_SYMBOLS_H
#define VFIOSCOPE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	const char *name;
	const char *module; /* it may also be built in; NULL: is built in */
	uint64_t address;   /* 0: there is none, or more than one */
};

/* Looks them all up in one go; false: addresses are hidden, it was said. */
bool symbols_find(struct symbol *symbols, size_t count);

#endif /* VFIOSCOPE_SYMBOLS_H */
