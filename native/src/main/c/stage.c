#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fail.h"
#include "loop.h"
#include "run.h"
#include "supervisor.h"
#include "syscalls.h"

#define CONTROLLER_FD 3
#define TASK_FD 4
#define CGROUPS_MAX 32
#define OWN_OOM_SCORE "-999" /* not -1000: a child that missed its reset must not be immortal */

struct stage {
  int cgroup2;
  int cgroup1[CGROUPS_MAX];
  int cgroup1_count;
  int mount_ns;
  const char *name;
};

static bool parse_fd(const char *text, const char **end, int *fd) {
  char *after;
  long value = strtol(text, &after, 10);
  if (after == text || value <= TASK_FD || value > 1 << 20)
    return false;
  *fd = (int)value;
  *end = after;
  return true;
}

static bool parse_argument(struct stage *stage, const char *argument) {
  const char *end = argument;
  if (strncmp(argument, "cgroup2=", 8) == 0)
    return parse_fd(argument + 8, &end, &stage->cgroup2) && *end == 0;
  if (strncmp(argument, "mntns=", 6) == 0)
    return parse_fd(argument + 6, &end, &stage->mount_ns) && *end == 0;
  if (strcmp(argument, "tied=1") == 0) {
    supervisor.tied = true;
    return true;
  }
  if (strncmp(argument, "lonely=", 7) == 0) {
    supervisor.lonely_ms = (uint32_t)strtoul(argument + 7, NULL, 10);
    return supervisor.lonely_ms > 0;
  }
  if (strncmp(argument, "name=", 5) == 0) {
    stage->name = argument + 5;
    return true;
  }
  if (strncmp(argument, "cgroup1=", 8) != 0)
    return false;
  for (const char *p = argument + 8;; p = end + 1) {
    if (stage->cgroup1_count == CGROUPS_MAX ||
        !parse_fd(p, &end, &stage->cgroup1[stage->cgroup1_count++]))
      return false;
    if (*end == 0)
      return true;
    if (*end != ',')
      return false;
  }
}

static int say(const char *what) {
  dprintf(2, "berth-supervisor: cannot %s: %s\n", what, strerror(errno));
  return -1;
}

/* Changes what ps shows: the arguments, whose area is one block. */
static void rename_process(int argc, char **argv, const char *name) {
  char copy[64];
  snprintf(copy, sizeof copy, "berth-supervisor %.40s", name);
  size_t room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
  memset(argv[0], 0, room);
  snprintf(argv[0], room, "%s", copy);
  prctl(PR_SET_NAME, "berth-superv", 0, 0, 0);
}

