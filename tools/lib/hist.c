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

void hist_merge(struct hist *sum, const struct hist *more)
{
	for (int i = 0; i < HIST_SLOTS; i++)
		sum->slots[i] += more->slots[i];
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

uint64_t hist_bound(const struct hist *h)
{
	for (int i = HIST_SLOTS - 1; i >= 0; i--)
		if (h->slots[i])
			return slot_low(i + 1) - 1;
	return 0;
}

void hist_fold(const struct hist *h, uint64_t rows[HIST_LOG2_MAX])
{
	for (int i = 0; i < HIST_LOG2_MAX; i++)
		rows[i] = 0;
	for (int i = 0; i < HIST_SLOTS; i++) {
		/* Values 0 and 1 share a row, 2 and 3 the next. */
		int log =
			i < HIST_SUB ? i / 2 : i / HIST_SUB + HIST_SUB_BITS - 1;

		/* The highest slots begin beyond the last row. */
		rows[log < HIST_LOG2_MAX ? log : HIST_LOG2_MAX - 1] +=
			h->slots[i];
	}
}

/* Three figures, or as many as are before the point. */
static void bound(char *text, size_t size, double v)
{
	snprintf(text, size, v >= 100 ? "%.0f" : "%.3g", v);
}

void hist_print(FILE *to, const struct hist *h, const char *unit, double scale)
{
	uint64_t rows[HIST_LOG2_MAX], max = 0;
	int first = HIST_LOG2_MAX, last = -1;
	char low[16], high[16];

	hist_fold(h, rows);
	for (int log = 0; log < HIST_LOG2_MAX; log++) {
		if (!rows[log])
			continue;
		if (rows[log] > max)
			max = rows[log];
		first = log < first ? log : first;
		last = log;
	}
	if (last < 0)
		return;
	fprintf(to, "%23s : count    distribution\n", unit);
	for (int log = first; log <= last; log++) {
		int len = rows[log] * BAR_WIDTH / max;

		bound(low, sizeof(low), log ? (1ULL << log) / scale : 0);
		bound(high, sizeof(high), (2ULL << log) / scale);
		fprintf(to, "%10s -> %-10s: %-8llu |%.*s%*s|\n", low, high,
			(unsigned long long)rows[log], len,
			"****************************************",
			BAR_WIDTH - len, "");
	}
}
