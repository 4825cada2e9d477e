/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether BPF can be used here at all. */
#ifndef VFIOSCOPE_HOST_H
#define VFIOSCOPE_HOST_H

#include <stdbool.h>

/* What can be said before trying: root, BTF, lockdown. NULL: nothing is wrong. */
const char *host_cannot(void);
/* The same; false: it was said. */
bool host_check(void);
/* Whether the beginning of a file has these words. */
bool host_file_has(const char *path, const char *what);

#endif /* VFIOSCOPE_HOST_H */
