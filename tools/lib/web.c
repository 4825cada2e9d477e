// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small HTTP server on libmicrohttpd, which has a thread of its own only if
 * asked to: here it is driven through its epoll fd.
 *
 * Its own timeout is for connections where nothing happens. One that trickles
 * is ended by the time it has altogether, for which every connection has a
 * place here from when it was accepted. When nearly all places are taken, the
 * one longest here is ended for each that comes: whoever asks and reads at once
 * is answered, however many others do not.
 */
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "tool.h"
#include "web.h"

#define CONNECTIONS  256
#define CROWD	     224   /* from here on one has to go for each that comes */
#define BYTES_EACH   16384 /* of a request, and of an answer's headers */
#define IDLE_SECONDS 5
#define TOTAL_NS     (10 * NS_PER_S)
#define BACKLOG	     128

struct place {
	int fd; /* -1: free */
	uint64_t until_ns;
};

struct web {
	struct MHD_Daemon *daemon;
	web_ask ask;
	void *arg;
	struct place places[CONNECTIONS];
	int taken; /* of them */
};

/* The daemon closes it when it sees that; until then it is not the oldest. */
static void hang_up(struct place *place)
{
	shutdown(place->fd, SHUT_RDWR);
	place->until_ns = now_ns() + TOTAL_NS;
}

static struct place *oldest(struct web *web)
{
	struct place *found = NULL;

	for (int i = 0; i < CONNECTIONS; i++) {
		struct place *place = &web->places[i];

		if (place->fd >= 0 &&
		    (!found || place->until_ns < found->until_ns))
			found = place;
	}
	return found;
}

static void on_connection(void *cls, struct MHD_Connection *connection,
			  void **context, enum MHD_ConnectionNotificationCode c)
{
	const union MHD_ConnectionInfo *info;
	struct place *place = *context;
	struct web *web = cls;

	if (c == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (place) {
			place->fd = -1;
			web->taken--;
		}
		return;
	}
	if (web->taken >= CROWD)
		hang_up(oldest(web));
	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CONNECTION_FD);
	for (int i = 0; info && i < CONNECTIONS; i++) {
		if (web->places[i].fd >= 0)
			continue;
		web->places[i].fd = info->connect_fd;
		web->places[i].until_ns = now_ns() + TOTAL_NS;
		*context = &web->places[i];
		web->taken++;
		return;
	}
}

/* Gives @answer's body away. */
static enum MHD_Result reply(struct MHD_Connection *connection,
			     const struct web_answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	response = MHD_create_response_from_buffer(answer->size, answer->body,
						   MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(answer->body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				answer->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					"GET, HEAD");
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection,
			      unsigned int status, const char *words)
{
	struct web_answer answer = {
		.status = status,
		.type = "text/plain; charset=utf-8",
		.body = strdup(words),
		.size = strlen(words),
	};

	return answer.body ? reply(connection, &answer) : MHD_NO;
}

/* Called when the headers are there, and again when the request is. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *data_size, void **context)
{
	static int seen;
	struct web_answer answer = {};
	struct web *web = cls;

	(void)version;
	(void)data;
	if (strcmp(method, MHD_HTTP_METHOD_GET) &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD))
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			      "GET and HEAD alone\n");
	if (!*context) {
		*context = &seen;
		return MHD_YES;
	}
	if (*data_size) {
		*data_size = 0; /* nobody asked for a body */
		return MHD_YES;
	}
	web->ask(web->arg, url,
		 MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_ACCEPT),
		 &answer);
	if (!answer.body)
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			      "out of memory\n");
	return reply(connection, &answer);
}

/* getaddrinfo() takes any number, and leaves of it what fits. */
static bool is_port(const char *port)
{
	unsigned long number;
	char *end;

	if (*port < '0' || *port > '9')
		return *port;
	number = strtoul(port, &end, 10);
	return !*end && number > 0 && number <= UINT16_MAX;
}

/* HOST:PORT into its two parts; false: it is not that. */
static bool split(char *address, const char **host, const char **port)
{
	char *colon = strrchr(address, ':'), *end;

	if (!colon || !is_port(colon + 1))
		return false;
	*colon = '\0';
	*port = colon + 1;
	*host = *address ? address : NULL;
	if (*address == '[') {
		end = strchr(address, ']');
		if (!end || end[1])
			return false;
		*end = '\0';
		*host = address + 1;
	} else if (strchr(address, ':')) {
		return false;
	}
	return true;
}

static int listen_at(const struct addrinfo *at)
{
	int one = 1, zero = 0, err;
	int fd = socket(at->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (!bind(fd, at->ai_addr, at->ai_addrlen) && !listen(fd, BACKLOG))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Every address in one socket, where there is IPv6, else in the other. */
static int listen_to(const char *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE},
			*list = NULL;
	const char *host, *port;
	char copy[NI_MAXHOST + NI_MAXSERV];
	int fd = -1, ret;

	ret = snprintf(copy, sizeof(copy), "%s", address);
	if ((size_t)ret >= sizeof(copy) || !split(copy, &host, &port)) {
		tool_error("an address is HOST:PORT, [HOST]:PORT or :PORT, not "
			   "\"%s\"",
			   address);
		return -1;
	}
	ret = getaddrinfo(host, port, &hints, &list);
	if (ret) {
		tool_error("%s: %s", address, gai_strerror(ret));
		return -1;
	}
	for (int family = 0; family < 2 && fd < 0; family++)
		for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next)
			if ((at->ai_family == AF_INET6) == !family)
				fd = listen_at(at);
	freeaddrinfo(list);
	if (fd < 0)
		tool_error("cannot listen on %s: %s", address, strerror(-fd));
	return fd;
}

struct web *web_open(const char *address, web_ask ask, void *arg)
{
	struct web *web;
	int fd = listen_to(address);

	if (fd < 0)
		return NULL;
	web = calloc(1, sizeof(*web));
	if (!web) {
		tool_error("out of memory");
		close(fd);
		return NULL;
	}
	web->ask = ask;
	web->arg = arg;
	for (int i = 0; i < CONNECTIONS; i++)
		web->places[i].fd = -1;
	web->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, web,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)BYTES_EACH, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)IDLE_SECONDS, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, web, MHD_OPTION_END);
	if (web->daemon)
		return web;
	tool_error("cannot serve %s", address);
	close(fd);
	free(web);
	return NULL;
}

int web_fd(const struct web *web)
{
	return MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD)
		->epoll_fd;
}

int web_timeout(struct web *web)
{
	unsigned MHD_LONG_LONG ms;
	int timeout = -1;
	uint64_t at = now_ns();

	if (MHD_get_timeout(web->daemon, &ms) == MHD_YES)
		timeout = ms < IDLE_SECONDS * 1000 ? (int)ms
						   : IDLE_SECONDS * 1000;
	for (int i = 0; i < CONNECTIONS; i++) {
		const struct place *place = &web->places[i];
		int left = place->until_ns > at
				   ? (place->until_ns - at) / NS_PER_MS + 1
				   : 0;

		if (place->fd >= 0 && (timeout < 0 || left < timeout))
			timeout = left;
	}
	return timeout;
}

void web_serve(struct web *web)
{
	uint64_t at = now_ns();

	for (int i = 0; i < CONNECTIONS; i++) {
		struct place *place = &web->places[i];

		if (place->fd >= 0 && place->until_ns <= at)
			hang_up(place);
	}
	MHD_run(web->daemon);
}

void web_close(struct web *web)
{
	if (!web)
		return;
	MHD_stop_daemon(web->daemon);
	free(web);
}
