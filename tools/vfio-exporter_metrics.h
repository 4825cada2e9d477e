/* SPDX-License-Identifier: GPL-2.0-only */
/* vfio-exporter's metrics: which there are, and writing them. */
#ifndef VFIOSCOPE_EXPORTER_METRICS_H
#define VFIOSCOPE_EXPORTER_METRICS_H

#include "vfio-exporter_look.h"

struct run;

/* A line each: name, type, help, with tabs between. */
void export_list(void);
/* What was looked at. In memory that is to be freed, NULL: there is none. */
char *export_write(const struct look *look, const struct run *run, bool open,
		   bool pids, size_t *size);

#endif /* VFIOSCOPE_EXPORTER_METRICS_H */
