#include "start.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service.h"

#define PASS_MS 2000
#define LOCK_FD 3 /* where the resident has its lock; it is held as long as it lives */

/* Whoever ends the instance finds the process by this file from the first instant on. */
static void tell_pid(const struct instance *instance) {
  char path[sizeof instance->state + 16];
  snprintf(path, sizeof path, "%s/cli.pid", instance->state);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    _exit(1);
  dprintf(fd, "%d\n", (int)getpid());
  close(fd);
}

/* The line that nobody took begins now, as a process that takes a core or two for its start. The
 * resident, which is for the lines after it, lets it go first, unless it stays. */
static void let_pass(pid_t line) {
  int fd = (int)syscall(SYS_pidfd_open, line, 0);
  struct pollfd ended = {.fd = fd, .events = POLLIN};
  if (fd < 0)
    return;
  poll(&ended, 1, PASS_MS);
  close(fd);
}

/*
 * The resident is not part of whatever this line is part of: session, folder, streams, variables,
 * cgroups. A job that typed a line would not end before it, or end it.
 */
static _Noreturn void become_resident(const char *program, const struct instance *instance,
                                      pid_t service, pid_t line, int lock, int log) {
  tell_pid(instance);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || setsid() < 0 || chdir("/") < 0)
    _exit(1);
  /* Above the numbers that they are put on. */
  int high_lock = fcntl(lock, F_DUPFD_CLOEXEC, 10);
  int high_log = fcntl(log, F_DUPFD_CLOEXEC, 10);
  if (high_lock < 0 || high_log < 0 || dup2(null, 0) < 0 || dup2(high_log, 1) < 0 ||
      dup2(high_log, 2) < 0 || dup2(high_lock, LOCK_FD) < 0)
    _exit(1);
  syscall(SYS_close_range, LOCK_FD + 1, ~0u, 0);
  let_pass(line);
  if (kill(service, 0) < 0)
    _exit(0); /* it has ended meanwhile */
  service_join(service);
  for (int number = 1; number <= 31; number++)
    signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  umask(022);
  char lock_option[] = "--lock=3";
  char config_option[sizeof "--config"] = "--config";
  char name[] = "berth-resident";
  char *with[] = {name, lock_option, config_option, (char *)instance->config, NULL};
  char *without[] = {name, lock_option, NULL};
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char *variables[] = {path, NULL};
  execve(program, instance->config[0] == 0 ? without : with, variables);
  _exit(1);
}

void start_resident(const char *program, const struct instance *instance) {
  struct stat folder;
  char path[sizeof instance->state + 16];
  if (stat(instance->state, &folder) < 0 || folder.st_uid != geteuid() ||
      (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return;
  pid_t service = service_of(instance->state);
  if (service <= 0 || !service_is_alike(service))
    return;
  snprintf(path, sizeof path, "%s/cli.lock", instance->state);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0)
    return;
  snprintf(path, sizeof path, "%s/cli.log", instance->state);
  int log = -1;
  if (flock(lock, LOCK_EX | LOCK_NB) == 0 &&
      (log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) >=
          0) {
    pid_t line = getpid();
    pid_t child = fork();
    if (child == 0) {
      /* Its parent is to be nobody who could wonder at a child that it did not start. */
      if (fork() != 0)
        _exit(0);
      become_resident(program, instance, service, line, lock, log);
    }
    if (child > 0)
      waitpid(child, NULL, 0);
  }
  if (log >= 0)
    close(log);
  close(lock);
}
