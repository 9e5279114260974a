#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook.h"
#include "supervisor.h"
#include "sync.h"
#include "syscalls.h"

static int compare_ints(const void *a, const void *b) {
  return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

void child_close_others(struct launch *launch) {
  static int keep[PLAN_FDS_MAX + 16];
  unsigned count = 0;
  for (uint32_t i = 0; i < launch->fd_count; i++)
    keep[count++] = launch->fds[i];
  for (int i = 0; i < 3; i++)
    keep[count++] = launch->process->stdio.child_ends[i];
  keep[count++] = launch->child_sync;
  keep[count++] = supervisor.proc_fd;
  keep[count++] = supervisor.null_fd;
  qsort(keep, count, sizeof keep[0], compare_ints);
  unsigned next = 3;
  for (unsigned i = 0; i < count; i++) {
    if (keep[i] < (int)next)
      continue;
    if (keep[i] > (int)next)
      sys_close_range(next, (unsigned)keep[i] - 1, 0);
    next = (unsigned)keep[i] + 1;
  }
  sys_close_range(next, ~0u, 0);
}

static int join(struct launch *launch, struct failure *failure) {
  struct step step = {.payload = NULL};
  while (plan_next(&launch->plan, &step) && step_is_supervisors(step.code)) {
    if (step.code != STEP_JOIN)
      continue;
    if (sys_setns(launch->fds[step_u32(&step, 4)], (int)step_u32(&step, 0)) < 0 &&
        (step.flags & STEP_OPTIONAL) == 0) {
      failure->step = step.index;
      failure->code = step.code;
      return fail(failure, errno, "setns", "");
    }
  }
  return 0;
}

static int do_stop(struct child *child, const struct step *step, struct failure *failure) {
  (void)failure;
  sync_send(child->sync, step->code == STEP_STOP ? SYNC_STOPPED : SYNC_READY,
            step->code == STEP_STOP ? step_u32(step, 0) : 0);
  sync_wait(child->sync);
  return 0;
}

static int do_hook(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  struct hook hook;
  char self[16];
  hook_parse(step, &hook);
  /* The state of the container names the pid that the process has on the host, which is what the
   * host's procfs shows. */
  ssize_t n = readlinkat(supervisor.proc_fd, "self", self, sizeof self - 1);
  if (n <= 0)
    return fail(failure, errno, "read own pid", "");
  self[n] = 0;
  return hook_run_and_wait(&hook, atoi(self), failure);
}

static int do_umask(struct child *child, const struct step *step, struct failure *failure) {
  (void)failure;
  umask((mode_t)step_u32(step, 0) & 0777);
  child->umask_set = true;
  return 0;
}

typedef int step_function(struct child *child, const struct step *step, struct failure *failure);

static step_function *const step_functions[] = {
    [STEP_CGROUP1] = do_cgroup1,
    [STEP_UNSHARE] = do_unshare,
    [STEP_HOSTNAME] = do_host_name,
    [STEP_DOMAINNAME] = do_host_name,
    [STEP_LOOPBACK_UP] = do_loopback_up,
    [STEP_PROPAGATION] = do_propagation,
    [STEP_ROOT] = do_root,
    [STEP_MOUNT] = do_mount,
    [STEP_COPY_UP] = do_copy_up,
    [STEP_BIND] = do_bind,
    [STEP_ATTRIBUTES] = do_attributes,
    [STEP_READ_ONLY] = do_read_only,
    [STEP_MASK] = do_mask,
    [STEP_MAKE_NODE] = do_make_node,
    [STEP_SYMLINK] = do_symlink,
    [STEP_MAKE_FOLDER] = do_make_folder,
    [STEP_PIVOT] = do_pivot,
    [STEP_RLIMIT] = do_rlimit,
    [STEP_SYSCTL] = do_sysctl,
    [STEP_OOM_SCORE] = do_oom_score,
    [STEP_SCHEDULER] = do_scheduler,
    [STEP_IO_PRIORITY] = do_io_priority,
    [STEP_PERSONALITY] = do_personality,
    [STEP_AFFINITY] = do_affinity,
    [STEP_MEMORY_POLICY] = do_memory_policy,
    [STEP_KEYRING] = do_keyring,
    [STEP_NO_NEW_PRIVS] = do_no_new_privs,
    [STEP_SECCOMP] = do_seccomp,
    [STEP_CAP_BOUNDING] = do_cap_bounding,
    [STEP_CAPS] = do_caps,
    [STEP_USER] = do_user,
    [STEP_KEEP_CAPS] = do_keep_caps,
    [STEP_APPARMOR] = do_label,
    [STEP_SELINUX] = do_label,
    [STEP_CONSOLE] = do_console,
    [STEP_STDIO] = do_stdio,
    [STEP_CWD] = do_cwd,
    [STEP_LOOK_UP] = do_look_up,
    [STEP_STOP] = do_stop,
    [STEP_READY] = do_stop,
    [STEP_HOOK] = do_hook,
    [STEP_EXEC] = do_exec,
    [STEP_UMASK] = do_umask,
};

static int carry_out(struct child *child, const struct step *step, struct failure *failure) {
  size_t count = sizeof step_functions / sizeof step_functions[0];
  if (step->code >= count || step_functions[step->code] == NULL)
    return fail(failure, EOPNOTSUPP, "carry out", "unknown step");
  return step_functions[step->code](child, step, failure);
}

static void run_steps(struct child *child, struct failure *failure) {
  struct step step = {.payload = NULL};
  while (plan_next(&child->launch->plan, &step)) {
    if (step_is_supervisors(step.code))
      continue;
    if (carry_out(child, &step, failure) == 0)
      continue;
    if ((step.flags & STEP_OPTIONAL) != 0) {
      failure_clear(failure);
      continue;
    }
    failure->step = step.index;
    failure->code = step.code;
    return;
  }
  fail(failure, EINVAL, "carry out", "the plan has no end");
}

/* Takes away what a clone of the supervisor inherits and a container must not have. */
static void shed_supervisor(struct launch *launch) {
  child_close_others(launch);
  sigset_t none; /* dispositions are the defaults since the supervisor's birth; it only blocks */
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  supervisor_restore_limits();
  setsid();
  umask(0);
}

void child_main(struct launch *launch, bool wait_for_go) {
  static struct child child;
  struct failure failure;
  failure_clear(&failure);
  child.launch = launch;
  child.sync = launch->child_sync;
  child.root = child.mask_folder = child.mask_file = -1;
  shed_supervisor(launch);
  if (wait_for_go)
    sync_wait(child.sync);
  if (!launch->settings.oom_score && !launch->settings.helper)
    supervisor_restore_oom_score();
  /* A helper has already joined what there is to join. */
  if (launch->settings.helper || join(launch, &failure) == 0)
    run_steps(&child, &failure);
  sync_send_failure(child.sync, &failure);
  sync_end(NOT_STARTED);
}
