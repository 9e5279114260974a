/*
 * `berth-supervisor client PROGRAM ARGUMENT...`: becomes a program in which every signal that a
 * command line passes on to a container is blocked in all threads. A JVM would otherwise take some
 * for itself before its first line of Java runs; a signalfd gives them all to the program.
 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What stays as it is: what cannot be blocked, what a fault in the program's own code raises (a JVM
 * lives on these), SIGCHLD and SIGURG, which nobody passes on, the two that stop a job which uses
 * a terminal out of turn, and the two that C libraries keep for their threads.
 */
static const int untouched[] = {SIGKILL, SIGSTOP, SIGILL, SIGTRAP, SIGBUS,  SIGFPE, SIGSEGV,
                                SIGSYS,  SIGCHLD, SIGURG, SIGTTIN, SIGTTOU, 32,     33};

/* A stream that the caller has closed would be the number of whatever is opened first; what stands
 * in for it here answers EBADF, as it should. */
static int fill_streams(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
      return -1;
  return 0;
}

int client_main(char **arguments) {
  if (fill_streams() < 0) {
    dprintf(2, "berth: open /dev/null: %s\n", strerror(errno));
    return 125;
  }
  uint64_t mask = ~0ull; /* the kernel's: a C library's set would leave some out */
  for (size_t i = 0; i < sizeof untouched / sizeof untouched[0]; i++)
    mask &= ~(1ull << (untouched[i] - 1));
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
  execv(arguments[0], arguments);
  dprintf(2, "berth: run `%s`: %s\n", arguments[0], strerror(errno));
  return 125;
}
