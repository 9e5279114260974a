/*
 * Attached clients: they come with a one-time token, hand over their own descriptors, and the pump
 * moves the bytes. They are told of the exit and of the end of the output, then let go.
 */
#ifndef BERTH_ATTACH_H
#define BERTH_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"
#include "process.h"

/* Carries out OP_TOKEN: one client may come with this token. */
int attach_allow(struct process *process, const struct token_request *request,
                 struct failure *failure);
/* Takes a token at the greeting: EACCES when it is not (or no more) valid, EUSERS when only a place
 * lacks; the token is good for another try then. */
int attach_greet(struct connection *connection, const uint8_t token[32], struct failure *failure);
/* Whether a client of this process is still to be told of its end: it has a valid token, or is
 * there. */
bool attach_expected(const struct process *process);
/* How long the outputs of a process that begins to run wait for a client. */
uint64_t attach_hold_ms(const struct process *process);
void attach_operation(struct connection *connection, struct packet *packet);
void attach_connection_gone(struct connection *connection);
/* Tells the clients of a process that it has ended, or that its output has. */
void attach_notify_exit(struct process *process);
/* Forgets the clients and tokens of a process whose entry goes. */
void attach_process_gone(struct process *process);

#endif
