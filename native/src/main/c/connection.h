/*
 * Connections: a bounded table of sockets, whoever is behind them. At most one of them is the
 * controller's. What is read from them is the affair of whoever listens.
 */
#ifndef BERTH_CONNECTION_H
#define BERTH_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "fail.h"
#include "loop.h"
#include "wire.h"

#define CONNECTIONS_MAX 160u /* every client, a controller, and some that greet */

enum connection_kind { CONNECTION_NEW, CONNECTION_CONTROLLER, CONNECTION_ATTACH };

struct connection {
  bool used;
  enum connection_kind kind;
  struct watch watch;
  struct timer greeting;                            /* who says nothing is not kept */
  void (*on_closed)(struct connection *connection); /* told once; NULL: nobody */
};

/* Takes connections on from now on; `ready` is called when one of them has something to say. */
int connection_listen(int listener, void (*ready)(struct watch *watch, uint32_t events));
/* Takes on a socket that is connected already. */
int connection_adopt(int socket);
void connection_close(struct connection *connection);

/* Makes a connection the controller's. */
void controller_appoint(struct connection *connection);
/* The controller's connection; NULL when there is none. */
struct connection *controller_now(void);
/* Sends to the present controller; -1 with errno EAGAIN when its socket is full, ENOTCONN when
 * there is none. */
int controller_send(const struct msg_header *header, const void *payload, const int *fds,
                    uint32_t fd_count);

/* Answers a request; the answer is not remembered. */
void connection_reply(struct connection *connection, const struct packet *request,
                      const void *payload, uint32_t length);
void connection_reply_fds(struct connection *connection, const struct packet *request,
                          const void *payload, uint32_t length, const int *fds, uint32_t fd_count);
void connection_reply_failure(struct connection *connection, const struct packet *request,
                              const struct failure *failure);

#endif
