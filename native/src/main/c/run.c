#include "run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "children.h"
#include "controller.h"
#include "launch.h"
#include "supervisor.h"

static void child_signal(struct watch *watch, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info;
  while (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info) {
  }
  children_reap();
}

int supervisor_run(int controller, int listener) {
  static struct watch signals;
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  signals.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  signals.ready = child_signal;
  launch_on_message(children_reap);
  if (signals.fd < 0 || watch_set(&signals, EPOLLIN) < 0 || controller_listen(listener) < 0)
    return -1;
  if (controller >= 0 && controller_adopt(controller) < 0)
    return -1;
  loop_run();
  /* What lives now was to be killed (forced shutdown): nothing is left behind without a parent that
   * knows. */
  for (int i = 0; i < 200 && process_any_alive(); i++) {
    children_reap();
    usleep(5000);
  }
  unlinkat(supervisor.task_fd, "sup.sock", 0);
  return 0;
}
