#include "carry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "line.h"

#define ROOM 65536
#define SPLICE_MOST (1 << 20)

struct carriage {
  uint32_t streams; /* 0: none */
  bool file;        /* the own end is one, which is always ready */
  bool splices;
  bool waits; /* the own end's description blocks, and belongs to others as well */
  int own, pipe;
  bool opened; /* the own end was opened here */
  size_t start, end;
  carry_ended *ended;
  uint8_t buffer[ROOM];
};

static struct carriage carriages[CARRY_MAX];

static bool is_input(const struct carriage *c) { return c->streams == LINE_STREAM_IN; }

/*
 * O_NONBLOCK belongs to the description, which the shell and others use as well: a terminal is
 * opened anew. Opened anew the master of a terminal would be that of another one.
 */
static void open_own(struct carriage *c, int fd) {
  struct stat status;
  char path[32];
  c->own = fd;
  c->opened = c->file = c->splices = false;
  c->waits = true;
  if (fstat(fd, &status) < 0)
    return;
  c->file = c->splices = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
  if (!isatty(fd) || (major(status.st_rdev) == 5 && minor(status.st_rdev) == 2))
    return;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int own = open(path, (fd == 0 ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own < 0)
    return;
  c->own = own;
  c->opened = true;
  c->waits = false;
}

static void finish(struct carriage *c, int error) {
  uint32_t streams = c->streams;
  close(c->pipe);
  if (c->opened)
    close(c->own);
  c->streams = 0;
  c->ended(streams, error);
}

static bool read_some(struct carriage *c) {
  ssize_t count = is_input(c) ? read(c->own, c->buffer, ROOM) : read(c->pipe, c->buffer, ROOM);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return false;
  if (count <= 0) { /* a terminal that is not there any more ends like a file */
    finish(c, 0);
    return false;
  }
  c->start = 0;
  c->end = (size_t)count;
  return true;
}

static void write_some(struct carriage *c) {
  while (c->start < c->end) {
    size_t count = c->end - c->start;
    if (!is_input(c) && c->waits && !c->file && count > PIPE_BUF)
      count = PIPE_BUF;
    ssize_t written = write(is_input(c) ? c->pipe : c->own, c->buffer + c->start, count);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno == EAGAIN)
      return;
    if (written < 0) {
      /* A program that reads no more is no failure of the input's. */
      finish(c, is_input(c) ? 0 : errno);
      return;
    }
    c->start += (size_t)written;
    if (c->waits && !c->file && !is_input(c))
      return; /* only what it is ready for */
  }
}

/* False if it has to be done by hand. */
static bool splice_some(struct carriage *c) {
  int from = is_input(c) ? c->own : c->pipe;
  int to = is_input(c) ? c->pipe : c->own;
  ssize_t count = splice(from, NULL, to, NULL, SPLICE_MOST, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (count == 0) {
    finish(c, 0);
  } else if (count < 0 && errno == EINVAL) {
    c->splices = false; /* a file that is appended to, or of a kind that cannot */
    return false;
  } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
    finish(c, is_input(c) ? 0 : errno);
  }
  return true;
}

static void move(struct carriage *c) {
  if (c->start == c->end && c->splices && splice_some(c))
    return;
  if (c->start < c->end || read_some(c))
    write_some(c);
}

void carry_begin(uint32_t streams, int pipe, carry_ended *ended) {
  struct carriage *c = NULL;
  uint32_t taken = 0;
  for (int i = 0; i < CARRY_MAX; i++) {
    taken |= carriages[i].streams;
    if (carriages[i].streams == 0)
      c = &carriages[i];
  }
  bool known = streams == LINE_STREAM_IN || streams == LINE_STREAM_OUT ||
               streams == LINE_STREAM_ERR || streams == (LINE_STREAM_OUT | LINE_STREAM_ERR);
  int flags = pipe < 0 ? -1 : fcntl(pipe, F_GETFL);
  if (c == NULL || !known || (taken & streams) != 0 || flags < 0 ||
      fcntl(pipe, F_SETFL, flags | O_NONBLOCK) < 0) {
    if (pipe >= 0)
      close(pipe);
    ended(streams, EINVAL);
    return;
  }
  c->streams = streams;
  c->pipe = pipe;
  c->start = c->end = 0;
  c->ended = ended;
  open_own(c, streams == LINE_STREAM_IN ? 0 : streams == LINE_STREAM_ERR ? 2 : 1);
  /* One that is not in its terminal's foreground is stopped here, and does not wait for keys that
   * are meant for another. */
  if (streams == LINE_STREAM_IN && c->opened)
    move(c);
}

void carry_await(struct pollfd *entries) {
  entries[CARRY_MAX] = (struct pollfd){.fd = -1};
  for (int i = 0; i < CARRY_MAX; i++) {
    struct carriage *c = &carriages[i];
    bool to_write = c->start < c->end || (is_input(c) && c->file);
    entries[i].fd = c->streams == 0 ? -1 : to_write == is_input(c) ? c->pipe : c->own;
    entries[i].events = to_write ? POLLOUT : POLLIN;
    entries[i].revents = 0;
    if (c->streams == LINE_STREAM_IN) /* for its reader's end alone */
      entries[CARRY_MAX] = (struct pollfd){.fd = c->pipe};
  }
}

void carry_move(const struct pollfd *entries) {
  for (int i = 0; i < CARRY_MAX; i++) {
    struct carriage *c = &carriages[i];
    if (c->streams == LINE_STREAM_IN && entries[CARRY_MAX].fd == c->pipe &&
        (entries[CARRY_MAX].revents & POLLERR) != 0)
      finish(c, 0); /* keys that are typed now are meant for others */
    else if (c->streams != 0 && entries[i].fd >= 0 && entries[i].revents != 0)
      move(c);
  }
}
