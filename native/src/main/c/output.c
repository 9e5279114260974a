#include "output.h"

#include <errno.h>
#include <limits.h>
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
#include "log_sink.h"
#include "pipe_size.h"
#include "protocol.h"
#include "supervisor.h"
#include "syscalls.h"

#define ROUNDS_PER_EVENT 16 /* then others have their turn */
#define SPLICE_MAX (1u << 20)
#define SMALL 8192u
#define REST_MS 1000u
#define LINGER_EMPTY_MS 10000u /* an empty FIFO that nobody opens is not waited for longer */
#define LINGER_FIRST_MS 2u
#define LINGER_LAST_MS 500u

static void source_ready(struct watch *watch, uint32_t events);
static void sink_ready(struct watch *watch, uint32_t events);
static void hold_over(struct timer *timer);
static void rest_begins(struct timer *timer);
static void linger_again(struct timer *timer);

void output_init(struct output *output, uint32_t stream, void (*on_closed)(struct output *output)) {
  memset(output, 0, sizeof *output);
  output->stream = stream;
  output->source.fd = -1;
  output->source.ready = source_ready;
  output->on_closed = on_closed;
  output->hold_timer.fire = hold_over;
  output->rest.fire = rest_begins;
  for (unsigned i = 0; i < SINKS_PER_OUTPUT; i++)
    output->own[i].watch.fd = -1;
}

void sink_open(struct sink *sink, uint32_t kind, int fd) {
  memset(sink, 0, sizeof *sink);
  sink->used = true;
  sink->kind = kind;
  sink->watch.fd = fd;
  sink->watch.ready = sink_ready;
  sink->linger.fire = linger_again;
  sink->back_pressure = kind == SINK_FIFO || kind == SINK_PIPE;
  if (fd < 0)
    return;
  struct stat st;
  if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
    return;
  sink->is_socket = S_ISSOCK(st.st_mode);
  int flags = fcntl(fd, F_GETFL);
  sink->small_writes = !sink->is_socket && (flags & O_NONBLOCK) == 0;
}

void output_add_sink(struct output *output, struct sink *sink) {
  sink->output = output;
  sink->taken = output->filled;
  sink->next = output->first;
  output->first = sink;
}

static void sink_close(struct sink *sink) {
  timer_clear(&sink->linger);
  watch_close(&sink->watch);
  if (sink->log != NULL)
    log_close(sink->log);
  sink->log = NULL;
  if (sink->lag != NULL)
    munmap(sink->lag, LAG_MAX);
  sink->lag = NULL;
  sink->used = false;
}

void output_remove_sink(struct output *output, struct sink *sink) {
  for (struct sink **p = &output->first; *p != NULL; p = &(*p)->next) {
    if (*p == sink) {
      *p = sink->next;
      break;
    }
  }
  if (output->hold == sink) {
    output->hold = NULL;
    timer_clear(&output->hold_timer);
  }
  sink_close(sink);
}

static void sink_broke(struct output *output, struct sink *sink, int error) {
  output_remove_sink(output, sink);
  if (sink->broken != NULL)
    sink->broken(sink, error);
}

bool output_closed(const struct output *output) {
  return output->source.fd < 0 && output->first == NULL;
}

