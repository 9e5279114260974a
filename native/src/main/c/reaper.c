#include "reaper.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* These keep their default, for a fault of this process must end this process and not another. */
static const int OWN[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};
/* These stop a background process that touches its terminal, as handing it over does, so they are
 * ignored meanwhile. */
static const int TERMINAL[] = {SIGTTIN, SIGTTOU};

_Noreturn static void run(char **argv, const sigset_t *before) {
  /* A group of its own, in the foreground of the terminal if there is one: what a person types
   * reaches the program once, and not also by way of us. */
  setpgid(0, 0);
  tcsetpgrp(0, getpgrp());
  for (unsigned i = 0; i < sizeof TERMINAL / sizeof TERMINAL[0]; i++)
    signal(TERMINAL[i], SIG_DFL);
  sigprocmask(SIG_SETMASK, before, NULL);
  execvp(argv[0], argv);
  int error = errno;
  dprintf(2, "init: cannot run `%s`: %s\n", argv[0], strerror(error));
  _exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/* Takes every child that has ended; true once the program has. */
static bool reap(pid_t program, int *code) {
  bool over = false;
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0)
      return over;
    if (pid != program)
      continue;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    over = true;
  }
}

int reaper_main(char **argv) {
  sigset_t watched, before;
  sigfillset(&watched);
  for (unsigned i = 0; i < sizeof OWN / sizeof OWN[0]; i++)
    sigdelset(&watched, OWN[i]);
  for (unsigned i = 0; i < sizeof TERMINAL / sizeof TERMINAL[0]; i++) {
    sigdelset(&watched, TERMINAL[i]);
    signal(TERMINAL[i], SIG_IGN);
  }
  sigprocmask(SIG_SETMASK, &watched, &before);
  if (getpid() != 1) /* the host's process numbers: orphans below come to us all the same */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  pid_t program = fork();
  if (program < 0) {
    dprintf(2, "init: cannot make a process: %s\n", strerror(errno));
    return 126;
  }
  if (program == 0)
    run(argv, &before);
  for (;;) {
    siginfo_t info;
    int code = 0;
    int number = sigwaitinfo(&watched, &info);
    if (number < 0)
      continue;
    if (number != SIGCHLD)
      kill(program, number); /* not yet reaped, so the number is still its own */
    else if (reap(program, &code))
      return code;
  }
}
