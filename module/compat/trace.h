/* SPDX-License-Identifier: GPL-2.0-only */
/* How a trace event copies a string: one argument since 2c92ca849fcc (6.10). */
#ifndef _VFIO_COMPAT_TRACE_H
#define _VFIO_COMPAT_TRACE_H

#include "features.h"

#ifdef HAVE_ASSIGN_STR_ONE_ARG
#define vfio_trace_assign_str(dst, src)	__assign_str(dst)
#else
#define vfio_trace_assign_str(dst, src)	__assign_str(dst, src)
#endif

#endif /* _VFIO_COMPAT_TRACE_H */
