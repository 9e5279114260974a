/*
 * Connections: who greets, who commands. At most one controller commands at a time; a newer epoch
 * deposes the older one. Requests are read only while every answer before has been taken by the
 * socket, so a peer that does not read slows itself.
 */
#ifndef BERTH_CONTROLLER_H
#define BERTH_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "wire.h"

struct process;

#define CONNECTIONS_MAX 160u /* every client, a controller, and some that greet */

enum connection_kind { CONNECTION_NEW, CONNECTION_CONTROLLER, CONNECTION_ATTACH };

struct connection {
  bool used;
  enum connection_kind kind;
  struct watch watch;
  struct timer greeting; /* who says nothing is not kept */
};

int controller_listen(int listener);
/* The socket that the first controller left with stage 0. */
int controller_adopt(int socket);

/* To the present controller; -1 with errno EAGAIN when it is full, ENOTCONN when there is none. */
int controller_send(const struct msg_header *header, const void *payload, const int *fds,
                    uint32_t fd_count);
/* Sends the exits and drains that the present controller has not heard of. */
void controller_notify(void);
/* The end of the output of a process that has been acknowledged before. */
void controller_tell_drained(struct process *process);
/* An answer that is not remembered. */
void reply(struct connection *connection, const struct packet *packet, const void *payload,
           uint32_t length);
void reply_failure(struct connection *connection, const struct packet *packet,
                   const struct failure *failure);
void connection_close(struct connection *connection);

/* A request of the controller; operations.c. */
void operation(struct connection *connection, struct packet *packet);
/* Descriptors that OP_FDS has brought and no plan has taken belong to a controller that has gone.
 */
void operations_reset(void);

#endif
