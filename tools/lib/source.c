// SPDX-License-Identifier: GPL-2.0-only
/* Where events come from: a tool's BPF programs, attached module by module. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"
#include "replay.h"
#include "source.h"
#include "tool.h"

#define MAX_LINKS    32
#define RETRY_MS     50
#define POLL_MS	     1000
#define MAX_FAILURES 20

enum module_state {
	MODULE_ABSENT,
	MODULE_FOREIGN, /* there, with nothing to attach to */
	MODULE_ATTACHED,
	MODULE_LET_GO, /* until it is gone */
};

struct module {
	const char *name;
	const char *type; /* that its BTF has if it is ours */
	/* Of the names of programs that belong to it; NULL: there are none. */
	const char *trace_prefix;
	const char *stock_prefix;
	enum module_state state;
	int failures;
	struct bpf_object *object;
	struct bpf_link *links[MAX_LINKS];
	int link_count;
};

enum { CORE, TYPE1, MODULES };

struct source {
	const char *name;
	const void *elf;
	size_t elf_size;
	size_t buffer; /* wanted; 0: as in the ELF */
	struct bpf_object *maps;
	struct module modules[MODULES];
	struct bpf_link **links; /* of programs that are of no module */
	size_t link_count;
	const char *wanted; /* auto, tracepoint or stock */
	bool stock;	    /* the core that is attached has no trace events */
	unsigned int generation;
	int uevents;
	char status[128];
};

static bool say_all;
static char last_warning[256];

static int on_libbpf(enum libbpf_print_level level, const char *format,
		     va_list args)
{
	char line[256];
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

/* The strings of a module's BTF name what it has; absent ones are in the
 * kernel's own.
 */
struct module_btf {
	char *data;
	size_t size;
};

static bool btf_has(const struct module_btf *btf, const char *name)
{
	return memmem(btf->data, btf->size, name, strlen(name) + 1);
}

/* Whether a program is of this module (NULL: of none), and what it binds to is there:
 * "fexit/FUNCTION" is not in every kernel's module.
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
	       btf_has(btf, function + 1);
}

static struct bpf_object *open_object(struct source *s, const char *prefix,
				      const struct module_btf *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = s->name);
	struct bpf_map *map, *base = NULL;
	struct bpf_program *program;
	struct bpf_object *object;

	last_warning[0] = '\0';
	object = bpf_object__open_mem(s->elf, s->elf_size, &opts);
	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_autoload(program,
					  belongs(program, prefix, btf));
	}
	/* The same ELF: the same maps in the same order. */
	if (s->maps) {
		bpf_object__for_each_map(map, object)
		{
			base = bpf_object__next_map(s->maps, base);
			if (bpf_map__reuse_fd(map, bpf_map__fd(base))) {
				bpf_object__close(object);
				return NULL;
			}
		}
	} else if (s->buffer) {
		map = bpf_object__find_map_by_name(object, "events");
		if (map)
			bpf_map__set_max_entries(map, s->buffer);
	}
	if (bpf_object__load(object)) {
		int err = errno;

		bpf_object__close(object);
		errno = err;
		return NULL;
	}
	return object;
}

static bool has_programs(const struct bpf_object *object, const char *prefix)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		if (!strncmp(bpf_program__name(program), prefix,
			     strlen(prefix)))
			return true;
	}
	return false;
}

