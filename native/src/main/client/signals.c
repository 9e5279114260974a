#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SET_BYTES 8 /* of the kernel's signal set; a C library's would leave some signals out */

/*
 * What stays as it is: what cannot be blocked, what a fault in the program's own code raises,
 * SIGCHLD and SIGURG, which nobody passes on, the two that stop a job which uses a terminal out of
 * turn, and the two that C libraries keep for their threads.
 */
static const int untouched[] = {SIGKILL, SIGSTOP, SIGILL, SIGTRAP, SIGBUS,  SIGFPE, SIGSEGV,
                                SIGSYS,  SIGCHLD, SIGURG, SIGTTIN, SIGTTOU, 32,     33};

static uint64_t mask_before;

static uint64_t bit(int number) { return 1ull << (number - 1); }

int signals_take(void) {
  uint64_t mask = ~0ull;
  for (size_t i = 0; i < sizeof untouched / sizeof untouched[0]; i++)
    mask &= ~bit(untouched[i]);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &mask_before, SET_BYTES);
  return (int)syscall(SYS_signalfd4, -1, &mask, SET_BYTES, SFD_CLOEXEC | SFD_NONBLOCK);
}

void signals_give_back(void) {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask_before, NULL, SET_BYTES);
}

/* The kernel's struct sigaction is longer than this on no architecture; its handler is first. */
struct action {
  uintptr_t handler;
  unsigned char rest[56];
};

static bool ignores(int number) {
  struct action action;
  memset(&action, 0, sizeof action);
  return syscall(SYS_rt_sigaction, number, NULL, &action, SET_BYTES) == 0 &&
         action.handler == (uintptr_t)SIG_IGN;
}

uint64_t signals_ignored(void) {
  uint64_t all = 0;
  for (int number = 1; number <= 64; number++)
    if (ignores(number))
      all |= bit(number);
  return all;
}

bool signals_meant(const struct signalfd_siginfo *info) {
  /* What a write to a pipe without reader brings, besides its error, is nobody's message. */
  if (info->ssi_signo == SIGPIPE && (pid_t)info->ssi_pid == getpid())
    return false;
  /* A terminal's keys are meant for others where somebody had this process ignore them, and a
   * hangup is what nohup(1) is for; by name they were sent to this one. */
  bool unnamed = info->ssi_code == SI_KERNEL || info->ssi_signo == SIGHUP;
  return !(unnamed && ignores((int)info->ssi_signo));
}

void signals_effect(int number) {
  if (number < 1 || number > 64 || ignores(number))
    return;
  struct action action; /* zeros: the default, no flags */
  memset(&action, 0, sizeof action);
  uint64_t one = bit(number);
  syscall(SYS_rt_sigaction, number, &action, NULL, SET_BYTES);
  kill(getpid(), number);
  syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &one, NULL, SET_BYTES);
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &one, NULL, SET_BYTES);
}
