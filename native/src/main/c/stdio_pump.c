#include "stdio_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "log_sink.h"

#define QUIET_MS 2000u  /* a dead process's pipe that is silent so long belongs to a grandchild */
#define DRAIN_MS 10000u /* a grandchild that goes on writing is not waited for longer */

static void after_exit(struct timer *timer);
static void stdout_closed(struct output *output);
static void stderr_closed(struct output *output);

void stdio_init(struct stdio *stdio, void (*on_drained)(struct stdio *stdio)) {
  memset(stdio, 0, sizeof *stdio);
  stdio->on_drained = on_drained;
  stdio->master = -1;
  for (int i = 0; i < 3; i++)
    stdio->child_ends[i] = -1;
  input_init(&stdio->input);
  output_init(&stdio->outputs[0], 1, stdout_closed);
  output_init(&stdio->outputs[1], 2, stderr_closed);
  stdio->after_exit.fire = after_exit;
}

static int duplicate(const int *fds, uint32_t index, struct failure *failure) {
  int fd = fcntl(fds[index], F_DUPFD_CLOEXEC, 3);
  if (fd < 0)
    fail(failure, errno, "keep descriptor", "");
  return fd;
}

/* Regular files and what Java opened nonblocking are left alone; the rest gets a description of its
 * own when possible. */
static int add_input(struct input *input, const struct step_sink *sink, const int *fds,
                     struct failure *failure) {
  if (sink->kind == SINK_NULL)
    return 0;
  input->wanted = true;
  if (sink->kind == SINK_OPEN)
    return 0;
  if (input->fifo.used || input->late >= 0)
    return fail(failure, EINVAL, "add sink", "more than one stdin");
  int fd = duplicate(fds, sink->fd, failure);
  if (fd < 0)
    return -1;
  if ((fcntl(fd, F_GETFL) & O_PATH) != 0) {
    input->late = fd;
    return 0;
  }
  source_open(&input->fifo, fd, false);
  input_add_source(input, &input->fifo);
  if (sink->fd2 != NO_FD && (input->hold = duplicate(fds, sink->fd2, failure)) < 0)
    return -1;
  return 0;
}

int stdio_add_sink(struct stdio *stdio, const struct step_sink *sink, const char *name,
                   const int *fds, struct failure *failure) {
  if (sink->stream == 0)
    return add_input(&stdio->input, sink, fds, failure);
  struct output *output = &stdio->outputs[sink->stream - 1];
  struct sink *slot = NULL;
  for (unsigned i = 0; i < SINKS_PER_OUTPUT && slot == NULL; i++)
    if (!output->own[i].used)
      slot = &output->own[i];
  if (slot == NULL)
    return fail(failure, E2BIG, "add sink", "too many sinks");
  if (sink->kind == SINK_NULL)
    return 0;
  struct log_writer *log = NULL;
  int fd = -1;
  if (sink->kind == SINK_LOG) {
    log = log_open(fds[sink->fd], name, sink->max_size, sink->max_files, failure);
    if (log == NULL)
      return -1;
  } else if (sink->kind != SINK_OPEN && (fd = duplicate(fds, sink->fd, failure)) < 0) {
    return -1;
  }
  sink_open(slot, sink->kind, fd);
  slot->log = log;
  output_add_sink(output, slot);
  if (sink->kind == SINK_OPEN)
    output->hold = slot;
  return 0;
}

int stdio_make_pipes(struct stdio *stdio, struct failure *failure) {
  if (stdio->terminal)
    return 0;
  int ends[2];
  if (stdio->input.wanted) {
    if (pipe2(ends, O_CLOEXEC) < 0)
      return fail(failure, errno, "make pipe", "stdin");
    stdio->child_ends[0] = ends[0];
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    input_set_target(&stdio->input, ends[1], false);
  }
  for (int i = 0; i < 2; i++) {
    struct output *output = &stdio->outputs[i];
    if (output->first == NULL)
      continue;
    if (pipe2(ends, O_CLOEXEC) < 0)
      return fail(failure, errno, "make pipe", i == 0 ? "stdout" : "stderr");
    stdio->child_ends[i + 1] = ends[1];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    output->source.fd = ends[0];
  }
  return 0;
}

void stdio_close_child_ends(struct stdio *stdio) {
  for (int i = 0; i < 3; i++)
    close_fd(&stdio->child_ends[i]);
}

void stdio_start(struct stdio *stdio) {
  for (int i = 0; i < 2; i++) {
    struct output *output = &stdio->outputs[i];
    if (output->source.fd >= 0)
      watch_set(&output->source, EPOLLIN);
  }
  input_pump(&stdio->input);
}

void stdio_running(struct stdio *stdio, uint64_t milliseconds) {
  for (int i = 0; i < 2; i++)
    output_hold(&stdio->outputs[i], milliseconds);
  input_open_late(&stdio->input);
}

