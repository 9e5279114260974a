/*
 * Standard streams. The supervisor holds the far ends of a process's pipes, or its pty's master,
 * and moves bytes: outputs to any number of sinks, each by its own rule, and input from a FIFO or
 * from attached clients.
 *
 * Back-pressure: a chunk is read only when every sink that may hold the process has taken the one
 * before. One chunk is all that is ever buffered for an output; an attached client without
 * back-pressure has a bounded buffer of its own.
 */
#ifndef BERTH_STDIO_PUMP_H
#define BERTH_STDIO_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "fail.h"
#include "input.h"
#include "loop.h"
#include "output.h"
#include "protocol.h"

struct stdio {
  bool terminal;
  bool drained;
  bool exited;
  uint16_t rows, columns;
  int master;        /* the pty's, for its size; -1 */
  int child_ends[3]; /* until the clone; -1 = /dev/null */
  struct input input;
  struct output outputs[2];
  struct timer after_exit;
  uint64_t exited_at; /* monotonic */
  /* Told once, after the process has ended and all that it wrote has been passed on. */
  void (*on_drained)(struct stdio *stdio);
};

void stdio_init(struct stdio *stdio, void (*on_drained)(struct stdio *stdio));
/* Adds a sink that a plan names; the descriptors are duplicated. */
int stdio_add_sink(struct stdio *stdio, const struct step_sink *sink, const char *name,
                   const int *fds, struct failure *failure);
/* Makes the pipes. */
int stdio_make_pipes(struct stdio *stdio, struct failure *failure);
/* Closes the ends that the child has inherited; called after the clone. */
void stdio_close_child_ends(struct stdio *stdio);
/* Starts pumping what is a pipe; a terminal starts with its master. */
void stdio_start(struct stdio *stdio);
/* The process runs its own program now: outputs wait for a client from here on, for a bounded time.
 */
void stdio_running(struct stdio *stdio, uint64_t milliseconds);
/* Takes the descriptor, on failure too. */
int stdio_set_master(struct stdio *stdio, int master, struct failure *failure);
void stdio_resize(struct stdio *stdio, uint16_t rows, uint16_t columns);
void stdio_close_stdin(struct stdio *stdio);
/* Begins to drain the outputs of a process that is dead, for a bounded time. */
void stdio_process_exited(struct stdio *stdio);
void stdio_drop_output(struct stdio *stdio);
/* Nobody is to read that output (1, 2) any more: what lies in it is taken, then its writer hears
 * of it. */
void stdio_hang_up(struct stdio *stdio, uint32_t stream);
/* Closes all, at once. */
void stdio_destroy(struct stdio *stdio);
#endif
