/* One output of a process: source, present chunk, sinks. */
#ifndef BERTH_OUTPUT_H
#define BERTH_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

#define CHUNK 65536u
#define SINKS_PER_OUTPUT 4u
#define LAG_MAX (256u << 10)

struct log_writer;
struct output;

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
  bool large;    /* more than a little of the chunk's memory has been used of late */
  bool enlarged; /* the source is a larger pipe */
  bool cut_off; /* read at most `cut_left` more bytes */
  uint32_t cut_left;
  struct watch source;
  uint8_t *chunk; /* CHUNK bytes, mapped at the first read */
  uint32_t filled;
  struct sink own[SINKS_PER_OUTPUT];
  struct sink *first;
  struct sink *hold; /* the SINK_OPEN that still waits for a client */
  struct timer hold_timer;
  struct timer rest; /* looks whether the chunk's memory can be given back */
  bool timed;         /* the process has ended: the time of each read counts */
  uint64_t last_read; /* monotonic; 0: none since then */
  /* Told when the source has ended and no sink is left. */
  void (*on_closed)(struct output *output);
};

void output_init(struct output *output, uint32_t stream, void (*on_closed)(struct output *output));
/* Moves from the source to the sinks what can be moved without waiting. */
void output_pump(struct output *output);
/* Flushes and closes the sinks of an output whose source has ended or is given up, and reports. */
void output_finish(struct output *output);
/* Lets at most what lies in the pipe be read from now on. */
void output_cut_off(struct output *output);
void output_add_sink(struct output *output, struct sink *sink);
/* Takes a sink out and closes it, with what it has not taken. */
void output_remove_sink(struct output *output, struct sink *sink);
/* Nothing more is held: no sink used, no source. */
bool output_closed(const struct output *output);
/* Keeps what a SINK_OPEN holds for at least `milliseconds` more; without a call, for ever. */
void output_hold(struct output *output, uint64_t milliseconds);
/* The descriptor is a client's, or was opened by Java: finds out how it may be written without ever
 * blocking. */
void sink_open(struct sink *sink, uint32_t kind, int fd);

#endif
