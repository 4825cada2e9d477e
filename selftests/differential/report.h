/* SPDX-License-Identifier: GPL-2.0-only */
/* The table's file and its TAP. */
#ifndef _DIFFERENTIAL_REPORT_H
#define _DIFFERENTIAL_REPORT_H

#include "differential/diff.h"

void report_open(const char *path);
/* Non-zero when a row did not get what it wants. */
int report_close(void);

#endif /* _DIFFERENTIAL_REPORT_H */
