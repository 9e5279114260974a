#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "pipe_size.h"
#include "supervisor.h"
#include "syscalls.h"

#define SPLICE_MAX (1u << 20)
#define ROUNDS_PER_EVENT 16
#define WRITER_AWAITED_MS 1000u    /* by an input whose end was asked for before it began */
#define END_OF_TRANSMISSION '\004' /* what VEOF is on a fresh pty */

static void target_ready(struct watch *watch, uint32_t events);
static void source_ready(struct watch *watch, uint32_t events);
static void continue_file(struct timer *timer);
static void no_writer_came(struct timer *timer);

void input_init(struct input *input) {
  memset(input, 0, sizeof *input);
  input->target.fd = -1;
  input->target.ready = target_ready;
  input->fifo.watch.fd = -1;
  input->hold = -1;
  input->late = -1;
  input->writer_awaited.fire = no_writer_came;
  input->again.fire = continue_file;
}

void source_open(struct source *source, int fd, bool keep_open) {
  memset(source, 0, sizeof *source);
  struct stat st;
  source->used = true;
  source->keep_open = keep_open;
  source->watch.fd = fd;
  source->watch.ready = source_ready;
  source->is_socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
  source->waits = !source->is_socket && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

static bool has_input(const struct source *source) {
  struct pollfd p = {.fd = source->watch.fd, .events = POLLIN};
  return poll(&p, 1, 0) != 0;
}

void source_set_keys(struct source *source, const uint8_t *keys, uint32_t count,
                     void (*detached)(struct source *source)) {
  memcpy(source->keys, keys, count);
  source->keys_count = (uint8_t)count;
  source->detached = detached;
}

void input_add_source(struct input *input, struct source *source) {
  source->input = input;
  source->next = input->first;
  input->first = source;
}

void input_remove_source(struct input *input, struct source *source) {
  for (struct source **p = &input->first; *p != NULL; p = &(*p)->next) {
    if (*p == source) {
      *p = source->next;
      break;
    }
  }
  watch_close(&source->watch);
  source->used = false;
}

static void watch_sources(struct input *input, uint32_t events) {
  for (struct source *s = input->first; s != NULL; s = s->next)
    watch_set(&s->watch, events);
}

void input_close(struct input *input) {
  timer_clear(&input->again);
  timer_clear(&input->writer_awaited);
  close_fd(&input->late);
  watch_close(&input->target);
  while (input->first != NULL)
    input_remove_source(input, input->first);
  close_fd(&input->hold);
  if (input->buffer != NULL)
    munmap(input->buffer, INPUT_BUFFER);
  input->buffer = NULL;
  input->start = input->end = 0;
}

static void finish(struct input *input) {
  input->ending = false;
  if (!input->terminal) {
    input_close(input);
    return;
  }
  /* A terminal has no end of its own: its line discipline makes one of this character. Others may
   * still type. */
  char end = END_OF_TRANSMISSION;
  ssize_t n = write(input->target.fd, &end, 1);
  (void)n;
}

void input_end(struct input *input) {
  input->ending = true;
  input_pump(input);
}

void input_set_target(struct input *input, int fd, bool terminal) {
  input->target.fd = fd;
  input->terminal = terminal;
}

enum moved { MOVED, MOVED_NOTHING, MOVED_END, MOVED_BLOCKED, MOVED_BROKEN, MOVED_DETACHED };

/* Writes what is buffered: MOVED when nothing is left. */
static enum moved write_buffer(struct input *input) {
  while (input->start < input->end) {
    ssize_t n = write(input->target.fd, input->buffer + input->start, input->end - input->start);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return MOVED_BLOCKED;
    if (n <= 0)
      return MOVED_BROKEN;
    input->start += (uint32_t)n;
  }
  input->start = input->end = 0;
  return MOVED;
}

static enum moved splice_some(struct input *input, struct source *source) {
  ssize_t n = splice(source->watch.fd, NULL, input->target.fd, NULL, SPLICE_MAX,
                     SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (n > 0)
    return MOVED;
  if (n == 0)
    return MOVED_END;
  if (errno == EPIPE)
    return MOVED_BROKEN;
  if (errno != EAGAIN) {
    input->no_splice = true;
    return MOVED_NOTHING;
  }
  /* That says either "no input" or "pipe full". What does not tell how much it has is read by
   * hand. */
  int waiting = 0;
  if (ioctl(source->watch.fd, FIONREAD, &waiting) < 0 || waiting <= 0)
    return MOVED_NOTHING;
  pipe_enlarge(input->target.fd, &input->enlarged);
  input->full = true;
  return MOVED_BLOCKED;
}

/*
 * Of one byte more after `typed` that match: how many of the keys' first ones the bytes now end
 * with.
 */
static uint32_t keys_after(const struct source *source, uint32_t typed, uint8_t byte) {
  for (uint32_t length = typed + 1; length > 0; length--)
    if (source->keys[length - 1] == byte &&
        memcmp(source->keys, source->keys + typed + 1 - length, length - 1) == 0)
      return length;
  return 0;
}

/*
 * Takes the `count` bytes at `buffer + ATTACH_KEYS_MAX` and leaves those to be passed on between
 * `start` and `end`. What may be the begin of the keys is held back. True when they are complete;
 * what follows them is dropped.
 */
static bool filter_keys(struct input *input, struct source *source, uint32_t count) {
  const uint8_t *in = input->buffer + ATTACH_KEYS_MAX;
  /* `out` is never ahead of what was read, for at most the held bytes and as many as were read are
   * passed on. */
  uint8_t *out = input->buffer + ATTACH_KEYS_MAX - source->keys_typed;
  input->start = (uint32_t)(out - input->buffer);
  uint32_t typed = source->keys_typed;
  for (uint32_t i = 0; i < count && typed < source->keys_count; i++) {
    uint8_t byte = in[i];
    uint32_t now = keys_after(source, typed, byte);
    uint32_t passed = typed + 1 - now;
    for (uint32_t k = 0; k < passed; k++)
      *out++ = k < typed ? source->keys[k] : byte;
    typed = now;
  }
  source->keys_typed = (uint8_t)typed;
  input->end = (uint32_t)(out - input->buffer);
  return typed == source->keys_count;
}

static enum moved read_some(struct input *input, struct source *source) {
  if (source->waits && !has_input(source))
    return MOVED_NOTHING;
  if (!input->no_splice && !input->terminal && !source->is_socket) {
    enum moved moved = splice_some(input, source);
    if (moved != MOVED_NOTHING)
      return moved;
  }
  if (input->buffer == NULL) {
    void *p = mmap(NULL, INPUT_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
      return MOVED_NOTHING;
    input->buffer = p;
  }
  uint32_t room = source->keys_count > 0 ? ATTACH_KEYS_MAX : 0;
  uint8_t *into = input->buffer + room;
  ssize_t n;
  do {
    n = source->is_socket ? recv(source->watch.fd, into, INPUT_BUFFER - room, MSG_DONTWAIT)
                          : read(source->watch.fd, into, INPUT_BUFFER - room);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN)
    return MOVED_NOTHING;
  if (n <= 0)
    return MOVED_END;
  if (source->keys_count > 0) {
    bool detached = filter_keys(input, source, (uint32_t)n);
    enum moved moved = write_buffer(input);
    return detached && moved != MOVED_BROKEN ? MOVED_DETACHED : moved;
  }
  input->start = 0;
  input->end = (uint32_t)n;
  return write_buffer(input);
}

static void source_ended(struct input *input, struct source *source) {
  bool ends = !source->keep_open;
  input_remove_source(input, source);
  if (ends)
    input->ending = true;
}

/* Pumps one source until it has nothing, the target is full, or others should have a turn. */
static void pump_source(struct input *input, struct source *source) {
  for (int round = 0; round < ROUNDS_PER_EVENT; round++) {
    switch (read_some(input, source)) {
    case MOVED:
      continue;
    case MOVED_NOTHING:
      return;
    case MOVED_END:
      source_ended(input, source);
      return;
    case MOVED_BLOCKED:
      return;
    case MOVED_DETACHED:
      source->detached(source);
      return;
    case MOVED_BROKEN:
      input_close(input);
      return;
    }
  }
}

void input_pump(struct input *input) {
  if (input->target.fd < 0)
    return;
  enum moved moved = write_buffer(input);
  if (moved == MOVED_BROKEN) {
    input_close(input);
    return;
  }
  if (moved == MOVED_BLOCKED || input->full) {
    watch_sources(input, 0);
    watch_set(&input->target, EPOLLOUT);
    return;
  }
  if (input->ending) {
    /* What a FIFO still holds comes before the end. */
    if (input->fifo.used)
      pump_source(input, &input->fifo);
    if (input->target.fd >= 0 && input->start == input->end && !input->fifo.used)
      finish(input);
    if (input->target.fd < 0)
      return;
  }
  watch_set(&input->target, 0);
  watch_sources(input, EPOLLIN);
  for (struct source *s = input->first; s != NULL; s = s->next)
    if (s->watch.always_ready)
      timer_set(&input->again, 0);
}

static void target_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct input *input = container_of(watch, struct input, target);
  input->full = false;
  input_pump(input);
}

static void source_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct source *source = container_of(watch, struct source, watch);
  struct input *input = source->input;
  if (input->target.fd >= 0 && input->start == input->end)
    pump_source(input, source);
  input_pump(input);
}

static void continue_file(struct timer *timer) {
  struct input *input = container_of(timer, struct input, again);
  for (struct source *s = input->first; s != NULL; s = s->next) {
    if (s->watch.always_ready) {
      source_ready(&s->watch, 0);
      return;
    }
  }
}

void input_check_fifo(struct input *input) {
  if (input->target.fd >= 0 && input->start == input->end)
    source_ready(&input->fifo.watch, 0);
}

void input_open_late(struct input *input) {
  if (input->late < 0)
    return;
  int fd = supervisor_reopen(input->late, O_RDONLY | O_NONBLOCK);
  if (fd >= 0 && !input->closed_early)
    input->hold = supervisor_reopen(input->late, O_WRONLY | O_NONBLOCK);
  close_fd(&input->late);
  if (fd < 0) {
    input_end(input); /* the client has taken its FIFO away: nothing will come */
    return;
  }
  source_open(&input->fifo, fd, false);
  input_add_source(input, &input->fifo);
  /* Not pumped now: a FIFO without a writer reads as ended. epoll tells of data, and of a writer
   * that came and went. */
  watch_set(&input->fifo.watch, EPOLLIN);
  if (input->closed_early)
    timer_set(&input->writer_awaited, WRITER_AWAITED_MS);
}

static void no_writer_came(struct timer *timer) {
  struct input *input = container_of(timer, struct input, writer_awaited);
  if (input->fifo.used)
    input_check_fifo(input);
}
