/*
 * The short-lived helper: a fork of the supervisor that joins or makes the namespaces that decide
 * where a process is born, and then clones it as the supervisor's own child. The supervisor itself
 * never enters a container's namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "supervisor.h"
#include "sync.h"
#include "syscalls.h"

static int join_one(struct launch *launch, const struct step *step, struct failure *failure) {
  bool pidfd = step->code == STEP_JOIN_PIDFD;
  int fd = launch->fds[step_u32(step, pidfd ? 0 : 4)];
  int type = (int)step_u32(step, pidfd ? 4 : 0);
  if (sys_setns(fd, type) == 0 || (step->flags & STEP_OPTIONAL) != 0)
    return 0;
  failure->step = step->index;
  failure->code = step->code;
  return fail(failure, errno, "setns", pidfd ? "pidfd" : "");
}

static int enter(struct launch *launch, struct failure *failure) {
  uint32_t namespaces = launch->plan.header.namespaces;
  struct step step = {.payload = NULL};
  while (plan_next(&launch->plan, &step) && step_is_supervisors(step.code)) {
    if (step.code != STEP_JOIN && step.code != STEP_JOIN_PIDFD)
      continue;
    if (join_one(launch, &step, failure) < 0)
      return -1;
    uint32_t types = step_u32(&step, step.code == STEP_JOIN_PIDFD ? 4 : 0);
    if ((types & CLONE_NEWUSER) != 0 && !launch->settings.makes_root)
      child_become_root_inside();
  }
  if ((namespaces & CLONE_NEWUSER) != 0) {
    if (sys_unshare(CLONE_NEWUSER) < 0)
      return fail(failure, errno, "unshare", "user namespace");
    sync_send(launch->child_sync, SYNC_MAPS, 0);
    sync_wait(launch->child_sync);
    if (!launch->settings.makes_root)
      child_become_root_inside();
  }
  if ((namespaces & CLONE_NEWTIME) != 0 || launch->settings.time_offsets != NULL) {
    /* The offsets are written before the first process is born into the namespace; later the kernel
     * refuses (time_namespaces(7)). */
    if (sys_unshare(CLONE_NEWTIME) < 0)
      return fail(failure, errno, "unshare", "time namespace");
    if (launch->settings.time_offsets != NULL) {
      sync_send(launch->child_sync, SYNC_TIME, 0);
      sync_wait(launch->child_sync);
    }
  }
  return 0;
}

void helper_main(struct launch *launch) {
  struct failure failure;
  failure_clear(&failure);
  child_close_others(launch);
  /* The score is set here, where the privilege for it is still at hand. */
  if (!launch->settings.oom_score)
    supervisor_restore_oom_score();
  if (enter(launch, &failure) == 0) {
    struct clone_args arguments = {
        .flags = CLONE_PARENT |
                 (launch->plan.header.namespaces & ~(uint64_t)(CLONE_NEWUSER | CLONE_NEWTIME))};
    pid_t pid = sys_clone3(&arguments);
    if (pid == 0)
      child_main(launch, true);
    if (pid > 0) {
      sync_send(launch->child_sync, SYNC_BORN, (uint32_t)pid);
      _exit(0);
    }
    fail(&failure, errno, "clone3", "");
  }
  sync_send_failure(launch->child_sync, &failure);
  _exit(1);
}
