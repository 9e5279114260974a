/* What there is once per supervisor. */
#ifndef BERTH_SUPERVISOR_H
#define BERTH_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "protocol.h"

struct supervisor {
  int proc_fd; /* the host's /proc, O_PATH: what /proc/self files are reached by, in whatever
                  namespace */
  int task_fd; /* the task's folder */
  int exit_fd; /* its folder of exit records */
  bool tied;   /* ends when it has no controller */
  int null_fd; /* /dev/null */
  int self_pidfd;
  uint64_t epoch;
  uint64_t log_dropped;
  enum phase phase; /* the init's, also after its entry is gone */
  bool oom_score_changed;
  int oom_score;            /* what we were started with; children get it back */
  struct rlimit open_files; /* likewise */
};

extern struct supervisor supervisor;

/* Runs the supervisor on its controller socket and listening socket; returns when it was told to
 * end. */
int supervisor_run(int controller, int listener);

/* A new open file description of the same file, through /proc/self/fd; -1 with errno. */
int reopen_fd(int fd, int flags);

#endif
