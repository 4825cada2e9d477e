/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host does with a device. */
#ifndef VFIOSCOPE_VFIODOCTOR_USE_H
#define VFIOSCOPE_VFIODOCTOR_USE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the host would miss the device if its driver let it go now: an
 * interface that is up, a disk that is mounted. @what says it; "": nothing that
 * could be found.
 */
bool use_of(const char *device, char *what, size_t size);

#endif /* VFIOSCOPE_VFIODOCTOR_USE_H */
