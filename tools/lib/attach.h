/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs of one module: opened from a tool's ELF, loaded, and attached
 * by a thread.
 *
 * Attaching a second program to a function waits until every task has left the
 * kernel or slept once (synchronize_rcu_tasks()), and so for the end of a map
 * that goes on for minutes: just when somebody wants to see it. Whoever begins
 * an attachment goes on, and asks now and then how it went.
 */
#ifndef VFIOSCOPE_ATTACH_H
#define VFIOSCOPE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attachment;
struct bpf_object;
struct bpf_program;
struct module_btf;

/* A tool's programs. */
struct attach_from {
	const char *name;
	const void *elf;
	size_t elf_size;
	size_t buffer;		 /* wanted for "events"; 0: as in the ELF */
	struct bpf_object *maps; /* those of no module, with everyone's maps */
};

/* Before all others. Whether libbpf's words go to stderr as they come. */
void attach_setup(bool verbose);

/* The programs of no module, and the maps: NULL with errno set. */
struct bpf_object *attach_open_maps(const struct attach_from *from);
/* What libbpf had to say of the last that failed in this thread. */
const char *attach_warning(void);

/* Loads the programs whose names begin with @prefix and whose functions are in
 * @btf, and begins to attach them. 0 or a negative errno.
 */
int attachment_begin(struct attachment **attachment,
		     const struct attach_from *from, const char *prefix,
		     struct module_btf *btf);
/* Waits for so long at most. 0: every program is attached. -EINPROGRESS, or why
 * it failed.
 */
int attachment_wait(struct attachment *attachment, uint64_t ns);
/* What libbpf had to say of that. */
const char *attachment_warning(const struct attachment *attachment);
/* Detaches; waits for what is under way. NULL is nothing. */
void attachment_end(struct attachment *attachment);

#endif /* VFIOSCOPE_ATTACH_H */
