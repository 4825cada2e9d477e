/* SPDX-License-Identifier: GPL-2.0-only */
/* The full screen, when there is one. */
#ifndef VFIOSCOPE_SCREEN_H
#define VFIOSCOPE_SCREEN_H

#include <stdbool.h>

enum screen_style {
	SCREEN_PLAIN,
	SCREEN_TITLE,
	SCREEN_HEADER,
	SCREEN_ALERT,
	SCREEN_DIM,
	SCREEN_SELECTED,
};

/* Keys that are no character. */
enum screen_special {
	SCREEN_UP = 0x10000,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_ENTER,
	SCREEN_BACK, /* escape and backspace */
};

bool screen_begin(void);
void screen_end(void);
int screen_rows(void);
int screen_columns(void);
/* A drawing begins with screen_clear and ends with screen_show. */
void screen_clear(void);
void screen_line(enum screen_style style, const char *text);
void screen_show(void);
/* A character or one of the above; -1: no key is waiting. */
int screen_key(void);

#endif /* VFIOSCOPE_SCREEN_H */