static int open_uevents(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

struct source *source_open(const char *name, const void *(*elf)(size_t *size),
			   const char *kind, size_t buffer, bool verbose)
{
	static const struct module modules[MODULES] = {
		[CORE] = {.name = "vfio",
			  .type = "btf_trace_vfio_container_open",
			  .trace_prefix = "tp__vfio__",
			  .stock_prefix = "st__vfio__"},
		[TYPE1] = {.name = "vfio_iommu_type1",
			   .type = "btf_trace_vfio_dma_map",
			   .trace_prefix = "tp__type1__",
			   .stock_prefix = "st__type1__"},
	};
	struct source *s;

	s = calloc(1, sizeof(*s));
	if (!s) {
		tool_error("out of memory");
		return NULL;
	}
	say_all = verbose;
	libbpf_set_print(on_libbpf);
	s->name = name;
	s->wanted = kind;
	s->buffer = buffer;
	s->elf = elf(&s->elf_size);
	memcpy(s->modules, modules, sizeof(modules));
	s->maps = open_object(s, NULL, NULL);
	if (!s->maps) {
		tool_error("cannot make BPF maps: %s (%s)", strerror(errno),
			   last_warning);
		free(s);
		return NULL;
	}
	/* What a tool has no programs for it does not wait for. */
	for (int i = 0; i < MODULES; i++) {
		struct module *m = &s->modules[i];

		if (!has_programs(s->maps, m->stock_prefix))
			m->stock_prefix = NULL;
	}
	s->uevents = open_uevents();
	return s;
}

struct source *source_open_replay(void)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s) {
		tool_error("out of memory");
		return NULL;
	}
	s->uevents = -1;
	return s;
}

static void detach(struct module *m)
{
	while (m->link_count > 0)
		bpf_link__destroy(m->links[--m->link_count]);
	bpf_object__close(m->object);
	m->object = NULL;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	for (int i = 0; i < MODULES; i++)
		detach(&s->modules[i]);
	while (s->link_count > 0)
		bpf_link__destroy(s->links[--s->link_count]);
	free(s->links);
	bpf_object__close(s->maps);
	if (s->uevents >= 0)
		close(s->uevents);
	free(s);
}

int source_map(struct source *s, const char *name)
{
	return s->maps ? bpf_object__find_map_fd_by_name(s->maps, name) : -1;
}

size_t source_buffer(struct source *s)
{
	struct bpf_map *map = NULL;

	if (s->maps)
		map = bpf_object__find_map_by_name(s->maps, "events");
	return map ? bpf_map__max_entries(map) : 0;
}

void *source_map_memory(struct source *s, const char *name, size_t element,
			size_t count)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = ((element + 7) & ~7UL) * count;
	void *memory;

	if (replay_active())
		return replay_map_memory(name, element, count);
	size = (size + page - 1) & ~(page - 1);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      source_map(s, name), 0);
	if (memory != MAP_FAILED)
		return memory;
	tool_error("cannot map the BPF map %s: %s", name, strerror(errno));
	return NULL;
}

bool source_map_next(struct source *s, const char *name, const void *key,
		     void *next)
{
	if (replay_active())
		return replay_map_next(name, key, next);
	return !bpf_map_get_next_key(source_map(s, name), key, next);
}

bool source_map_get(struct source *s, const char *name, const void *key,
		    void *value)
{
	if (replay_active())
		return replay_map_get(name, key, value);
	return !bpf_map_lookup_elem(source_map(s, name), key, value);
}

bool source_map_delete(struct source *s, const char *name, const void *key)
{
	if (replay_active())
		return replay_map_delete(name, key);
	return !bpf_map_delete_elem(source_map(s, name), key);
}

bool source_map_put(struct source *s, const char *name, const void *key,
		    const void *value)
{
	return !bpf_map_update_elem(source_map(s, name), key, value, BPF_ANY);
}

static bool keep_link(struct source *s, struct bpf_link *link)
{
	struct bpf_link **links;

	if (!link)
		return false;
	links = realloc(s->links, (s->link_count + 1) * sizeof(*links));
	if (!links) {
		bpf_link__destroy(link);
		return false;
	}
	s->links = links;
	links[s->link_count++] = link;
	return true;
}

/* A recording has no programs. */
static struct bpf_program *find_program(struct source *s, const char *name)
{
	return s->maps ? bpf_object__find_program_by_name(s->maps, name) : NULL;
}

bool source_attach(struct source *s, const char *program)
{
	struct bpf_program *p = find_program(s, program);

	return p && keep_link(s, bpf_program__attach(p));
}

