/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BPF programs on this machine: what source.bpf.h includes in the place of the
 * event sources, see replay.h.
 *
 * Only what handlers use is here: hash maps, arrays, the ring buffer, the
 * current task, the clock, stacks. Helpers are macros because a map's type says
 * how large its keys and values are; maps are known by the name they are given
 * to a helper by, so a handler names its map and does not pass it on.
 */
#ifndef VFIOSCOPE_REPLAY_BPF_H
#define VFIOSCOPE_REPLAY_BPF_H

#include <errno.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../../bpf/event.h"
#include "replay.h"

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define SEC(name)	__attribute__((unused))
#define __uint(name, v) int(*name)[v]
#define __type(name, t) typeof(t) *name

#define REPLAY_UINT(map, name) (sizeof(*(map)->name) / sizeof(int))

/* The map of this name, found once for each place that uses it. */
#define REPLAY_MAP(map)                                                    \
	({                                                                 \
		static struct replay_map *__map;                           \
                                                                           \
		if (!__map)                                                \
			__map = replay_map(#map, REPLAY_UINT(map, type),   \
					   sizeof(*(map)->key),            \
					   sizeof(*(map)->value),          \
					   REPLAY_UINT(map, max_entries)); \
		__map;                                                     \
	})

#define barrier() asm volatile("" ::: "memory")

#define bpf_map_lookup_elem(map, k) \
	((typeof((map)->value))replay_lookup(REPLAY_MAP(map), k))
#define bpf_map_update_elem(map, k, v, flags) \
	replay_update(REPLAY_MAP(map), k, v, flags)
#define bpf_map_delete_elem(map, k) replay_delete(REPLAY_MAP(map), k)

#define bpf_ringbuf_reserve(map, size, flags) replay_reserve(size)
#define bpf_ringbuf_submit(data, flags) \
	((void)(flags), replay_submit(data, true))
#define bpf_ringbuf_discard(data, flags) \
	((void)(flags), replay_submit(data, false))
#define bpf_ringbuf_query(map, what) 0ULL
#define bpf_ringbuf_output(map, data, size, flags)                     \
	({                                                             \
		void *__to = replay_reserve(size);                     \
                                                                       \
		if (__to)                                              \
			replay_submit(memcpy(__to, data, size), true); \
		__to ? 0L : -ENOMEM;                                   \
	})

/* The frames were recorded; user space finds them in the map by this id. */
#define bpf_get_stackid(ctx, map, flags)                                      \
	({                                                                    \
		static struct replay_map *__stacks;                           \
                                                                              \
		if (!__stacks)                                                \
			__stacks = replay_map(#map, REPLAY_UINT(map, type),   \
					      REPLAY_UINT(map, key_size),     \
					      REPLAY_UINT(map, value_size),   \
					      REPLAY_UINT(map, max_entries)); \
		(void)(ctx);                                                  \
		replay_record()->stack;                                       \
	})

static inline __u64 bpf_get_current_pid_tgid(void)
{
	return (__u64)replay_record()->tgid << 32 | replay_record()->tid;
}

static inline __u64 bpf_ktime_get_ns(void)
{
	return replay_record()->ts_ns;
}

static inline long bpf_get_current_comm(void *buf, __u32 size)
{
	memset(buf, 0, size);
	memcpy(buf, replay_record()->comm,
	       size < VFIOSCOPE_COMM_LEN ? size : VFIOSCOPE_COMM_LEN);
	return 0;
}

/* The strings of an event are within its record. */
static inline long bpf_probe_read_kernel_str(void *to, __u32 size,
					     const void *from)
{
	if (!from || !size)
		return -EFAULT;
	strncpy(to, from, size - 1);
	((char *)to)[size - 1] = '\0';
	return strlen(to) + 1;
}

static inline void view_memlock(__u64 *locked, __u64 *limit)
{
	*locked = replay_record()->locked;
	*limit = replay_record()->limit;
}

/* Calls the handler; the linker gathers these. */
#define REPLAY(name)                                                  \
	static void replay_##name(void *e)                            \
	{                                                             \
		on_##name(NULL, e);                                   \
	}                                                             \
	static const struct replay_handler replay_handler_##name      \
		__attribute__((section("replay_handlers"), used)) = { \
			REC_##name, replay_##name};

#endif /* VFIOSCOPE_REPLAY_BPF_H */
