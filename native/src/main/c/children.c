#include "children.h"

#include <stddef.h>
#include <sys/wait.h>

#include "endings.h"
#include "hook_runner.h"
#include "launch.h"

/* Deals with the end of a process of the table. */
static void ended(struct process *process, const siginfo_t *info) {
  if (process->launch != NULL && launch_process_ended(process->launch, info))
    return; /* it never became a process of the container */
  endings_record(process, info);
}

static bool reap(pid_t pid, siginfo_t *info) {
  info->si_pid = 0;
  return waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG | __WALL) == 0 && info->si_pid == pid;
}

/*
 * A child that nobody knows is a stranger (an orphan of the container, given to us as the
 * subreaper), or the one whose pid a helper is just about to report: then it must stay a zombie
 * until that has come.
 */
static void reap_known(void) {
  for (struct process *p = process_next(NULL), *next; p != NULL; p = next) {
    next = process_next(p);
    siginfo_t info;
    if (!p->exited && p->pid > 0 && reap(p->pid, &info))
      ended(p, &info);
  }
}

void children_reap(void) {
  for (;;) {
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || info.si_pid == 0)
      return;
    pid_t pid = info.si_pid;
    struct process *process = process_by_pid(pid);
    if (process != NULL) {
      if (reap(pid, &info))
        ended(process, &info);
      continue;
    }
    if (hook_ended(pid))
      continue;
    if (launch_is_helper(pid)) {
      reap(pid, &info);
      launch_helper_ended(pid);
      continue;
    }
    if (launch_helpers_active()) {
      reap_known();
      if (launch_reap_helpers())
        continue;
      return; /* comes again when the helper has reported */
    }
    reap(pid, &info);
  }
}
