#ifndef CARRY_H
#define CARRY_H

#include <poll.h>
#include <stdint.h>

/*
 * Carries bytes between this process's own streams and pipes whose other end the container's
 * supervisor has. Terminals and files are used by this process alone: it is of the terminal's jobs,
 * is stopped with them, and nobody else waits while a file or a terminal makes it wait.
 */

#define CARRY_MAX 3 /* streams at most at once */
#define CARRY_ENTRIES (CARRY_MAX + 1)

/* Is told that streams have ended, with an errno if the output takes nothing any more. */
typedef void carry_ended(uint32_t streams, int error);

/* Begins with a LINE_STREAM_* (both outputs for one pipe, if they are the same file); takes the
 * descriptor. */
void carry_begin(uint32_t streams, int pipe, carry_ended *ended);

/* What is to be waited for: CARRY_ENTRIES, those without a descriptor below zero. */
void carry_await(struct pollfd *entries);

/* Moves what can be moved without waiting long, for entries that have become ready. */
void carry_move(const struct pollfd *entries);

#endif
