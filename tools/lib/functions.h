/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel addresses by name. */
#ifndef VFIOSCOPE_FUNCTIONS_H
#define VFIOSCOPE_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

/* "name+0x1c [module]", "0x..." where nothing is known of it. Modules come and
 * go: an address that is in none is looked up once more.
 */
void functions_name(uint64_t address, char *name, size_t size);
void functions_free(void);

#endif /* VFIOSCOPE_FUNCTIONS_H */
