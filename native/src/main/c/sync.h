/*
 * The conversation between the supervisor and the clones that it launches, a packet for each word,
 * over a socketpair. The clones' side of it; the supervisor's is launch.c.
 */
#ifndef BERTH_SYNC_H
#define BERTH_SYNC_H

#include <stdint.h>

#include "fail.h"

/* What helper and child say (one packet each). */
enum sync_kind {
  SYNC_MAPS = 1,  /* helper: the user namespace is there, write its maps */
  SYNC_TIME,      /* helper: the time namespace is there, write its offsets */
  SYNC_BORN,      /* helper: value = pid of the child */
  SYNC_STOPPED,   /* child: at STEP_STOP, value = its number */
  SYNC_READY,     /* child: at STEP_READY */
  SYNC_EXECUTING, /* child: the next thing is execve; the end of the stream then says that it
                     succeeded */
  SYNC_CONSOLE,   /* child: its pty's master comes along */
  SYNC_FAILED,    /* a failure follows */
  SYNC_LISTENER,  /* child: value = its descriptor that listens to its filter */
};
struct sync_message {
  uint32_t kind;
  uint32_t value;
  struct failure failure; /* SYNC_FAILED only; the others send 8 bytes */
};
#define SYNC_SHORT 8u
#define SYNC_GO 0x4f47u /* what the supervisor answers: 4 bytes */

#define NOT_STARTED 127 /* what a child that did not get to execve ends with */

/*
 * Ends this process whatever a filter of the container makes of exit_group: where the call is
 * refused, C libraries loop or go on, and nobody would ever hear that the process is done.
 */
_Noreturn void sync_end(int status);
/* Says a word; ends the process when the supervisor has gone. */
void sync_send(int fd, uint32_t kind, uint32_t value);
void sync_send_failure(int fd, const struct failure *failure);
/* Waits for SYNC_GO; ends the process when the supervisor has gone. */
void sync_wait(int fd);

#endif
