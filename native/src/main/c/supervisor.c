#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller.h"
#include "process.h"

struct supervisor supervisor = {.proc_fd = -1,
                                .task_fd = -1,
                                .exit_fd = -1,
                                .null_fd = -1,
                                .self_pidfd = -1,
                                .phase = PHASE_EMPTY};

int reopen_fd(int fd, int flags) {
  char path[32];
  snprintf(path, sizeof path, "self/fd/%d", fd);
  return openat(supervisor.proc_fd, path, flags | O_CLOEXEC);
}

static void child_signal(struct watch *watch, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info;
  while (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info) {
  }
  reap_children();
}

int supervisor_run(int controller, int listener) {
  static struct watch signals;
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  signals.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  signals.ready = child_signal;
  if (signals.fd < 0 || watch_set(&signals, EPOLLIN) < 0 || controller_listen(listener) < 0)
    return -1;
  if (controller >= 0 && controller_adopt(controller) < 0)
    return -1;
  loop_run();
  /* What lives now was to be killed (forced shutdown): nothing is left behind without a parent that
   * knows. */
  for (int i = 0; i < 200 && any_process_alive(); i++) {
    reap_children();
    usleep(5000);
  }
  unlinkat(supervisor.task_fd, "sup.sock", 0);
  return 0;
}
