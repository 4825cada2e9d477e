/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The types of a module: what it has, and what programs bind to by number.
 *
 * libbpf looks for the name of each program's target among all the types of the
 * kernel before it comes to the module's own: more than all the rest that a tool
 * does until it is attached.
 */
#ifndef VFIOSCOPE_MODULE_BTF_H
#define VFIOSCOPE_MODULE_BTF_H

#include <stdbool.h>
#include <stddef.h>

struct btf;

struct module_btf {
	const char *module;
	char *data; /* its strings name what it has */
	size_t size;
	struct btf *kernel, *types; /* once a number was asked for */
	int fd;
};

/* 0 or a negative errno, -ENODATA without BTF. */
int module_btf_read(const char *module, struct module_btf *btf);
bool module_btf_has(const struct module_btf *btf, const char *name);
/* Opens what module_btf_id() wants. 0 or a negative errno. */
int module_btf_open(struct module_btf *btf);
/* The number of a type of this name and kind, BTF_KIND_..; negative: there is
 * none.
 */
int module_btf_id(const struct module_btf *btf, const char *name,
		  unsigned int kind);
void module_btf_free(struct module_btf *btf);

#endif /* VFIOSCOPE_MODULE_BTF_H */
