/* The input of a process: sources (FIFO, clients) → buffer → pipe or pty. */
#ifndef BERTH_INPUT_H
#define BERTH_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "protocol.h"

#define INPUT_BUFFER 65536u

struct input;

/* A provider of input: a FIFO, or a client. */
struct source {
  bool used;
  bool is_socket;
  bool waits; /* a description that blocks: it is looked at before each read */
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
  bool full;     /* a source has more than the target takes now */
  bool enlarged; /* the target is a larger pipe */
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

void input_init(struct input *input);
/* Says where the bytes go from now on; takes the descriptor. */
void input_set_target(struct input *input, int fd, bool terminal);
void source_open(struct source *source, int fd, bool keep_open);
void input_add_source(struct input *input, struct source *source);
/* For a terminal: these keys, typed in this order, are taken out, and `detached` is called, which
 * removes the source. */
void source_set_keys(struct source *source, const uint8_t *keys, uint32_t count,
                     void (*detached)(struct source *source));
void input_remove_source(struct input *input, struct source *source);
/* Ends the input once what is buffered has been written. */
void input_end(struct input *input);
/* The last write end that we held is closed: a FIFO that no one else has open has ended, which no
 * event may tell. */
void input_check_fifo(struct input *input);
/* The process runs: opens a FIFO that came as O_PATH. Its client, whose open waits for ours, then
 * starts to write; had it come earlier, it could read its own input to the end, and ask for
 * CLOSE_STDIN, before it knows the process to ask it for. */
void input_open_late(struct input *input);
/* Gives up everything at once, for the process is dead or does not read any more. */
void input_close(struct input *input);
void input_pump(struct input *input);

#endif
