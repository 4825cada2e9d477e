/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small HTTP server, for a tool's main loop: it never waits, and nobody can
 * make it grow. So many connections at most, so much memory and so many seconds
 * each, however slowly a client writes or reads; one request a connection.
 */
#ifndef VFIOSCOPE_WEB_H
#define VFIOSCOPE_WEB_H

#include <stddef.h>

struct web;

struct web_answer {
	unsigned int status; /* as of HTTP */
	const char *type;
	char *body; /* malloc()ed; it is given away */
	size_t size;
};

/* Of a GET or HEAD: the path, and the Accept: header, NULL if there is none. */
typedef void (*web_ask)(void *arg, const char *path, const char *accept,
			struct web_answer *answer);

/* @address: HOST:PORT, [HOST]:PORT, or :PORT for every address of the machine.
 * NULL: cannot, it was said.
 */
struct web *web_open(const char *address, web_ask ask, void *arg);
int web_fd(const struct web *web);
/* ms until web_serve() is due whatever the fd says, -1: never. */
int web_timeout(struct web *web);
void web_serve(struct web *web);
void web_close(struct web *web);

#endif /* VFIOSCOPE_WEB_H */
