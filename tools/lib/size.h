/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes as people write them. */
#ifndef VFIOSCOPE_SIZE_H
#define VFIOSCOPE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes, or with K, M, G, T behind them 2^10 of these and so on. False: that
 * is not a size. What stands behind it goes to @end, which may be NULL: then
 * nothing may.
 */
bool size_parse(const char *text, int64_t *size, const char **end);
/* 4K, 2M, 1G: exact, or in bytes. */
const char *size_text(uint64_t size, char buf[24]);

#endif /* VFIOSCOPE_SIZE_H */
