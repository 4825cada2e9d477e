// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples what watched tasks are doing while they run: the stack of a running
 * task cannot be read from outside. The innermost frame that is known decides.
 * What sleeps is not sampled; /proc/PID/stack tells about that.
 */
#include "views.bpf.h"
#include "phase.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct phase_range ranges[PHASE_RANGES];
const volatile __u32 range_count;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PHASE_WATCHED);
	__type(key, __u32); /* thread id */
	__type(value, struct phase_counts);
} watched SEC(".maps");

struct frames {
	__u64 ip[PHASE_FRAMES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frames);
} stacks SEC(".maps");

static __always_inline __u32 phase_at(__u64 ip)
{
	__u32 i;

	for (i = 0; i < PHASE_RANGES && i < range_count; i++)
		if (ip >= ranges[i].begin && ip < ranges[i].end)
			return ranges[i].phase;
	return PHASE_UNKNOWN;
}

SEC("perf_event")
int sample(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid(), zero = 0, phase = 0, i;
	struct phase_counts *counts;
	struct frames *frames;
	long size;

	counts = bpf_map_lookup_elem(&watched, &tid);
	frames = bpf_map_lookup_elem(&stacks, &zero);
	if (!counts || !frames)
		return 0;
	size = bpf_get_stack(ctx, frames->ip, sizeof(frames->ip), 0);
	for (i = 0; i < PHASE_FRAMES && size > 0 && i < size / 8; i++) {
		phase = phase_at(frames->ip[i]);
		if (phase)
			break;
	}
	if (phase < PHASES)
		__sync_fetch_and_add(&counts->samples[phase], 1);
	return 0;
}
