// SPDX-License-Identifier: GPL-2.0-only
/* vfiotop's keys: what is sorted by, shown, chosen and opened. */
#include "lib/tool.h"
#include "vfiotop_keys.h"
#include "vfiotop_table.h"

void top_show_help(struct run *run)
{
	static const char *const lines[] = {
		"q  quit                h  this help",
		"up, down, k, j         choose a row",
		"enter  its details     esc, backspace, enter  back",
		"s  next sort column    o  previous sort column",
		"r  reverse the order   f  only that row's process, all",
		"p  sort by pinned      g  sort by groups' users",
		"i  hide idle ones      any key goes back",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		out_line(run, SCREEN_PLAIN, "  %s", lines[i]);
}

/* The next or previous column that can be sorted by. */
static void move_sort(struct top *top, int by)
{
	size_t at = top->sort - top_table.columns;

	do {
		at = (at + top_table.count + by) % top_table.count;
	} while (top_table.columns[at].type == COLUMN_OWN ||
		 !top_table.columns[at].head);
	top->sort = &top_table.columns[at];
}

static void select_by(struct top *top, long by)
{
	long at = (long)top->at + by, last = (long)top->shown_count - 1;

	if (last < 0)
		return;
	top->at = at < 0 ? 0 : at > last ? last : at;
	top->selected = top->shown[top->at]->container;
	top->selecting = true;
}

/* Only the selected row's process; again: all. */
static void filter_selected(struct run *run)
{
	struct top *top = run->state;
	const struct top_row *row = top_model_find(&top->model, top->selected);

	run->filter.pid =
		run->filter.pid || !top->selecting || !row ? 0 : row->held.pid;
}

/* True: it was one that moves or opens what is selected. */
static bool move_key(struct top *top, int key)
{
	long page = screen_rows() - 2;

	switch (key) {
	case SCREEN_UP:
	case 'k':
		select_by(top, -1);
		return true;
	case SCREEN_DOWN:
	case 'j':
		select_by(top, 1);
		return true;
	case SCREEN_PAGE_UP:
		select_by(top, -page);
		return true;
	case SCREEN_PAGE_DOWN:
		select_by(top, page);
		return true;
	case SCREEN_HOME:
		select_by(top, -(long)top->shown_count);
		return true;
	case SCREEN_END:
		select_by(top, top->shown_count);
		return true;
	case SCREEN_ENTER:
		top->drilled = top->selecting && top->shown_count;
		return true;
	default:
		return false;
	}
}

static void sort_key(struct top *top, int key)
{
	switch (key) {
	case 's':
		move_sort(top, 1);
		break;
	case 'o':
		move_sort(top, -1);
		break;
	case 'r':
		top->reverse = !top->reverse;
		break;
	case 'p':
		top->sort = out_sort_column(&top_table, "pinned_bytes");
		break;
	case 'g':
		top->sort = out_sort_column(&top_table, "users");
		break;
	}
}

bool top_key(struct run *run, int key)
{
	struct top *top = run->state;

	*top->message = '\0';
	if (top->help) {
		top->help = false;
		return true;
	}
	if (key == 'h' || key == '?') {
		top->help = true;
		return true;
	}
	if (top->drilled) {
		if (key == SCREEN_BACK || key == SCREEN_ENTER)
			top->drilled = false;
		return true;
	}
	if (move_key(top, key))
		return true;
	if (key == 'f')
		filter_selected(run);
	else if (key == 'i')
		top->hide_idle = !top->hide_idle;
	else
		sort_key(top, key);
	return true;
}
