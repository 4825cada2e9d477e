/* SPDX-License-Identifier: GPL-2.0-only */
/* vfio-exporter's page for people. */
#ifndef VFIOSCOPE_EXPORTER_PAGE_H
#define VFIOSCOPE_EXPORTER_PAGE_H

#include "vfio-exporter_look.h"

struct run;

/* In memory that is to be freed, NULL: there is none. */
char *page_write(const struct look *look, const struct run *run, size_t *size);

#endif /* VFIOSCOPE_EXPORTER_PAGE_H */