bool source_sample(struct source *s, const char *program,
		   unsigned int per_second)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.freq = 1,
		.sample_freq = per_second,
	};
	struct bpf_program *p = find_program(s, program);
	bool any = false;

	for (int cpu = 0; p && cpu < libbpf_num_possible_cpus(); cpu++) {
		struct bpf_link *link;
		int fd;

		fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			     PERF_FLAG_FD_CLOEXEC);
		if (fd < 0)
			continue; /* a CPU that is offline */
		link = bpf_program__attach_perf_event(p, fd);
		if (!link)
			close(fd);
		any |= keep_link(s, link);
	}
	return any;
}

/* Built-in code has no initstate, and is there. */
static bool module_live(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (access(path, F_OK))
		return false;
	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return access(path, F_OK) || host_file_has(path, "live");
}

/* 0 or a negative errno, -ENODATA without BTF; the data is the caller's to free. */
static int module_btf_read(const char *module, struct module_btf *btf)
{
	size_t room = 64 << 10;
	char path[128];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENODATA : -errno;
	btf->size = 0;
	btf->data = malloc(room);
	while (btf->data &&
	       (got = read(fd, btf->data + btf->size, room - btf->size)) > 0) {
		btf->size += got;
		if (btf->size == room) {
			char *more = realloc(btf->data, room *= 2);

			if (!more)
				free(btf->data);
			btf->data = more;
		}
	}
	close(fd);
	if (!btf->data)
		return -ENOMEM;
	if (btf->size)
		return 0;
	free(btf->data);
	return -ENODATA;
}

static int attach(struct source *s, struct module *m, const char *prefix,
		  const struct module_btf *btf)
{
	struct bpf_program *program;

	m->object = open_object(s, prefix, btf);
	if (!m->object)
		return -errno;
	bpf_object__for_each_program(program, m->object)
	{
		struct bpf_link *link;

		if (!bpf_program__autoload(program))
			continue;
		if (m->link_count == MAX_LINKS)
			return -E2BIG;
		link = bpf_program__attach(program);
		if (!link)
			return -errno;
		m->links[m->link_count++] = link;
	}
	/* libbpf has parsed all of the kernel's types, and let them go. */
	malloc_trim(0);
	return 0;
}

/* Something took the place of what was let go of, or who asked for it has
 * changed their mind.
 */
static bool take_again(struct source *s)
{
	bool any = false;

	for (int i = 0; i < MODULES; i++) {
		if (s->modules[i].state != MODULE_LET_GO)
			continue;
		s->modules[i].state = MODULE_ABSENT;
		any = true;
	}
	return any;
}

/* 0: attached, or this module has nothing for us. */
static int attach_module(struct source *s, struct module *m)
{
	bool core = m == &s->modules[CORE];
	struct module_btf btf = {};
	const char *prefix;
	bool ours;
	int ret;

	ret = module_btf_read(m->name, &btf);
	if (ret)
		return ret;
	ours = btf_has(&btf, m->type);
	prefix = ours ? m->trace_prefix : m->stock_prefix;
	if ((ours && !strcmp(s->wanted, "stock")) ||
	    (!ours && !strcmp(s->wanted, "tracepoint")))
		prefix = NULL;
	if (prefix) {
		ret = attach(s, m, prefix, &btf);
		if (!ret)
			m->state = MODULE_ATTACHED;
	} else {
		m->state = MODULE_FOREIGN;
	}
	free(btf.data);
	if (core)
		s->stock = !ours;
	if (!core || prefix)
		return ret;
	tool_error(ours ? "the vfio that is loaded is vfioscope's, which has "
			  "trace events: leave out --source stock"
			: "the vfio that is loaded has no trace events: load "
			  "vfioscope's modules in its place, or leave out "
			  "--source tracepoint");
	return -ENOTSUP;
}

