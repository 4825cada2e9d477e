// SPDX-License-Identifier: GPL-2.0-only
/* vfio-exporter's page for people: what is there now, and where the metrics are.
 * It loads itself again every few seconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/outside.h"
#include "lib/source.h"
#include "lib/tool.h"
#include "vfio-exporter_page.h"

#define MIB (1 << 20)

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"refresh\" content=\"5\">\n"
	"<title>vfio-exporter</title>\n"
	"<style>\n"
	"body { font: 14px sans-serif; margin: 2em; }\n"
	"table { border-collapse: collapse; margin: 1em 0; }\n"
	"th, td { padding: 2px 10px; border-bottom: 1px solid #ccc;\n"
	"         text-align: right; }\n"
	".t { text-align: left; }\n"
	".bad { background: #fdd; }\n"
	"</style></head>\n"
	"<body><h1>vfio-exporter</h1>\n"
	"<p><a href=\"/metrics\">/metrics</a> is for Prometheus, "
	"<a href=\"/-/healthy\">/-/healthy</a> says that it runs.</p>\n";

/* Names are those of processes, who choose them. */
static void put_text(FILE *out, const char *outside)
{
	char clean[512], *text = clean;

	outside_copy(clean, sizeof(clean), outside);
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void text_cell(FILE *out, const char *text)
{
	fputs("<td class=\"t\">", out);
	put_text(out, text);
	fputs("</td>", out);
}

/* Negative: not known. */
static void number_cell(FILE *out, double value, int decimals)
{
	if (value < 0)
		fputs("<td>-</td>", out);
	else
		fprintf(out, "<td>%.*f</td>", decimals, value);
}

static void container_row(FILE *out, const struct look_container *c)
{
	const struct top_row *row = c->row;

	fprintf(out, "<tr><td>%s</td><td>%s</td>", c->number, c->pid);
	text_cell(out, row->held.comm);
	text_cell(out, row->held.vm);
	fputs("<td class=\"t\">", out);
	for (size_t i = 0; i < row->held.device_count; i++) {
		fputs(i ? " " : "", out);
		put_text(out, row->held.devices[i]);
	}
	fputs("</td>", out);
	number_cell(out, row->users, 0);
	number_cell(out, row->maps, 0);
	number_cell(out, row->dma_entry_limit, 0);
	number_cell(out, row->pinned_bytes / (double)MIB, 1);
	number_cell(out, row->errors, 0);
	fputs("</tr>\n", out);
}

static void group_row(FILE *out, const struct look *look,
		      const struct look_group *g)
{
	bool bad = g->unaccounted || !g->viable || g->holders[HOLDER_UNBIND];
	bool any = false;

	fprintf(out, "<tr%s><td>%s</td><td class=\"t\">",
		bad ? " class=\"bad\"" : "", g->number);
	for (size_t i = 0; i < look->device_count; i++) {
		const struct look_device *d = &look->devices[i];

		if (d->opens < 0 || atoi(d->group) != g->id)
			continue;
		fputs(any ? " " : "", out);
		put_text(out, d->name);
		any = true;
	}
	fprintf(out, "</td><td>%s</td>", g->container);
	number_cell(out, g->users, 0);
	number_cell(out, g->unaccounted, 0);
	for (int kind = 0; kind < HOLDER_KINDS; kind++)
		number_cell(out, g->holders[kind], 0);
	fprintf(out, "<td>%s</td></tr>\n",
		g->viable < 0 ? "-" : (g->viable ? "yes" : "no"));
}

static void show_source(FILE *out, const struct look *look,
			const struct run *run)
{
	const char *status = source_status(run->source);

	fputs("<p>", out);
	if (source_ready(run->source))
		fprintf(out, "Events come from the %s source. ",
			source_kind(run->source));
	if (*status)
		fprintf(out, "It is %s. ", status);
	fprintf(out, "%llu events were lost.</p>\n",
		(unsigned long long)look->model.lost);
}

char *page_write(const struct look *look, const struct run *run, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	fputs(head, out);
	show_source(out, look, run);
	fputs("<table><tr><th>container</th><th>pid</th><th class=\"t\">comm"
	      "</th><th class=\"t\">VM</th><th class=\"t\">open devices</th>"
	      "<th>users</th><th>mappings</th><th>limit</th>"
	      "<th>pinned MiB</th><th>errors</th></tr>\n",
	      out);
	for (size_t i = 0; i < look->container_count; i++)
		container_row(out, &look->containers[i]);
	fputs("</table>\n<table><tr><th>group</th><th class=\"t\">devices</th>"
	      "<th>container</th><th>users</th><th>unaccounted</th>"
	      "<th>processes</th><th>mmaps</th><th>memory</th><th>KVM</th>"
	      "<th>external</th><th>unbind</th><th>viable</th></tr>\n",
	      out);
	for (size_t i = 0; i < look->group_count; i++)
		group_row(out, look, &look->groups[i]);
	fputs("</table></body></html>\n", out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}
