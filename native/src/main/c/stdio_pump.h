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
#include "loop.h"
#include "protocol.h"

#define CHUNK 65536u
#define SINKS_PER_OUTPUT 4u

struct output;
struct input;
struct log_writer;

/* One consumer of an output. Configured ones live in the output, those of attached clients in the
 * attach table. */
struct sink {
  uint32_t kind; /* enum sink_kind */
  bool used;
  bool back_pressure;
  bool is_socket;    /* written by send(MSG_DONTWAIT): its description belongs to a client */
  bool small_writes; /* a blocking description: at most PIPE_BUF after a poll */
  struct watch watch;
  uint32_t taken; /* bytes of the present chunk that it has */
  struct output *output;
  struct log_writer *log;
  uint8_t *lag; /* what a client without back-pressure is behind, LAG_MAX bytes */
  uint32_t lag_start, lag_end;
  struct timer linger; /* a FIFO that nobody has opened for reading yet */
  uint64_t linger_until;
  uint32_t linger_delay;
  void (*broken)(struct sink *sink, int error); /* told after it was taken out because it takes
                                                   nothing any more; must not touch any output */
  struct sink *next;
};

struct output {
  uint32_t stream;
  bool no_splice;
  bool large;   /* more than a little of the chunk's memory has been used */
  bool cut_off; /* read at most `cut_left` more bytes */
  uint32_t cut_left;
  struct watch source;
  uint8_t *chunk; /* CHUNK bytes, mapped at the first read */
  uint32_t filled;
  struct sink own[SINKS_PER_OUTPUT];
  struct sink *first;
  struct sink *hold; /* the SINK_OPEN that still waits for a client */
  struct timer hold_timer;
};

/* One provider of input. */
struct source {
  bool used;
  bool is_socket;
  bool keep_open;                 /* its end does not end the process's input */
  uint8_t keys[ATTACH_KEYS_MAX];  /* what ends it when it is typed */
  uint8_t keys_count, keys_typed; /* so many; of which the last ones read were the first so many,
                                     and are held back */
  void (*detached)(struct source *source);
  struct watch watch;
  struct input *input;
  struct source *next;
};

struct input {
  bool wanted; /* the process has an input that is fed */
  bool terminal;
  bool ending; /* close as soon as the buffer is empty */
  bool no_splice;
  struct watch target;
  uint8_t *buffer;
  uint32_t start, end;
  struct source fifo;
  int hold;          /* a write end of the FIFO, until CLOSE_STDIN */
  int late;          /* O_PATH of a FIFO that is opened once the process runs; -1 */
  bool closed_early; /* CLOSE_STDIN came before that */
  struct timer writer_awaited;
  struct source *first;
  struct timer again; /* continues with a source that is a regular file */
};

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
  uint64_t last_read; /* monotonic */
};

void stdio_init(struct stdio *stdio);
/* Adds a sink that a plan names; the descriptors are duplicated. */
int stdio_add_sink(struct stdio *stdio, const struct step_sink *sink, const char *name,
                   const int *fds, struct failure *failure);
/* Makes the pipes. */
int stdio_make_pipes(struct stdio *stdio, struct failure *failure);
/* After the clone: the child has its ends. */
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
/* The process is dead: bounded draining begins. */
void stdio_process_exited(struct stdio *stdio);
void stdio_drop_output(struct stdio *stdio);
/* Nobody is to read that output (1, 2) any more: what lies in it is taken, then its writer hears
 * of it. */
void stdio_hang_up(struct stdio *stdio, uint32_t stream);
/* Closes all, at once. */
void stdio_destroy(struct stdio *stdio);
/* Called by the outputs when the last of them has ended. */
void stdio_drained(struct stdio *stdio);

#endif