static void read_own_oom_score(void) {
  char text[16] = {0};
  cleanup_close int fd = openat(supervisor.proc_fd, "self/oom_score_adj", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return;
  if (read(fd, text, sizeof text - 1) > 0)
    supervisor.oom_score = atoi(text);
  /* Without CAP_SYS_RESOURCE the score stays what it is. */
  supervisor.oom_score_changed = pwrite(fd, OWN_OOM_SCORE, strlen(OWN_OOM_SCORE), 0) > 0;
}

static int open_socket(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sup.sock"};
  int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0)
    return say("make a socket");
  /* The name is relative and bound from within the folder, whose path may be longer than a socket's
   * name can be (unix(7)). */
  if (fchdir(supervisor.task_fd) < 0)
    return say("enter the task's folder");
  mode_t mask = umask(0177);
  int bound = bind(listener, (struct sockaddr *)&address, sizeof address);
  umask(mask);
  if (bound < 0 || listen(listener, 256) < 0)
    return say("bind sup.sock");
  if (mkdirat(supervisor.task_fd, "exit", 0700) < 0 && errno != EEXIST)
    return say("make the folder of exit records");
  supervisor.exit_fd =
      openat(supervisor.task_fd, "exit", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (supervisor.exit_fd < 0)
    return say("open the folder of exit records");
  return chdir("/") < 0 ? say("leave the task's folder") : listener;
}

static int compare_ints(const void *a, const void *b) {
  return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void close_unneeded(int sync) {
  int keep[] = {CONTROLLER_FD, TASK_FD, supervisor.proc_fd, supervisor.host_mounts_fd, sync};
  unsigned count = sizeof keep / sizeof keep[0];
  qsort(keep, count, sizeof keep[0], compare_ints);
  unsigned next = 3;
  for (unsigned i = 0; i < count; i++) {
    if (keep[i] < (int)next)
      continue; /* one that there is not */
    if (keep[i] > (int)next)
      sys_close_range(next, (unsigned)keep[i] - 1, 0);
    next = (unsigned)keep[i] + 1;
  }
  sys_close_range(next, ~0u, 0);
}

static int null_stdio(void) {
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return say("open /dev/null");
  supervisor.null_fd = fd;
  return 0;
}

/* The supervisor's own birth, in its leaf. Everything that must be so before the first message is
 * read. */
static int become_supervisor(const struct stage *stage, int sync) {
  /* This comes first, for what is joined below would else be joined by a process that others may
   * trace. */
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  setsid();
  for (int i = 0; i < stage->cgroup1_count; i++)
    if (write(stage->cgroup1[i], "0", 1) != 1)
      return say("join a cgroup");
  if (stage->mount_ns >= 0 && sys_setns(stage->mount_ns, CLONE_NEWNS) < 0)
    return say("join the mount namespace");
  if (null_stdio() < 0)
    return -1;
  close_unneeded(sync);
  if (null_stdio() < 0)
    return -1;
  fcntl(CONTROLLER_FD, F_SETFD, FD_CLOEXEC);
  fcntl(TASK_FD, F_SETFD, FD_CLOEXEC);
  supervisor.task_fd = TASK_FD;
  getrlimit(RLIMIT_CORE, &supervisor.core);
  /* The hard limit stays, or what is launched could not be given its own back without
   * CAP_SYS_RESOURCE; a process that is not dumpable leaves no core in any case. */
  struct rlimit none = {0, supervisor.core.rlim_max};
  setrlimit(RLIMIT_CORE, &none);
  getrlimit(RLIMIT_NOFILE, &supervisor.open_files);
  struct rlimit all = {supervisor.open_files.rlim_max, supervisor.open_files.rlim_max};
  setrlimit(RLIMIT_NOFILE, &all);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  read_own_oom_score();
  supervisor.self_pidfd = sys_pidfd_open(getpid());
  if (supervisor.self_pidfd < 0)
    return say("open a pidfd");
  /* All signals are at their defaults and blocked, so that children need only take the mask away.
   */
  for (int i = 1; i < 65; i++)
    if (i != SIGKILL && i != SIGSTOP)
      signal(i, SIG_DFL);
  sigset_t every;
  sigfillset(&every);
  sigprocmask(SIG_SETMASK, &every, NULL);
  umask(022);
  return loop_open() < 0 ? say("make an epoll") : open_socket();
}

static _Noreturn void run_supervisor(const struct stage *stage, int sync) {
  int listener = become_supervisor(stage, sync);
  if (listener < 0)
    _exit(1);
  /* Until here stdio is Java's, where the errors of stage 0 go; the supervisor itself has none to
   * tell. */
  char ready = 1;
  ssize_t n = write(sync, &ready, 1);
  (void)n;
  close(sync);
  for (int i = 0; i < 3; i++)
    dup2(supervisor.null_fd, i);
  _exit(supervisor_run(CONTROLLER_FD, listener) < 0 ? 1 : 0);
}

int stage_main(int argc, char **argv) {
  struct stage stage = {.cgroup2 = -1, .mount_ns = -1, .name = ""};
  for (int i = 2; i < argc; i++) {
    if (!parse_argument(&stage, argv[i])) {
      dprintf(2, "berth-supervisor: bad argument `%s`\n", argv[i]);
      return 1;
    }
  }
  if (fcntl(CONTROLLER_FD, F_GETFD) < 0 || fcntl(TASK_FD, F_GETFD) < 0) {
    dprintf(2, "berth-supervisor: descriptors 3 (controller) and 4 (task folder) are missing\n");
    return 1;
  }
  /* Opened in the mount namespace that we were started in: the slim one need not have a /proc. */
  supervisor.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (supervisor.proc_fd < 0)
    return say("open /proc"), 1;
  if (stage.mount_ns >= 0) {
    supervisor.host_mounts_fd = openat(supervisor.proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (supervisor.host_mounts_fd < 0)
      return say("open the mount namespace"), 1;
  }
  char name[64];
  snprintf(name, sizeof name, "%s", stage.name);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    return say("make a pipe"), 1;
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  if (stage.cgroup2 >= 0) {
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)(unsigned)stage.cgroup2;
  }
  pid_t pid = sys_clone3(&arguments);
  if (pid < 0)
    return say("clone the supervisor into its cgroup"), 1;
  if (pid == 0) {
    close(ends[0]);
    rename_process(argc, argv, name);
    run_supervisor(&stage, ends[1]);
  }
  close(ends[1]);
  char ready = 0;
  ssize_t n;
  do {
    n = read(ends[0], &ready, 1);
  } while (n < 0 && errno == EINTR);
  return n == 1 ? 0 : 1;
}