int stdio_set_master(struct stdio *stdio, int master, struct failure *failure) {
  if (!stdio->terminal || stdio->master >= 0) {
    close(master);
    return fail(failure, EINVAL, "keep pty", "no terminal was announced, or there is one already");
  }
  stdio->master = master;
  if (stdio->rows != 0 || stdio->columns != 0)
    stdio_resize(stdio, stdio->rows, stdio->columns);
  int flags = fcntl(master, F_GETFL);
  int in = fcntl(master, F_DUPFD_CLOEXEC, 3);
  int out = fcntl(master, F_DUPFD_CLOEXEC, 3);
  if (in < 0 || out < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0) {
    fail(failure, errno, "keep pty", "");
    close_fd(&in);
    close_fd(&out);
    return -1;
  }
  stdio->outputs[0].source.fd = out;
  input_set_target(&stdio->input, in, true);
  stdio_start(stdio);
  return 0;
}

void stdio_resize(struct stdio *stdio, uint16_t rows, uint16_t columns) {
  stdio->rows = rows;
  stdio->columns = columns;
  if (stdio->master < 0)
    return;
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  ioctl(stdio->master, TIOCSWINSZ, &size);
}

void stdio_close_stdin(struct stdio *stdio) {
  struct input *input = &stdio->input;
  close_fd(&input->hold);
  if (input->late >= 0) {
    input->closed_early = true;
    return;
  }
  if (input->target.fd < 0 && !stdio->terminal)
    return;
  if (input->fifo.used) {
    /* The input ends when the last writer has gone and what is still in the FIFO has been read. */
    input_check_fifo(input);
    return;
  }
  input_end(input);
}

static void check_drained(struct stdio *stdio) {
  if (!stdio->exited || stdio->drained || !output_closed(&stdio->outputs[0]) ||
      !output_closed(&stdio->outputs[1]))
    return;
  stdio->drained = true;
  timer_clear(&stdio->after_exit);
  close_fd(&stdio->master);
  stdio->on_drained(stdio);
}

static void stdout_closed(struct output *output) {
  check_drained(container_of(output, struct stdio, outputs[0]));
}

static void stderr_closed(struct output *output) {
  check_drained(container_of(output, struct stdio, outputs[1]));
}

static void after_exit(struct timer *timer) {
  struct stdio *stdio = container_of(timer, struct stdio, after_exit);
  uint64_t now = monotonic_now();
  uint64_t quiet = stdio->exited_at;
  for (int i = 0; i < 2; i++)
    if (stdio->outputs[i].last_read > quiet)
      quiet = stdio->outputs[i].last_read;
  uint64_t until = quiet + QUIET_MS * 1000000ull;
  uint64_t end = stdio->exited_at + DRAIN_MS * 1000000ull;
  until = until < end ? until : end;
  if (now < until) {
    timer_set(timer, (until - now) / 1000000u + 1);
    return;
  }
  for (int i = 0; i < 2; i++)
    output_cut_off(&stdio->outputs[i]);
}

void stdio_process_exited(struct stdio *stdio) {
  stdio->exited = true;
  stdio->exited_at = monotonic_now();
  for (int i = 0; i < 2; i++) {
    stdio->outputs[i].timed = true;
    stdio->outputs[i].last_read = 0;
  }
  input_close(&stdio->input);
  for (int i = 0; i < 2; i++) {
    if (stdio->outputs[i].source.fd >= 0)
      output_pump(&stdio->outputs[i]);
    else if (stdio->outputs[i].filled == 0)
      output_finish(
          &stdio->outputs[i]); /* never had a source: a terminal's stderr, or never started */
  }
  check_drained(stdio);
  if (!stdio->drained)
    timer_set(&stdio->after_exit, QUIET_MS);
}

void stdio_drop_output(struct stdio *stdio) {
  for (int i = 0; i < 2; i++) {
    struct output *output = &stdio->outputs[i];
    while (output->first != NULL)
      output_remove_sink(output, output->first);
    if (stdio->exited) {
      output->filled = 0;
      output_finish(output);
    } else {
      output_pump(output); /* a living process writes to nowhere from now on */
    }
  }
  check_drained(stdio);
}

void stdio_hang_up(struct stdio *stdio, uint32_t stream) {
  if (stdio->terminal) {
    input_close(&stdio->input);
    close_fd(&stdio->master);
  }
  output_cut_off(&stdio->outputs[stream - 1]);
}

void stdio_destroy(struct stdio *stdio) {
  timer_clear(&stdio->after_exit);
  input_close(&stdio->input);
  stdio_close_child_ends(stdio);
  stdio->drained = true; /* nobody is told */
  for (int i = 0; i < 2; i++) {
    struct output *output = &stdio->outputs[i];
    timer_clear(&output->hold_timer);
    timer_clear(&output->rest);
    while (output->first != NULL)
      output_remove_sink(output, output->first);
    output->filled = 0;
    output_finish(output);
  }
  close_fd(&stdio->master);
}
