// SPDX-License-Identifier: GPL-2.0-only
/* Where events come from: a tool's BPF programs, attached module by module. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach.h"
#include "host.h"
#include "module_btf.h"
#include "replay.h"
#include "source.h"
#include "tool.h"

#define RETRY_MS     50
#define POLL_MS	     1000
#define MAX_FAILURES 20
#define WAIT_NS	     2000000000ULL /* for what is being attached */

enum module_state {
	MODULE_ABSENT,
	MODULE_FOREIGN, /* there, with nothing to attach to */
	MODULE_ATTACHING,
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
	bool unwanted; /* to be let go of as soon as it is attached */
	int failures;
	struct attachment *attachment; /* while attaching and attached */
};

enum { CORE, TYPE1, MODULES };

struct source {
	struct attach_from from;
	struct module modules[MODULES];
	struct bpf_link **links; /* of programs that are of no module */
	size_t link_count;
	const char *wanted; /* auto, tracepoint or stock */
	bool stock;	    /* the core that is attached has no trace events */
	bool ready;
	unsigned int generation;
	int uevents;
	char status[128];
};

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
	attach_setup(verbose);
	s->wanted = kind;
	s->from.name = name;
	s->from.buffer = buffer;
	s->from.elf = elf(&s->from.elf_size);
	memcpy(s->modules, modules, sizeof(modules));
	s->from.maps = attach_open_maps(&s->from);
	if (!s->from.maps) {
		tool_error("cannot make BPF maps: %s (%s)", strerror(errno),
			   attach_warning());
		free(s);
		return NULL;
	}
	/* What a tool has no programs for it does not wait for. */
	for (int i = 0; i < MODULES; i++) {
		struct module *m = &s->modules[i];

		if (!has_programs(s->from.maps, m->stock_prefix))
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
	attachment_end(m->attachment);
	m->attachment = NULL;
	m->unwanted = false;
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
	bpf_object__close(s->from.maps);
	if (s->uevents >= 0)
		close(s->uevents);
	free(s);
}

int source_map(struct source *s, const char *name)
{
	return s->from.maps
		       ? bpf_object__find_map_fd_by_name(s->from.maps, name)
		       : -1;
}

size_t source_buffer(struct source *s)
{
	struct bpf_map *map = NULL;

	if (s->from.maps)
		map = bpf_object__find_map_by_name(s->from.maps, "events");
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
	return s->from.maps
		       ? bpf_object__find_program_by_name(s->from.maps, name)
		       : NULL;
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

/* 0: begun, or this module has nothing for us. */
static int attach_module(struct source *s, struct module *m)
{
	bool core = m == &s->modules[CORE];
	struct module_btf btf;
	const char *prefix;
	bool ours;
	int ret;

	ret = module_btf_read(m->name, &btf);
	if (ret)
		return ret;
	ours = module_btf_has(&btf, m->type);
	prefix = ours ? m->trace_prefix : m->stock_prefix;
	if ((ours && !strcmp(s->wanted, "stock")) ||
	    (!ours && !strcmp(s->wanted, "tracepoint")))
		prefix = NULL;
	m->state = MODULE_FOREIGN;
	if (prefix) {
		ret = attachment_begin(&m->attachment, &s->from, prefix, &btf);
		m->state = ret ? MODULE_ABSENT : MODULE_ATTACHING;
	}
	module_btf_free(&btf);
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

static void say_cannot_attach(const struct module *m, int err,
			      const char *warning)
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
			   m->name, warning);
	else if (err != -ENOTSUP)
		tool_error("cannot attach to %s: %s (%s)", m->name,
			   strerror(-err), warning);
}

/* 0 for now: it may be on its way in or out. */
static int failed(struct module *m, int err, const char *warning)
{
	bool again = err != -ENOTSUP && ++m->failures < MAX_FAILURES;

	if (!again)
		say_cannot_attach(m, err, warning);
	detach(m);
	m->state = MODULE_ABSENT;
	return again ? 0 : err;
}

static void let_go(struct source *s, struct module *m)
{
	detach(m);
	m->state = MODULE_LET_GO;
	s->generation++;
}

static int poll_attaching(struct source *s, struct module *m, uint64_t wait_ns)
{
	int ret = attachment_wait(m->attachment, wait_ns);

	if (ret == -EINPROGRESS)
		return 0;
	if (ret)
		return failed(m, ret, attachment_warning(m->attachment));
	if (m->unwanted) {
		let_go(s, m);
		return 0;
	}
	m->state = MODULE_ATTACHED;
	take_again(s);
	s->generation++;
	return 0;
}

static int poll_module(struct source *s, struct module *m)
{
	int ret;

	if (m->state == MODULE_ATTACHED)
		return 0;
	if (m->state == MODULE_ATTACHING)
		return poll_attaching(s, m, 0);
	if (!module_live(m->name)) {
		if (m->state != MODULE_ABSENT)
			s->generation++;
		m->state = MODULE_ABSENT;
		m->failures = 0;
		return 0;
	}
	if (m->state == MODULE_LET_GO || m->state == MODULE_FOREIGN)
		return 0;
	ret = attach_module(s, m);
	if (ret)
		return failed(m, ret, attach_warning());
	/* As a rule it is soon done, and whoever asked finds it ready. */
	return m->state == MODULE_ATTACHING ? poll_attaching(s, m, WAIT_NS) : 0;
}

static bool any_attaching(const struct source *s)
{
	for (int i = 0; i < MODULES; i++)
		if (s->modules[i].state == MODULE_ATTACHING)
			return true;
	return false;
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
	/* What is loaded later does not make the others less ready. */
	if (s->modules[CORE].state != MODULE_ATTACHED)
		s->ready = false;
	else if (!any_attaching(s))
		s->ready = true;
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
		if (m->failures || m->state == MODULE_ATTACHING)
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

		if (m->state == MODULE_ATTACHING)
			m->unwanted = true;
		else if (m->state == MODULE_ATTACHED)
			let_go(s, m);
	}
	s->ready = false;
}

bool source_ready(struct source *s)
{
	return replay_active() || s->ready;
}

bool source_attaching(struct source *s)
{
	return any_attaching(s);
}

bool source_coming(struct source *s)
{
	return s->modules[CORE].failures > 0 || any_attaching(s);
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
		[MODULE_ATTACHING] = "attaching to",
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
