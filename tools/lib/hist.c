// SPDX-License-Identifier: GPL-2.0-only
/* Histograms that the BPF side has filled. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "hist.h"

#define BAR	      "****************************************"
#define BAR_WIDTH     (sizeof(BAR) - 1)
#define PRINT_WIDTH   80
#define WIDE	      60 /* columns for which there is a row's beginning */
#define WIDE_BEFORE   35 /* columns, before the bar */
#define NARROW_BEFORE 20

unsigned int hist_slot_from(unsigned int log)
{
	return log < HIST_SUB_BITS ? 1U << log
				   : (log - HIST_SUB_BITS + 1) * HIST_SUB;
}

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

/* Joins rows until those from the first to the last used one are @most; how many
 * powers of two a row is then. None is used: 0.
 */
static unsigned int join_rows(uint64_t rows[HIST_LOG2_MAX], unsigned int most,
			      unsigned int *first, unsigned int *last)
{
	uint64_t joined[HIST_LOG2_MAX] = {};
	unsigned int step = 1;

	*last = HIST_LOG2_MAX;
	for (unsigned int log = HIST_LOG2_MAX; log-- > 0;) {
		if (!rows[log])
			continue;
		*first = log;
		*last = *last == HIST_LOG2_MAX ? log : *last;
	}
	if (*last == HIST_LOG2_MAX || !most)
		return 0;
	while (*last / step - *first / step + 1 > most)
		step++;
	for (unsigned int log = *first; log <= *last; log++)
		joined[log / step] += rows[log];
	memcpy(rows, joined, sizeof(joined));
	*first /= step;
	*last /= step;
	return step;
}

/* From 2^log up to the next power, or @step of them. Where there is no room,
 * without where it begins.
 */
static void print_row(char *text, size_t size, unsigned int log,
		      unsigned int step, double scale, uint64_t count,
		      uint64_t max, unsigned int width)
{
	bool wide = width >= WIDE;
	unsigned int room = width - (wide ? WIDE_BEFORE : NARROW_BEFORE) - 1;
	unsigned int bar = room < BAR_WIDTH ? room : BAR_WIDTH;
	int len = count * bar / max;
	char low[16], high[16];

	bound(low, sizeof(low), log ? (1ULL << log) / scale : 0);
	bound(high, sizeof(high), ldexp(1, log + step) / scale);
	if (wide)
		snprintf(text, size, "%10s -> %-10s: %-8llu |%.*s%*s|", low,
			 high, (unsigned long long)count, len, BAR, bar - len,
			 "");
	else
		snprintf(text, size, "%8s: %-8llu |%.*s%*s|", high,
			 (unsigned long long)count, len, BAR, bar - len, "");
}

unsigned int hist_lines(const struct hist *h, const char *unit, double scale,
			unsigned int lines, unsigned int width,
			void (*line)(void *arg, const char *text), void *arg)
{
	uint64_t rows[HIST_LOG2_MAX], max = 0;
	unsigned int first = 0, last, step;
	char text[128];

	hist_fold(h, rows);
	step = join_rows(rows, lines ? lines - 1 : 0, &first, &last);
	if (!step)
		return 0;
	if (!line)
		return last - first + 2;
	for (unsigned int i = first; i <= last; i++)
		max = rows[i] > max ? rows[i] : max;
	snprintf(text, sizeof(text),
		 width >= WIDE ? "%23s : count    distribution"
			       : "%8s: count    distribution",
		 unit);
	line(arg, text);
	for (unsigned int i = first; i <= last; i++) {
		print_row(text, sizeof(text), i * step, step, scale, rows[i],
			  max, width);
		line(arg, text);
	}
	return last - first + 2;
}

static void put_line(void *arg, const char *text)
{
	fprintf(arg, "%s\n", text);
}

void hist_print(FILE *to, const struct hist *h, const char *unit, double scale)
{
	hist_lines(h, unit, scale, HIST_LOG2_MAX + 1, PRINT_WIDTH, put_line,
		   to);
}

struct json_object *hist_json(const uint64_t rows[HIST_LOG2_MAX],
			      const char *le)
{
	struct json_object *list = json_object_new_array(), *row;

	for (int i = 0; i < HIST_LOG2_MAX; i++) {
		if (!rows[i])
			continue;
		row = json_object_new_object();
		json_object_object_add(row, le,
				       json_object_new_int64((2ULL << i) - 1));
		json_object_object_add(row, "count",
				       json_object_new_int64(rows[i]));
		json_object_array_add(list, row);
	}
	return list;
}
