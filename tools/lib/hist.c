// SPDX-License-Identifier: GPL-2.0-only
/* Histograms that the BPF side has filled. */
#include "hist.h"

#define BAR_WIDTH 40

static uint64_t slot_low(unsigned int slot)
{
	unsigned int log, sub;

	if (slot < HIST_SUB)
		return slot;
	log = slot / HIST_SUB + HIST_SUB_BITS - 1;
	sub = slot % HIST_SUB;
	return (1ULL << log) + ((uint64_t)sub << (log - HIST_SUB_BITS));
}

void hist_since(struct hist *diff, const struct hist *now, struct hist *last)
{
	for (int i = 0; i < HIST_SLOTS; i++) {
		/* Once: the BPF side goes on counting. */
		uint32_t v = __atomic_load_n(&now->slots[i], __ATOMIC_RELAXED);

		diff->slots[i] = v - last->slots[i];
		last->slots[i] = v;
	}
}

uint64_t hist_count(const struct hist *h)
{
	uint64_t sum = 0;

	for (int i = 0; i < HIST_SLOTS; i++)
		sum += h->slots[i];
	return sum;
}

int64_t hist_percentile(const struct hist *h, double percent)
{
	double wanted = hist_count(h) * percent / 100, below = 0;
	uint64_t low, high;

	for (int i = 0; i < HIST_SLOTS; i++) {
		if (!h->slots[i])
			continue;
		if (below + h->slots[i] >= wanted) {
			low = slot_low(i);
			high = slot_low(i + 1);
			return low +
			       (high - low) * (wanted - below) / h->slots[i];
		}
		below += h->slots[i];
	}
	return -1;
}

void hist_print(FILE *to, const struct hist *h, const char *unit)
{
	uint64_t row[HIST_LOG2_MAX] = {}, max = 0;
	int first = HIST_LOG2_MAX, last = -1;

	for (int i = 0; i < HIST_SLOTS; i++) {
		/* Values 0 and 1 share a row, 2 and 3 the next. */
		int log =
			i < HIST_SUB ? i / 2 : i / HIST_SUB + HIST_SUB_BITS - 1;

		if (!h->slots[i] || log >= HIST_LOG2_MAX)
			continue;
		row[log] += h->slots[i];
		if (row[log] > max)
			max = row[log];
		first = log < first ? log : first;
		last = log > last ? log : last;
	}
	if (last < 0)
		return;
	fprintf(to, "%21s : count    distribution\n", unit);
	for (int log = first; log <= last; log++) {
		int len = row[log] * BAR_WIDTH / max;

		fprintf(to, "%10llu -> %-10llu: %-8llu |%.*s%*s|\n",
			log ? 1ULL << log : 0ULL, (2ULL << log) - 1,
			(unsigned long long)row[log], len,
			"****************************************",
			BAR_WIDTH - len, "");
	}
}
