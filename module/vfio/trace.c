// SPDX-License-Identifier: GPL-2.0-only
/* The bodies of the trace events of vfio.ko. */
#define CREATE_TRACE_POINTS
#include "trace/vfio.h"
