#include "log_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook.h"
#include "supervisor.h"
#include "syscalls.h"

#define FIRST 3 /* what the program finds at 3, 4, 5, as the programs of containerd expect it */
#define ASIDE 16

/* Gives the descriptors their numbers, by way of others, for one may have a number that another is
 * to have. */
static int place(const int *fds, int error) {
  int aside[LOG_PROGRAM_FDS + 1];
  for (unsigned i = 0; i <= LOG_PROGRAM_FDS; i++) {
    aside[i] = fcntl(i < LOG_PROGRAM_FDS ? fds[i] : error, F_DUPFD_CLOEXEC, ASIDE);
    if (aside[i] < 0)
      return -1;
  }
  for (int i = 0; i < FIRST; i++)
    if (dup2(supervisor.null_fd, i) < 0)
      return -1;
  for (unsigned i = 0; i <= LOG_PROGRAM_FDS; i++)
    if (dup3(aside[i], FIRST + (int)i, i < LOG_PROGRAM_FDS ? 0 : O_CLOEXEC) < 0)
      return -1;
  sys_close_range(FIRST + LOG_PROGRAM_FDS + 1, ~0u, 0);
  return FIRST + (int)LOG_PROGRAM_FDS;
}

_Noreturn static void run(const struct hook *hook, const int *fds, int error) {
  setsid();
  supervisor_restore_limits();
  supervisor_restore_oom_score();
  umask(022);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  char **argv = hook_strings(hook->argv, hook->head.argc);
  char **envp = hook_strings(hook->envp, hook->head.envc);
  int told = supervisor_enter_host() < 0 ? -1 : place(fds, error);
  if (told >= 0 && argv != NULL && envp != NULL)
    execve(hook->path, argv, envp);
  int number = errno;
  ssize_t n = write(told >= 0 ? told : error, &number, sizeof number);
  (void)n;
  _exit(127);
}

static int start(const struct hook *hook, const int *fds, struct failure *failure) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
    return fail(failure, errno, "start log program", hook->path);
  cleanup_close int told = ends[0];
  /* With CLONE_VFORK this process stands still until the execve, a millisecond at most. */
  struct clone_args arguments = {.flags = CLONE_VFORK, .exit_signal = SIGCHLD};
  pid_t pid = sys_clone3(&arguments);
  if (pid == 0)
    run(hook, fds, ends[1]);
  int error = errno;
  close(ends[1]);
  if (pid < 0)
    return fail(failure, error, "start log program", hook->path);
  if (read(told, &error, sizeof error) == (ssize_t)sizeof error)
    return fail(failure, error, "start log program", hook->path);
  return 0;
}

int log_program_start(int memfd, const int *fds, struct failure *failure) {
  struct plan plan = {0};
  struct hook hook;
  if (plan_map(memfd, &plan, failure) < 0)
    return -1;
  struct step step = {STEP_HOOK, 0, 0, (uint32_t)plan.mapped, plan.bytes};
  int result = plan_validate_step(&step, 0, failure);
  if (result == 0) {
    hook_parse(&step, &hook);
    result = start(&hook, fds, failure);
  }
  plan_unmap(&plan);
  return result;
}
