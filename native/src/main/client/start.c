#include "start.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FEWEST_FILES 256 /* descriptors of some dozen lines */
#define LOCK_FD 3 /* where the resident has its lock; it is held as long as it lives */

/* The resident is not part of whatever this line is part of: session, folder, streams, variables. */
static _Noreturn void become_resident(const char *program, const struct instance *instance,
                                      int lock, int log) {
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

/* Whether this process may do less than lines of others need. A resident would have its bounds for
 * all its life, and cannot raise them. */
static bool is_bounded(void) {
  static const int without_bound[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_AS};
  struct rlimit limit;
  for (size_t i = 0; i < sizeof without_bound / sizeof without_bound[0]; i++)
    if (getrlimit(without_bound[i], &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
      return true;
  return getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < FEWEST_FILES;
}

void start_resident(const char *program, const struct instance *instance) {
  if (is_bounded())
    return;
  struct stat folder;
  char path[sizeof instance->state + 16];
  if (stat(instance->state, &folder) < 0 || folder.st_uid != geteuid() ||
      (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0)
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
    pid_t child = fork();
    if (child == 0) {
      /* Its parent is to be nobody who could wonder at a child that it did not start. */
      if (fork() != 0)
        _exit(0);
      become_resident(program, instance, lock, log);
    }
    if (child > 0)
      waitpid(child, NULL, 0);
  }
  if (log >= 0)
    close(log);
  close(lock);
}
