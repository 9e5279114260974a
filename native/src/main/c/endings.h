/*
 * How processes end: their exit is recorded, told to the controller and to attached clients, and
 * their entry is kept until it has been acknowledged and nobody is promised anything more.
 */
#ifndef BERTH_ENDINGS_H
#define BERTH_ENDINGS_H

#include <signal.h>
#include <stdbool.h>

#include "process.h"

/* A new entry of the table; one that nobody needs any more makes room. NULL when there is none. */
struct process *endings_admit(const char *id, bool init);

/* Records and tells how a process ended that has been reaped. */
void endings_record(struct process *process, const siginfo_t *info);

/* Whether all that it wrote has been passed on, and every client that it was promised to has been
 * told of the end. */
bool endings_settled(const struct process *process);

/* Sends the exits and drains that the present controller has not heard of. */
void endings_tell(void);

#endif
