// SPDX-License-Identifier: GPL-2.0-only
/* One module's BPF programs, attached by a thread. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach.h"
#include "module_btf.h"

#define MAX_LINKS    32
#define WARNING_SIZE 256

struct attachment {
	struct bpf_object *object;
	pthread_t thread;
	bool joined;
	/* The thread's until it is joined. */
	int result;
	struct bpf_link *links[MAX_LINKS];
	int link_count;
	char warning[WARNING_SIZE];
};

static bool say_all;
static __thread char last_warning[WARNING_SIZE];
/* What programs that are being loaded bind to; NULL: to the kernel itself. */
static const struct module_btf *targets;

static int on_libbpf(enum libbpf_print_level level, const char *format,
		     va_list args)
{
	char line[WARNING_SIZE];
	va_list copy;

	if (say_all)
		return vfprintf(stderr, format, args);
	if (level != LIBBPF_WARN)
		return 0;
	va_copy(copy, args);
	vsnprintf(line, sizeof(line), format, copy);
	va_end(copy);
	line[strcspn(line, "\n")] = '\0';
	/* The first says what went wrong, the others what followed from it. */
	if (!*last_warning)
		snprintf(last_warning, sizeof(last_warning), "%s", line);
	return 0;
}

static void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	on_libbpf(LIBBPF_WARN, format, args);
	va_end(args);
}

static int find_target(const char *name, enum bpf_attach_type type)
{
	char event[128];

	if (!targets)
		return libbpf_find_vmlinux_btf_id(name, type);
	if (type != BPF_TRACE_RAW_TP)
		return module_btf_id(targets, name, BTF_KIND_FUNC);
	snprintf(event, sizeof(event), "btf_trace_%s", name);
	return module_btf_id(targets, event, BTF_KIND_TYPEDEF);
}

static int bind_program(struct bpf_program *program,
			struct bpf_prog_load_opts *opts, long type)
{
	const char *name = strchr(bpf_program__section_name(program), '/') + 1;
	int id = find_target(name, type);

	if (id < 0) {
		warn("%s has no %s\n", targets ? targets->module : "the kernel",
		     name);
		return id;
	}
	opts->attach_btf_id = id;
	opts->attach_btf_obj_fd = targets ? targets->fd : 0;
	return 0;
}

static int attach_bound(const struct bpf_program *program,
			long type __attribute__((unused)),
			struct bpf_link **link)
{
	*link = bpf_program__attach_trace(program);
	return *link ? 0 : -errno;
}

/* Programs that say what they bind to by name, bound by module_btf. */
void attach_setup(bool verbose)
{
	static const struct {
		const char *section;
		enum bpf_attach_type type;
	} sections[] = {
		{"fentry+", BPF_TRACE_FENTRY},
		{"fexit+", BPF_TRACE_FEXIT},
		{"tp_btf+", BPF_TRACE_RAW_TP},
	};

	say_all = verbose;
	libbpf_set_print(on_libbpf);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts,
			    .cookie = sections[i].type,
			    .prog_prepare_load_fn = bind_program,
			    .prog_attach_fn = attach_bound);

		libbpf_register_prog_handler(sections[i].section,
					     BPF_PROG_TYPE_TRACING,
					     sections[i].type, &opts);
	}
}

const char *attach_warning(void)
{
	return last_warning;
}

/* Whether a program is of this module (NULL: of none), and what it binds to is
 * there: "fexit/FUNCTION" is not in every kernel's module.
 */
static bool belongs(const struct bpf_program *program, const char *prefix,
		    const struct module_btf *btf)
{
	const char *function = strchr(bpf_program__section_name(program), '/');

	if (!prefix)
		prefix = "any__";
	if (strncmp(bpf_program__name(program), prefix, strlen(prefix)))
		return false;
	return strncmp(prefix, "st__", 4) || !function ||
	       module_btf_has(btf, function + 1);
}

/* The same ELF: the same maps in the same order. */
static int share_maps(struct bpf_object *object, struct bpf_object *with)
{
	struct bpf_map *map, *base = NULL;

	bpf_object__for_each_map(map, object)
	{
		base = bpf_object__next_map(with, base);
		if (bpf_map__reuse_fd(map, bpf_map__fd(base)))
			return -errno;
	}
	return 0;
}

static struct bpf_object *open_object(const struct attach_from *from,
				      const char *prefix,
				      struct module_btf *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = from->name);
	struct bpf_program *program;
	struct bpf_object *object;
	struct bpf_map *events;
	int err = 0;

	last_warning[0] = '\0';
	object = bpf_object__open_mem(from->elf, from->elf_size, &opts);
	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_autoload(program,
					  belongs(program, prefix, btf));
	}
	if (from->maps) {
		err = share_maps(object, from->maps);
	} else if (from->buffer) {
		events = bpf_object__find_map_by_name(object, "events");
		if (events)
			bpf_map__set_max_entries(events, from->buffer);
	}
	if (!err && btf)
		err = module_btf_open(btf);
	if (!err) {
		targets = btf;
		err = bpf_object__load(object);
		targets = NULL;
	}
	if (!err)
		return object;
	bpf_object__close(object);
	errno = -err;
	return NULL;
}

struct bpf_object *attach_open_maps(const struct attach_from *from)
{
	return open_object(from, NULL, NULL);
}

static int attach_all(struct attachment *a)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, a->object)
	{
		struct bpf_link *link;

		if (!bpf_program__autoload(program))
			continue;
		if (a->link_count == MAX_LINKS)
			return -E2BIG;
		link = bpf_program__attach(program);
		if (!link)
			return -errno;
		a->links[a->link_count++] = link;
	}
	return 0;
}

static void *run(void *data)
{
	struct attachment *a = data;

	last_warning[0] = '\0';
	a->result = attach_all(a);
	memcpy(a->warning, last_warning, sizeof(a->warning));
	/* libbpf has parsed all of the kernel's types, and let them go. */
	malloc_trim(0);
	return NULL;
}

int attachment_begin(struct attachment **attachment,
		     const struct attach_from *from, const char *prefix,
		     struct module_btf *btf)
{
	struct attachment *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->object = open_object(from, prefix, btf);
	if (!a->object) {
		err = errno;
		free(a);
		return -err;
	}
	err = pthread_create(&a->thread, NULL, run, a);
	if (err) {
		bpf_object__close(a->object);
		free(a);
		return -err;
	}
	*attachment = a;
	return 0;
}

int attachment_wait(struct attachment *a, uint64_t ns)
{
	struct timespec until;

	if (!a->joined) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		ns += until.tv_nsec;
		until.tv_sec += ns / 1000000000;
		until.tv_nsec = ns % 1000000000;
		a->joined = !pthread_clockjoin_np(a->thread, NULL,
						  CLOCK_MONOTONIC, &until);
	}
	return a->joined ? a->result : -EINPROGRESS;
}

const char *attachment_warning(const struct attachment *a)
{
	return a->warning;
}

void attachment_end(struct attachment *a)
{
	if (!a)
		return;
	if (!a->joined)
		pthread_join(a->thread, NULL);
	while (a->link_count > 0)
		bpf_link__destroy(a->links[--a->link_count]);
	bpf_object__close(a->object);
	free(a);
}