static void say_cannot_attach(const struct module *m, int err)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", m->name);
	if (err == -ENODATA)
		tool_error("module %s has no BTF (%s): build it with pahole "
			   "-J against the kernel's BTF",
			   m->name, path);
	else if (err == -EPERM)
		tool_error("not permitted to attach to %s (lockdown, or a "
			   "capability is missing): %s",
			   m->name, last_warning);
	else if (err != -ENOTSUP)
		tool_error("cannot attach to %s: %s (%s)", m->name,
			   strerror(-err), last_warning);
}

static int poll_module(struct source *s, struct module *m)
{
	bool live = module_live(m->name);
	int ret;

	if (m->state == MODULE_ATTACHED)
		return 0;
	if (!live) {
		if (m->state != MODULE_ABSENT)
			s->generation++;
		m->state = MODULE_ABSENT;
		m->failures = 0;
		return 0;
	}
	if (m->state == MODULE_LET_GO || m->state == MODULE_FOREIGN)
		return 0;
	ret = attach_module(s, m);
	if (!ret && m->state == MODULE_ATTACHED) {
		take_again(s);
		s->generation++;
	}
	if (!ret)
		return 0;
	detach(m);
	/* It may be on its way in or out. */
	if (ret != -ENOTSUP && ++m->failures < MAX_FAILURES)
		return 0;
	say_cannot_attach(m, ret);
	return ret;
}

int source_poll(struct source *s)
{
	char buf[4096];

	while (s->uevents >= 0 && recv(s->uevents, buf, sizeof(buf), 0) > 0)
		;
	for (int i = 0; i < MODULES; i++) {
		int ret = poll_module(s, &s->modules[i]);

		if (ret)
			return ret;
	}
	return 0;
}

int source_module_fd(struct source *s)
{
	return s->uevents;
}

/* On a stock core, the core alone tells everything. */
static bool not_needed(const struct source *s, const struct module *m)
{
	return s->modules[CORE].state == MODULE_ATTACHED && s->stock &&
	       !m->stock_prefix;
}

int source_timeout(struct source *s)
{
	int timeout = -1;

	for (int i = 0; i < MODULES; i++) {
		const struct module *m = &s->modules[i];

		if (m->state == MODULE_ATTACHED || not_needed(s, m))
			continue;
		/* Without trace events for good, or not there: uevents tell,
		 * where they reach us.
		 */
		if (m->failures)
			return RETRY_MS;
		timeout = POLL_MS;
	}
	return timeout;
}

void source_let_go(struct source *s)
{
	if (take_again(s))
		return;
	for (int i = 0; i < MODULES; i++) {
		struct module *m = &s->modules[i];

		if (m->state != MODULE_ATTACHED)
			continue;
		detach(m);
		m->state = MODULE_LET_GO;
		s->generation++;
	}
}

bool source_ready(struct source *s)
{
	return replay_active() || s->modules[CORE].state == MODULE_ATTACHED;
}

bool source_coming(struct source *s)
{
	return s->modules[CORE].failures > 0;
}

const char *source_kind(struct source *s)
{
	if (replay_active())
		return replay_source();
	return s->stock ? "stock" : "tracepoint";
}

const char *source_status(struct source *s)
{
	static const char *const words[] = {
		[MODULE_ABSENT] = "waiting for",
		[MODULE_FOREIGN] = "no trace events in",
		[MODULE_LET_GO] = "let go of",
	};

	s->status[0] = '\0';
	if (replay_active())
		return "recorded";
	for (int i = 0; i < MODULES; i++) {
		struct module *m = &s->modules[i];
		size_t len = strlen(s->status);

		if (m->state != MODULE_ATTACHED && !not_needed(s, m))
			snprintf(s->status + len, sizeof(s->status) - len,
				 "%s%s %s", len ? ", " : "", words[m->state],
				 m->name);
	}
	return s->status;
}

unsigned int source_generation(struct source *s)
{
	return replay_active() ? replay_generation() : s->generation;
}
