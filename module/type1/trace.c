// SPDX-License-Identifier: GPL-2.0-only
/* Where the trace events of this module are instantiated. */
#define CREATE_TRACE_POINTS
#include "trace/vfio_type1.h"
