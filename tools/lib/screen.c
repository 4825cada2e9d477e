// SPDX-License-Identifier: GPL-2.0-only
/* The full screen, by ncurses. */
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "outside.h"
#include "screen.h"

#include <term.h> /* last: it defines words such as columns */

#define ESCAPE 27
#define DELETE 127

static SCREEN *terminal;
static int row;

bool screen_begin(void)
{
	int err;

	/* One that cannot move its cursor rolls: TERM=dumb. */
	if (setupterm(NULL, STDOUT_FILENO, &err) != OK || !cursor_address)
		return false;
	/* Not initscr(): it ends the program when TERM is unknown. */
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return false;
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	return true;
}

void screen_end(void)
{
	if (!terminal)
		return;
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

int screen_rows(void)
{
	return LINES;
}

int screen_columns(void)
{
	return COLS;
}

void screen_clear(void)
{
	erase();
	row = 0;
}

void screen_line(enum screen_style style, const char *text)
{
	static const attr_t attrs[] = {
		[SCREEN_PLAIN] = A_NORMAL,
		[SCREEN_TITLE] = A_BOLD,
		[SCREEN_HEADER] = A_REVERSE,
		[SCREEN_ALERT] = A_BOLD,
		[SCREEN_DIM] = A_DIM,
		[SCREEN_SELECTED] = A_REVERSE | A_BOLD,
	};

	char line[1024];

	if (row >= LINES)
		return;
	attrset(attrs[style]);
	if (style == SCREEN_HEADER || style == SCREEN_SELECTED)
		mvhline(row, 0, ' ', COLS);
	snprintf(line, sizeof(line), "%s", text);
	outside_cut(line, COLS);
	mvaddstr(row++, 0, line);
	attrset(A_NORMAL);
}

void screen_show(void)
{
	refresh();
}

int screen_key(void)
{
	int key = getch();

	switch (key) {
	case ERR:
		return -1;
	case KEY_UP:
		return SCREEN_UP;
	case KEY_DOWN:
		return SCREEN_DOWN;
	case KEY_PPAGE:
		return SCREEN_PAGE_UP;
	case KEY_NPAGE:
		return SCREEN_PAGE_DOWN;
	case KEY_HOME:
		return SCREEN_HOME;
	case KEY_END:
		return SCREEN_END;
	case KEY_ENTER:
	case '\r':
	case '\n':
		return SCREEN_ENTER;
	case KEY_BACKSPACE:
	case ESCAPE:
	case DELETE:
	case '\b':
		return SCREEN_BACK;
	default:
		return key;
	}
}
