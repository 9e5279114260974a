/* What there is once per supervisor, and what is reached by it. Calls nothing else of ours. */
#ifndef BERTH_SUPERVISOR_H
#define BERTH_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "fail.h"
#include "protocol.h"

struct supervisor {
  int proc_fd; /* the host's /proc, O_PATH: what /proc/self files are reached by, in whatever
                  namespace */
  int task_fd; /* the task's folder */
  int exit_fd; /* its folder of exit records */
  bool tied;   /* ends when it has no controller */
  int null_fd; /* /dev/null */
  int host_mounts_fd; /* the mount namespace that it was started in, if it has left that one; -1 */
  int self_pidfd;
  uint64_t epoch;
  uint64_t log_dropped;
  enum phase phase; /* the init's, also after its entry is gone */
  bool oom_score_changed;
  int oom_score;            /* what we were started with; children get it back */
  struct rlimit open_files; /* likewise */
  struct rlimit core;       /* likewise */
  uint32_t lonely_ms; /* without a controller: how long until it looks whether it is needed */
};

extern struct supervisor supervisor;

/* A new open file description of the same file, through /proc/self/fd; -1 with errno. */
int supervisor_reopen(int fd, int flags);

/* Writes a value to a file below the host's /proc, seen with the caller's own identity and
 * namespaces. */
int supervisor_write_proc(const char *path, const char *value, struct failure *failure);

/* Sets the calling process's OOM score back to what the supervisor was started with. */
void supervisor_restore_oom_score(void);

/* Brings the calling process, a clone of the supervisor, back to the mount namespace that the
 * supervisor was started in, where the programs of the machine are; its folder is the root. */
int supervisor_enter_host(void);

/* Sets the limits back that the supervisor changed for itself: what it launches is to have those
 * that the engine was started with. */
void supervisor_restore_limits(void);

#endif