/* Writes without ever blocking: >0 taken, 0 full, -1 the other side is gone or broken (errno). */
static ssize_t write_now(struct sink *sink, const uint8_t *bytes, size_t length) {
  ssize_t n;
  if (sink->small_writes) {
    /* A blocking description that could not be opened anew: one PIPE_BUF is taken whole when poll
     * says so. */
    struct pollfd p = {.fd = sink->watch.fd, .events = POLLOUT};
    if (poll(&p, 1, 0) <= 0)
      return 0;
    length = length > PIPE_BUF ? PIPE_BUF : length;
  }
  do {
    n = sink->is_socket ? send(sink->watch.fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                        : write(sink->watch.fd, bytes, length);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN)
    return 0;
  return n;
}

/* Tries to bring a lagging client up to date. Returns -1 when it is gone. */
static int lag_flush(struct sink *sink) {
  while (sink->lag_start < sink->lag_end) {
    ssize_t n = write_now(sink, sink->lag + sink->lag_start, sink->lag_end - sink->lag_start);
    if (n < 0)
      return -1;
    if (n == 0)
      return watch_set(&sink->watch, EPOLLOUT);
    sink->lag_start += (uint32_t)n;
  }
  sink->lag_start = sink->lag_end = 0;
  return watch_set(&sink->watch, 0);
}

static int lag_add(struct sink *sink, const uint8_t *bytes, uint32_t length) {
  if (sink->lag == NULL) {
    void *p = mmap(NULL, LAG_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
      return -1;
    sink->lag = p;
  }
  if (sink->lag_end - sink->lag_start + length > LAG_MAX) {
    errno = ENOBUFS; /* too slow: dropped */
    return -1;
  }
  if (sink->lag_end + length > LAG_MAX) {
    memmove(sink->lag, sink->lag + sink->lag_start, sink->lag_end - sink->lag_start);
    sink->lag_end -= sink->lag_start;
    sink->lag_start = 0;
  }
  memcpy(sink->lag + sink->lag_end, bytes, length);
  sink->lag_end += length;
  return watch_set(&sink->watch, EPOLLOUT);
}

static void deliver_to_file(struct sink *sink, const uint8_t *bytes, uint32_t length) {
  while (length > 0) {
    ssize_t n = write(sink->watch.fd, bytes, length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      supervisor.log_dropped += length;
      return;
    }
    bytes += n;
    length -= (uint32_t)n;
  }
}

static int deliver_to_stream(struct sink *sink) {
  struct output *output = sink->output;
  if (sink->lag_end > sink->lag_start) {
    int late = lag_add(sink, output->chunk + sink->taken, output->filled - sink->taken);
    sink->taken = output->filled;
    return late;
  }
  while (sink->taken < output->filled) {
    ssize_t n = write_now(sink, output->chunk + sink->taken, output->filled - sink->taken);
    if (n < 0)
      return -1;
    if (n > 0) {
      sink->taken += (uint32_t)n;
      continue;
    }
    if (sink->back_pressure)
      return watch_set(&sink->watch, EPOLLOUT);
    int late = lag_add(sink, output->chunk + sink->taken, output->filled - sink->taken);
    sink->taken = output->filled;
    return late;
  }
  return watch_set(&sink->watch, 0);
}

/* Gives a sink the rest of the chunk. Returns -1 when the sink is to be removed. */
static int deliver(struct sink *sink) {
  struct output *output = sink->output;
  const uint8_t *bytes = output->chunk + sink->taken;
  uint32_t length = output->filled - sink->taken;
  if (length == 0)
    return 0;
  switch (sink->kind) {
  case SINK_LOG:
    log_write(sink->log, output->stream, bytes, length);
    break;
  case SINK_FILE:
    if (sink->small_writes || sink->is_socket || fcntl(sink->watch.fd, F_GETFL) & O_NONBLOCK)
      return deliver_to_stream(sink); /* a device or a pipe behind a file's name */
    deliver_to_file(sink, bytes, length);
    break;
  case SINK_OPEN:
    if (output->hold == sink)
      return 0; /* waits for a client */
    break;
  case SINK_FIFO:
  case SINK_PIPE:
    return deliver_to_stream(sink);
  default:
    break;
  }
  sink->taken = output->filled;
  return 0;
}

/* Returns true when every sink has the whole chunk. */
static bool deliver_all(struct output *output) {
  bool all = true;
  for (struct sink *sink = output->first, *next; sink != NULL; sink = next) {
    next = sink->next;
    if (deliver(sink) < 0)
      sink_broke(output, sink, errno);
    else if (sink->taken < output->filled)
      all = false;
  }
  return all;
}

/* The only sink, when it can be spliced to. */
static struct sink *splice_sink(struct output *output) {
  struct sink *only = NULL;
  for (struct sink *sink = output->first; sink != NULL; sink = sink->next) {
    if (sink->kind == SINK_OPEN && output->hold != sink)
      continue; /* takes nothing more */
    if (only != NULL)
      return NULL;
    only = sink;
  }
  if (output->no_splice || only == NULL || !only->back_pressure || only->is_socket ||
      only->small_writes || only->linger.at != 0)
    return NULL;
  return only->kind == SINK_FIFO || only->kind == SINK_PIPE ? only : NULL;
}

/* Every sink is through with the chunk, or it is given up. */
static void clear_chunk(struct output *output) {
  output->filled = 0;
  for (struct sink *sink = output->first; sink != NULL; sink = sink->next)
    sink->taken = 0;
}

enum moved { MOVED, MOVED_NOTHING, MOVED_END, MOVED_BLOCKED };

static enum moved splice_some(struct output *output, struct sink *sink) {
  ssize_t n = splice(output->source.fd, NULL, sink->watch.fd, NULL, SPLICE_MAX,
                     SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (n >= PIPE_USUAL)
    pipe_enlarge(output->source.fd, &output->enlarged);
  if (n > 0)
    return MOVED;
  if (n == 0)
    return MOVED_END;
  if (errno == EAGAIN) {
    int waiting = 0;
    if (ioctl(output->source.fd, FIONREAD, &waiting) == 0 && waiting > 0) {
      watch_set(&sink->watch, EPOLLOUT);
      return MOVED_BLOCKED;
    }
    return MOVED_NOTHING;
  }
  if (errno == EPIPE) {
    sink_broke(output, sink, EPIPE);
    return MOVED;
  }
  output->no_splice = true;
  return MOVED;
}

static enum moved read_chunk(struct output *output) {
  if (output->chunk == NULL) {
    void *p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
      return MOVED_NOTHING;
    output->chunk = p;
  }
  uint32_t want = output->cut_off && output->cut_left < CHUNK ? output->cut_left : CHUNK;
  ssize_t n;
  do {
    n = want == 0 ? 0 : read(output->source.fd, output->chunk, want);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN)
    return MOVED_NOTHING;
  if (n <= 0)
    return MOVED_END; /* EIO: a pty whose last user has gone */
  output->cut_left -= output->cut_off ? (uint32_t)n : 0;
  output->filled = (uint32_t)n;
  output->large = output->large || n > (ssize_t)SMALL;
  if (n == CHUNK && CHUNK >= PIPE_USUAL)
    pipe_enlarge(output->source.fd, &output->enlarged);
  return MOVED;
}

void output_pump(struct output *output) {
  if (output->source.fd < 0 && output->filled == 0)
    return;
  for (int round = 0; round < ROUNDS_PER_EVENT; round++) {
    if (!deliver_all(output)) {
      watch_set(&output->source, 0); /* a sink's readiness goes on from here */
      return;
    }
    clear_chunk(output);
    if (output->source.fd < 0) {
      output_finish(output);
      return;
    }
    struct sink *direct = output->cut_off ? NULL : splice_sink(output);
    enum moved moved = direct != NULL ? splice_some(output, direct) : read_chunk(output);
    if (moved == MOVED) {
      output->last_read = output->timed ? monotonic_now() : 0;
      continue;
    }
    if (moved == MOVED_BLOCKED) {
      watch_set(&output->source, 0);
      return;
    }
    if (moved == MOVED_END || output->cut_off) {
      output_finish(output);
      return;
    }
    if (output->large && output->rest.at == 0)
      timer_set(&output->rest, REST_MS);
    break;
  }
  watch_set(&output->source, EPOLLIN);
}

/* The memory that a burst has used is given back once there is no other, for an idle supervisor
 * should cost nearly nothing. */
static void rest_begins(struct timer *timer) {
  struct output *output = container_of(timer, struct output, rest);
  if (output->large || output->filled > 0) {
    output->large = false;
    timer_set(timer, REST_MS);
  } else if (output->chunk != NULL) {
    madvise(output->chunk, CHUNK, MADV_DONTNEED);
  }
}

static void source_ready(struct watch *watch, uint32_t events) {
  (void)events;
  output_pump(container_of(watch, struct output, source));
}

static void sink_ready(struct watch *watch, uint32_t events) {
  struct sink *sink = container_of(watch, struct sink, watch);
  struct output *output = sink->output;
  if (sink->lag_end > sink->lag_start) {
    if (lag_flush(sink) < 0)
      sink_broke(output, sink, errno);
    if (output->source.fd < 0 && output->filled == 0)
      output_finish(output);
    return;
  }
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 && sink->taken >= output->filled &&
      (events & EPOLLOUT) == 0) {
    sink_broke(output, sink, EPIPE);
    output_pump(output);
    return;
  }
  watch_set(&sink->watch, 0);
  output_pump(output);
}

/*
 * A client opens its end of a FIFO when it likes, perhaps only after a short-lived process has
 * ended, and it waits for the end of the stream before it deletes. So the last write end is closed
 * only once somebody reads: data in a FIFO without any open end would be lost, and a late open
 * would wait for ever. A write end without reader shows POLLERR.
 */
static bool fifo_has_reader(int write_end) {
  struct pollfd p = {.fd = write_end, .events = 0};
  return poll(&p, 1, 0) == 0 || (p.revents & POLLERR) == 0;
}

static bool fifo_may_close(struct sink *sink) {
  int flags = fcntl(sink->watch.fd, F_GETFL);
  if (flags < 0)
    return true;
  if ((flags & O_ACCMODE) == O_RDWR) {
    /* Our own read side hides whether there is another one. */
    int write_end = supervisor_reopen(sink->watch.fd, O_WRONLY | O_NONBLOCK);
    if (write_end < 0)
      return true;
    watch_close(&sink->watch);
    sink->watch.fd = write_end;
  }
  if (fifo_has_reader(sink->watch.fd))
    return true;
  int waiting = 0;
  if (ioctl(sink->watch.fd, FIONREAD, &waiting) < 0)
    waiting = 0;
  return waiting == 0 && monotonic_now() >= sink->linger_until;
}

static void linger_again(struct timer *timer) {
  struct sink *sink = container_of(timer, struct sink, linger);
  struct output *output = sink->output;
  if (fifo_may_close(sink)) {
    output_remove_sink(output, sink);
    if (output_closed(output))
      output->on_closed(output);
    return;
  }
  sink->linger_delay =
      sink->linger_delay * 2 > LINGER_LAST_MS ? LINGER_LAST_MS : sink->linger_delay * 2;
  timer_set(timer, sink->linger_delay);
}

void output_finish(struct output *output) {
  watch_close(&output->source);
  if (output->filled > 0 && !deliver_all(output))
    return; /* comes again when the slow sink has taken its rest */
  clear_chunk(output);
  timer_clear(&output->rest);
  if (output->chunk != NULL)
    munmap(output->chunk, CHUNK);
  output->chunk = NULL;
  for (struct sink *sink = output->first, *next; sink != NULL; sink = next) {
    next = sink->next;
    if (sink->lag_end > sink->lag_start)
      continue; /* a client that is behind; it has LAG_MAX at most */
    if (sink->linger.at != 0)
      continue;
    if (sink->log != NULL)
      log_flush(sink->log, output->stream);
    if (sink->kind == SINK_FIFO && sink->linger_until == 0) {
      watch_set(&sink->watch, 0);
      sink->linger_until = monotonic_now() + LINGER_EMPTY_MS * 1000000ull;
      if (!fifo_may_close(sink)) {
        sink->linger_delay = LINGER_FIRST_MS;
        timer_set(&sink->linger, LINGER_FIRST_MS);
        continue;
      }
    }
    output_remove_sink(output, sink);
  }
  if (output_closed(output))
    output->on_closed(output);
}

void output_cut_off(struct output *output) {
  if (output->source.fd < 0 || output->cut_off)
    return;
  int waiting = 0;
  if (ioctl(output->source.fd, FIONREAD, &waiting) < 0 || waiting < 0)
    waiting = 0;
  output->cut_off = true;
  output->cut_left = (uint32_t)waiting;
  output_pump(output);
}

static void hold_over(struct timer *timer) {
  struct output *output = container_of(timer, struct output, hold_timer);
  output->hold = NULL;
  output_pump(output);
}

void output_hold(struct output *output, uint64_t milliseconds) {
  uint64_t until = monotonic_now() + milliseconds * 1000000u;
  if (output->hold != NULL && output->hold_timer.at < until)
    timer_set(&output->hold_timer, milliseconds);
}
