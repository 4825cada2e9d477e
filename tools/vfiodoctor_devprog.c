// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a BPF program of a cgroup says of a device. The kernel tells nobody but
 * who opens the device, so the program is followed here. Those of systemd, runc
 * and crun compare numbers and jump; one that calls a helper or looks into a map
 * (libvirt's does) is not followed: its answer is unknown.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vfiodoctor_devprog.h"

#define MOST_STEPS 100000

/* A register has a number, or is the pointer to the context. */
struct machine {
	uint64_t value[11];
	bool known[11], context[11];
	const struct bpf_cgroup_dev_ctx *device;
};

static bool load(struct machine *m, const struct bpf_insn *i)
{
	static const size_t sizes[] = {[BPF_W >> 3] = 4,
				       [BPF_H >> 3] = 2,
				       [BPF_B >> 3] = 1,
				       [BPF_DW >> 3] = 8};
	size_t size = sizes[BPF_SIZE(i->code) >> 3];
	uint64_t value = 0;

	if (BPF_MODE(i->code) != BPF_MEM || !m->context[i->src_reg] ||
	    i->off < 0 || i->off + size > sizeof(*m->device))
		return false;
	/* The machine has its bytes in the order that the program saw. */
	if (size == 4) {
		uint32_t word;

		memcpy(&word, (const char *)m->device + i->off, size);
		value = word;
	} else if (size == 2) {
		uint16_t half;

		memcpy(&half, (const char *)m->device + i->off, size);
		value = half;
	} else if (size == 1) {
		value = *((const uint8_t *)m->device + i->off);
	} else {
		return false;
	}
	m->value[i->dst_reg] = value;
	m->known[i->dst_reg] = true;
	m->context[i->dst_reg] = false;
	return true;
}

/* The second operand, if it is a number. */
static bool operand(const struct machine *m, const struct bpf_insn *i,
		    uint64_t *value)
{
	if (BPF_SRC(i->code) == BPF_K) {
		*value = (int64_t)i->imm;
		return true;
	}
	*value = m->value[i->src_reg];
	return m->known[i->src_reg];
}

static bool compute(struct machine *m, const struct bpf_insn *i)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64;
	unsigned int bits = wide ? 63 : 31;
	uint64_t a = m->value[i->dst_reg], b;

	if (wide && i->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !i->off &&
	    m->context[i->src_reg]) {
		m->context[i->dst_reg] = true;
		m->known[i->dst_reg] = false;
		return true;
	}
	if (!operand(m, i, &b) || i->off ||
	    (BPF_OP(i->code) != BPF_MOV && !m->known[i->dst_reg]))
		return false;
	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (BPF_OP(i->code)) {
	case BPF_MOV:
		a = b;
		break;
	case BPF_ADD:
		a += b;
		break;
	case BPF_SUB:
		a -= b;
		break;
	case BPF_AND:
		a &= b;
		break;
	case BPF_OR:
		a |= b;
		break;
	case BPF_XOR:
		a ^= b;
		break;
	case BPF_LSH:
		a <<= b & bits;
		break;
	case BPF_RSH:
		a >>= b & bits;
		break;
	default:
		return false;
	}
	m->value[i->dst_reg] = wide ? a : (uint32_t)a;
	m->known[i->dst_reg] = true;
	m->context[i->dst_reg] = false;
	return true;
}

static bool jumps(const struct machine *m, const struct bpf_insn *i,
		  bool *taken)
{
	bool wide = BPF_CLASS(i->code) == BPF_JMP;
	uint64_t a = m->value[i->dst_reg], b;

	if (i->code == (BPF_JMP | BPF_JA)) {
		*taken = true;
		return true;
	}
	if (!m->known[i->dst_reg] || !operand(m, i, &b))
		return false;
	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		*taken = a == b;
		break;
	case BPF_JNE:
		*taken = a != b;
		break;
	case BPF_JGT:
		*taken = a > b;
		break;
	case BPF_JGE:
		*taken = a >= b;
		break;
	case BPF_JLT:
		*taken = a < b;
		break;
	case BPF_JLE:
		*taken = a <= b;
		break;
	case BPF_JSET:
		*taken = a & b;
		break;
	default:
		return false;
	}
	return true;
}

enum devprog_answer devprog_ask(const struct bpf_insn *insns, size_t count,
				const struct bpf_cgroup_dev_ctx *device)
{
	struct machine m = {.device = device, .context = {[BPF_REG_1] = true}};
	size_t at = 0;
	bool taken;

	for (int steps = 0; at < count && steps < MOST_STEPS; steps++) {
		const struct bpf_insn *i = &insns[at++];

		if (i->dst_reg > 9 || i->src_reg > 9)
			return DEVPROG_UNKNOWN;
		if (i->code == (BPF_JMP | BPF_EXIT)) {
			if (!m.known[BPF_REG_0])
				return DEVPROG_UNKNOWN;
			return m.value[BPF_REG_0] ? DEVPROG_ALLOWS
						  : DEVPROG_REFUSES;
		}
		switch (BPF_CLASS(i->code)) {
		case BPF_LDX:
			if (!load(&m, i))
				return DEVPROG_UNKNOWN;
			break;
		case BPF_ALU:
		case BPF_ALU64:
			if (!compute(&m, i))
				return DEVPROG_UNKNOWN;
			break;
		case BPF_JMP:
		case BPF_JMP32:
			if (!jumps(&m, i, &taken))
				return DEVPROG_UNKNOWN;
			if (taken)
				at += i->off;
			break;
		default:
			return DEVPROG_UNKNOWN;
		}
	}
	return DEVPROG_UNKNOWN;
}
