#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "syscalls.h"

struct supervisor supervisor = {.proc_fd = -1,
                                .task_fd = -1,
                                .exit_fd = -1,
                                .null_fd = -1,
                                .host_mounts_fd = -1,
                                .self_pidfd = -1,
                                .phase = PHASE_EMPTY};

int supervisor_reopen(int fd, int flags) {
  char path[32];
  snprintf(path, sizeof path, "self/fd/%d", fd);
  return openat(supervisor.proc_fd, path, flags | O_CLOEXEC);
}

void supervisor_restore_oom_score(void) {
  char text[16];
  if (!supervisor.oom_score_changed)
    return;
  snprintf(text, sizeof text, "%d", supervisor.oom_score);
  cleanup_close int fd = openat(supervisor.proc_fd, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? write(fd, text, strlen(text)) : 0;
  (void)n;
}

int supervisor_enter_host(void) {
  if (supervisor.host_mounts_fd >= 0 && sys_setns(supervisor.host_mounts_fd, CLONE_NEWNS) < 0)
    return -1;
  return chdir("/");
}

void supervisor_restore_limits(void) {
  setrlimit(RLIMIT_NOFILE, &supervisor.open_files);
  setrlimit(RLIMIT_CORE, &supervisor.core);
}

int supervisor_write_proc(const char *path, const char *value, struct failure *failure) {
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
