// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prometheus' text format and OpenMetrics. They differ in what a counter's
 * family is called, in types and units, and in the end.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hist.h"
#include "metrics.h"
#include "outside.h"

/* A histogram's buckets: powers of two, from a microsecond to 18 minutes. */
#define FIRST_LOG2 10
#define LAST_LOG2  40

#define SECOND UINT64_C(1000000000)

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && strchr(" \t", end[-1]))
		*--end = '\0';
	return s;
}

/* One of an Accept: header's kinds; @q is how much it is wanted. */
static void weigh(char *kind, double *open, double *text)
{
	char *save = NULL, *name = trim(strtok_r(kind, ";", &save) ?: kind);
	bool known = true;
	double q = 1;

	for (char *p; (p = strtok_r(NULL, ";", &save));) {
		p = trim(p);
		if (!strncasecmp(p, "q=", 2))
			q = strtod(p + 2, NULL);
		else if (!strncasecmp(p, "version=", 8))
			known = strstr(p, "1.0.0") || strstr(p, "0.0.");
	}
	if (!strcasecmp(name, "application/openmetrics-text")) {
		if (known && q > *open)
			*open = q;
	} else if (!strcasecmp(name, "text/plain") ||
		   !strcasecmp(name, "text/*") || !strcmp(name, "*/*")) {
		if (q > *text)
			*text = q;
	}
}

bool metrics_wants_open(const char *accept)
{
	char *copy = accept ? strdup(accept) : NULL, *save = NULL;
	double open = 0, text = 0;

	for (char *kind = copy ? strtok_r(copy, ",", &save) : NULL; kind;
	     kind = strtok_r(NULL, ",", &save))
		weigh(kind, &open, &text);
	free(copy);
	return open > 0 && open >= text;
}

const char *metrics_content_type(bool open)
{
	return open ? "application/openmetrics-text; version=1.0.0; "
		      "charset=utf-8"
		    : "text/plain; version=0.0.4; charset=utf-8";
}

static const char *suffix(const struct metric *metric)
{
	static const char *const suffixes[] = {
		[METRIC_COUNTER] = "_total",
		[METRIC_GAUGE] = "",
		[METRIC_HISTOGRAM] = "",
		[METRIC_INFO] = "_info",
	};

	return suffixes[metric->type];
}

const char *metric_full_name(const struct metric *metric, char *buf,
			     size_t size)
{
	snprintf(buf, size, "%s%s", metric->name, suffix(metric));
	return buf;
}

const char *metric_type_name(const struct metric *metric, bool open)
{
	static const char *const names[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
		[METRIC_INFO] = "info",
	};

	if (metric->type == METRIC_INFO && !open)
		return "gauge";
	return names[metric->type];
}

void metrics_family(struct metrics *m, const struct metric *f)
{
	const char *end = m->open ? "" : suffix(f);

	m->family = f;
	fprintf(m->out, "# HELP %s%s %s\n", f->name, end, f->help);
	fprintf(m->out, "# TYPE %s%s %s\n", f->name, end,
		metric_type_name(f, m->open));
	if (m->open && f->unit)
		fprintf(m->out, "# UNIT %s %s\n", f->name, f->unit);
}

static void put_value(FILE *out, const char *outside)
{
	char clean[512], *value = clean;

	outside_copy(clean, sizeof(clean), outside);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
}

/* The sample's name and labels. */
static void begin(struct metrics *m, const char *end,
		  const struct label *labels)
{
	bool any = false;

	fprintf(m->out, "%s%s", m->family->name, end);
	for (; labels && labels->name; labels++) {
		if (!labels->value || !*labels->value)
			continue;
		fprintf(m->out, "%s%s=\"", any ? "," : "{", labels->name);
		put_value(m->out, labels->value);
		fputc('"', m->out);
		any = true;
	}
	fputs(any ? "} " : " ", m->out);
}

void metrics_number(struct metrics *m, const struct label *labels,
		    uint64_t value)
{
	begin(m, suffix(m->family), labels);
	fprintf(m->out, "%" PRIu64 "\n", value);
}

/* All its digits, and no more. */
static const char *seconds(uint64_t ns, char buf[32])
{
	int len = snprintf(buf, 32, "%" PRIu64 ".%09" PRIu64, ns / SECOND,
			   ns % SECOND);

	while (buf[len - 1] == '0' && buf[len - 2] != '.')
		buf[--len] = '\0';
	return buf;
}

void metrics_seconds(struct metrics *m, const struct label *labels, uint64_t ns)
{
	char buf[32];

	begin(m, suffix(m->family), labels);
	fprintf(m->out, "%s\n", seconds(ns, buf));
}

static void put_bucket(struct metrics *m, const char *le, uint64_t count)
{
	const struct label labels[] = {{"le", le}, {}};

	begin(m, "_bucket", labels);
	fprintf(m->out, "%" PRIu64 "\n", count);
}

void metrics_histogram(struct metrics *m, const uint64_t slots[HIST_SLOTS],
		       uint64_t sum_ns)
{
	uint64_t count = 0;
	unsigned int slot = 0;
	char buf[32];

	for (unsigned int log = FIRST_LOG2; log <= LAST_LOG2; log++) {
		for (; slot < hist_slot_from(log); slot++)
			count += slots[slot];
		put_bucket(m, seconds(1ULL << log, buf), count);
	}
	for (; slot < HIST_SLOTS; slot++)
		count += slots[slot];
	put_bucket(m, "+Inf", count);
	begin(m, "_sum", NULL);
	fprintf(m->out, "%s\n", seconds(sum_ns, buf));
	begin(m, "_count", NULL);
	fprintf(m->out, "%" PRIu64 "\n", count);
}

void metrics_end(struct metrics *m)
{
	if (m->open)
		fputs("# EOF\n", m->out);
}
