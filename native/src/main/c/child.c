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
#include "syscalls.h"

#define NOT_STARTED 127 /* what a child that did not get to execve ends with */

void sync_send(int fd, uint32_t kind, uint32_t value) {
  uint32_t words[2] = {kind, value};
  /* write, not send: a seccomp filter of the container may be in force. A closed socket means that
   * the supervisor is gone. */
  if (write(fd, words, sizeof words) != (ssize_t)sizeof words)
    _exit(NOT_STARTED);
}

void sync_send_failure(int fd, const struct failure *failure) {
  struct sync_message message = {.kind = SYNC_FAILED, .failure = *failure};
  ssize_t n = write(fd, &message, sizeof message);
  (void)n;
}

void sync_wait(int fd) {
  uint32_t word = 0;
  ssize_t n;
  do {
    n = read(fd, &word, sizeof word);
  } while (n < 0 && errno == EINTR);
  if (n != (ssize_t)sizeof word || word != SYNC_GO)
    _exit(NOT_STARTED);
}

static int compare_ints(const void *a, const void *b) {
  return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

void close_all_but_launch(struct launch *launch) {
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

void restore_oom_score(void) {
  char text[16];
  if (!supervisor.oom_score_changed)
    return;
  snprintf(text, sizeof text, "%d", supervisor.oom_score);
  cleanup_close int fd = openat(supervisor.proc_fd, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? write(fd, text, strlen(text)) : 0;
  (void)n;
}

int write_proc_file(const char *path, const char *value, struct failure *failure) {
  /*
   * The host's procfs instance shows the caller's own namespaces under sys/ and self/, and no mount
   * of the container can stand in its way.
   */
  cleanup_close int fd = sys_openat2(supervisor.proc_fd, path, O_WRONLY | O_CLOEXEC, 0,
                                     RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
  if (fd < 0)
    return fail(failure, errno, "open", path);
  size_t length = strlen(value);
  if (write(fd, value, length) != (ssize_t)length)
    return fail(failure, errno, "write", path);
  return 0;
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

static int step_stop(struct child *child, const struct step *step, struct failure *failure) {
  (void)failure;
  sync_send(child->sync, step->code == STEP_STOP ? SYNC_STOPPED : SYNC_READY,
            step->code == STEP_STOP ? step_u32(step, 0) : 0);
  sync_wait(child->sync);
  return 0;
}

static int step_hook(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  struct hook hook;
  char self[16];
  hook_parse(step, &hook);
  /* The pid that the state of the container names is the host's. */
  ssize_t n = readlinkat(supervisor.proc_fd, "self", self, sizeof self - 1);
  if (n <= 0)
    return fail(failure, errno, "read own pid", "");
  self[n] = 0;
  return hook_run_and_wait(&hook, atoi(self), failure);
}

static int step_umask(struct child *child, const struct step *step, struct failure *failure) {
  (void)failure;
  umask((mode_t)step_u32(step, 0) & 0777);
  child->umask_set = true;
  return 0;
}

typedef int step_function(struct child *child, const struct step *step, struct failure *failure);

static step_function *const step_functions[] = {
    [STEP_CGROUP1] = step_cgroup1,
    [STEP_UNSHARE] = step_unshare,
    [STEP_HOSTNAME] = step_host_name,
    [STEP_DOMAINNAME] = step_host_name,
    [STEP_LOOPBACK_UP] = step_loopback_up,
    [STEP_PROPAGATION] = step_propagation,
    [STEP_ROOT] = step_root,
    [STEP_MOUNT] = step_mount,
    [STEP_COPY_UP] = step_copy_up,
    [STEP_BIND] = step_bind,
    [STEP_ATTRIBUTES] = step_attributes,
    [STEP_READ_ONLY] = step_read_only,
    [STEP_MASK] = step_mask,
    [STEP_MAKE_NODE] = step_make_node,
    [STEP_SYMLINK] = step_symlink,
    [STEP_MAKE_FOLDER] = step_make_folder,
    [STEP_PIVOT] = step_pivot,
    [STEP_RLIMIT] = step_rlimit,
    [STEP_SYSCTL] = step_sysctl,
    [STEP_OOM_SCORE] = step_oom_score,
    [STEP_SCHEDULER] = step_scheduler,
    [STEP_IO_PRIORITY] = step_io_priority,
    [STEP_PERSONALITY] = step_personality,
    [STEP_AFFINITY] = step_affinity,
    [STEP_MEMORY_POLICY] = step_memory_policy,
    [STEP_KEYRING] = step_keyring,
    [STEP_NO_NEW_PRIVS] = step_no_new_privs,
    [STEP_SECCOMP] = step_seccomp,
    [STEP_CAP_BOUNDING] = step_cap_bounding,
    [STEP_CAPS] = step_caps,
    [STEP_USER] = step_user,
    [STEP_KEEP_CAPS] = step_keep_caps,
    [STEP_APPARMOR] = step_label,
    [STEP_SELINUX] = step_label,
    [STEP_CONSOLE] = step_console,
    [STEP_STDIO] = step_stdio,
    [STEP_CWD] = step_cwd,
    [STEP_LOOK_UP] = step_look_up,
    [STEP_STOP] = step_stop,
    [STEP_READY] = step_stop,
    [STEP_HOOK] = step_hook,
    [STEP_EXEC] = step_exec,
    [STEP_UMASK] = step_umask,
};

static int do_step(struct child *child, const struct step *step, struct failure *failure) {
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
    if (do_step(child, &step, failure) == 0)
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

/* What a clone of the supervisor inherits and a container must not. */
static void shed_supervisor(struct launch *launch) {
  close_all_but_launch(launch);
  sigset_t none; /* dispositions are the defaults since the supervisor's birth; it only blocks */
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setrlimit(RLIMIT_NOFILE, &supervisor.open_files);
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
    restore_oom_score();
  /* A helper has already joined what there is to join. */
  if (launch->settings.helper || join(launch, &failure) == 0)
    run_steps(&child, &failure);
  sync_send_failure(child.sync, &failure);
  _exit(NOT_STARTED);
}
