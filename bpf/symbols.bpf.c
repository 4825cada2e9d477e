// SPDX-License-Identifier: GPL-2.0-only
/*
 * The addresses of a few of the kernel's symbols, by an iterator over all of them:
 * /proc/kallsyms has the kernel print 200,000 lines, and the tool read them, for a
 * dozen. What is printed are lines as there, of the wanted names alone.
 *
 * The second iterator finds where the wanted ones end: where the next begins.
 */
#include "views.bpf.h"
#include "symbols.h"

char LICENSE[] SEC("license") = "GPL";

/* Zeroes behind the end. */
const volatile char wanted[SYMBOLS_MAX][SYMBOL_SIZE];
const volatile __u32 wanted_count;
const volatile bool initials[256];

__u64 addresses[SYMBOLS_MAX];
__u64 ends[SYMBOLS_MAX];

static __always_inline bool same(const __u64 *name, const volatile char *other)
{
	const volatile __u64 *words = (const volatile __u64 *)other;

	for (int i = 0; i < SYMBOL_SIZE / 8; i++)
		if (name[i] != words[i])
			return false;
	return true;
}

SEC("iter/ksym")
int find_symbols(struct bpf_iter__ksym *ctx)
{
	struct kallsym_iter *symbol = ctx->ksym;
	__u64 name[SYMBOL_SIZE / 8] = {};
	char module[56];

	if (!symbol || !initials[(unsigned char)symbol->name[0]])
		return 0;
	bpf_probe_read_kernel_str(name, sizeof(name), symbol->name);
	for (__u32 i = 0; i < SYMBOLS_MAX; i++) {
		if (i >= wanted_count)
			break;
		if (!same(name, wanted[i]))
			continue;
		bpf_probe_read_kernel_str(module, sizeof(module),
					  symbol->module_name);
		if (module[0])
			BPF_SEQ_PRINTF(ctx->meta->seq, "%016lx t %s\t[%s]\n",
				       symbol->value, (char *)name, module);
		else
			BPF_SEQ_PRINTF(ctx->meta->seq, "%016lx t %s\n",
				       symbol->value, (char *)name);
		break;
	}
	return 0;
}

SEC("iter/ksym")
int find_ends(struct bpf_iter__ksym *ctx)
{
	struct kallsym_iter *symbol = ctx->ksym;
	__u64 value;

	if (!symbol)
		return 0;
	value = symbol->value;
	for (__u32 i = 0; i < SYMBOLS_MAX; i++) {
		if (i >= wanted_count)
			break;
		if (value > addresses[i] && (!ends[i] || value < ends[i]))
			ends[i] = value;
	}
	return 0;
}
