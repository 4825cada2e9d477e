/* SPDX-License-Identifier: GPL-2.0-only */
/* What bpf/symbols.bpf.c is asked, by tools/lib/symbols.c. */
#ifndef VFIOSCOPE_BPF_SYMBOLS_H
#define VFIOSCOPE_BPF_SYMBOLS_H

#define SYMBOLS_MAX 32 /* at a time */
#define SYMBOL_SIZE 40 /* of a name, with its end; a multiple of 8 */

#endif /* VFIOSCOPE_BPF_SYMBOLS_H */
