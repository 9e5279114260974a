#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "attach.h"
#include "child.h"
#include "endings.h"
#include "id_maps.h"
#include "listener.h"
#include "results.h"
#include "supervisor.h"
#include "sync.h"
#include "syscalls.h"

#define LAUNCHES_MAX 32u

static struct launch launches[LAUNCHES_MAX];

static void (*on_message)(void);

static void sync_ready(struct watch *watch, uint32_t events);

void launch_on_message(void (*handler)(void)) { on_message = handler; }

static struct launch *launch_new(void) {
  for (unsigned i = 0; i < LAUNCHES_MAX; i++) {
    struct launch *launch = &launches[i];
    if (launch->used)
      continue;
    /* The descriptor table is filled by the caller: clearing 4 KiB would touch them for nothing. */
    memset(launch, 0, offsetof(struct launch, fds));
    memset((char *)launch + offsetof(struct launch, fd_count), 0,
           sizeof *launch - offsetof(struct launch, fd_count));
    launch->used = true;
    launch->child_sync = -1;
    launch->sync.fd = -1;
    launch->sync.ready = sync_ready;
    launch->settings.cgroup2 = -1;
    return launch;
  }
  return NULL;
}

/* The plan's descriptors are needed only until the child is born, and so is the plan where it
 * names no listener. */
static void drop_plan(struct launch *launch) {
  if (launch->settings.listener == NULL)
    plan_unmap(&launch->plan);
  for (uint32_t i = 0; i < launch->fd_count; i++)
    close_fd(&launch->fds[i]);
  launch->fd_count = 0;
}

static void launch_free(struct launch *launch) {
  launch->settings.listener = NULL;
  drop_plan(launch);
  close_fd(&launch->child_sync);
  watch_close(&launch->sync);
  if (launch->process != NULL)
    launch->process->launch = NULL;
  launch->used = false;
}

static void answer(struct launch *launch) {
  struct process *process = launch->process;
  if (launch->request == 0)
    return;
  if (launch->failed) {
    results_fail(launch->request, &launch->failure);
  } else if (launch->op == OP_START) {
    results_answer(launch->request, NULL, 0, NULL);
  } else {
    struct launch_reply made = {.pid = (uint32_t)process->pid, .stop = STEP_NONE};
    results_answer(launch->request, &made, sizeof made, launch->op == OP_CONTINUE ? NULL : process);
  }
  launch->request = 0;
}

static uint32_t u32_of(const struct step *step, uint32_t offset) {
  uint32_t value;
  memcpy(&value, step->payload + offset, sizeof value);
  return value;
}

#define NEEDS_HELPER (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME)

static int collect_step(struct launch *launch, const struct step *step, struct failure *failure) {
  struct launch_settings *settings = &launch->settings;
  struct process *process = launch->process;
  switch (step->code) {
  case STEP_TERMINAL: {
    struct step_terminal terminal;
    memcpy(&terminal, step->payload, sizeof terminal);
    settings->terminal = process->stdio.terminal = true;
    process->stdio.rows = terminal.rows;
    process->stdio.columns = terminal.columns;
    return 0;
  }
  case STEP_SINK: {
    struct step_sink sink;
    memcpy(&sink, step->payload, sizeof sink);
    return stdio_add_sink(&process->stdio, &sink, step_string(step, sizeof sink, 0), launch->fds,
                          failure);
  }
  case STEP_JOIN:
    /* Other namespaces the child can join itself; these decide where it is born. */
    if ((u32_of(step, 0) & NEEDS_HELPER) != 0)
      settings->helper = true;
    if ((u32_of(step, 0) & CLONE_NEWUSER) != 0)
      settings->user_namespace = true;
    return 0;
  case STEP_JOIN_PIDFD:
    settings->helper = true;
    return 0;
  case STEP_ID_MAPS:
    settings->id_maps = true;
    return 0;
  case STEP_TIME_OFFSETS:
    settings->helper = true;
    settings->time_offsets = step_string(step, 0, 0);
    settings->time_step = step->index;
    return 0;
  case STEP_CGROUP2:
    settings->cgroup2 = launch->fds[u32_of(step, 0)];
    settings->cgroup2_step = step->index;
    return 0;
  case STEP_PROC_WRITE:
    settings->proc_write = true;
    if (strcmp(step_string(step, 8, 0), "oom_score_adj") == 0)
      settings->oom_score = true;
    return 0;
  case STEP_OOM_COUNTER:
    close_fd(&process->oom_fd);
    process->oom_fd = fcntl(launch->fds[u32_of(step, 0)], F_DUPFD_CLOEXEC, 3);
    if (process->oom_fd < 0)
      return fail(failure, errno, "keep descriptor", "oom counter");
    process->oom_before = process_oom_kills(process->oom_fd);
    return 0;
  case STEP_OOM_SCORE:
    settings->oom_score = true;
    return 0;
  case STEP_ROOT:
    settings->makes_root = true;
    return 0;
  case STEP_SECCOMP:
    settings->filter = true;
    settings->filter_step = step->index;
    settings->listens = (u32_of(step, 0) & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
    return 0;
  default:
    return 0;
  }
}

static int collect(struct launch *launch, struct failure *failure) {
  struct step step = {.payload = NULL};
  if ((launch->plan.header.namespaces & (CLONE_NEWUSER | CLONE_NEWTIME)) != 0)
    launch->settings.helper = true;
  launch->settings.user_namespace = (launch->plan.header.namespaces & CLONE_NEWUSER) != 0;
  while (plan_next(&launch->plan, &step)) {
    if (collect_step(launch, &step, failure) < 0 && (step.flags & STEP_OPTIONAL) == 0) {
      failure->step = step.index;
      failure->code = step.code;
      return -1;
    }
  }
  failure_clear(failure);
  launch->settings.listener = listener_of(&launch->plan, &launch->settings.listener_step);
  if (launch->settings.listens != (launch->settings.listener != NULL))
    return fail(failure, EINVAL, "collect plan", "a listener and a filter that asks one");
  if (launch->process->stdio.terminal && launch->process->stdio.outputs[1].first != NULL)
    return fail(failure, EINVAL, "collect plan", "a terminal has no stderr");
  return 0;
}

static const char *plan_id(const struct plan *plan) {
  struct step step = {.payload = NULL};
  while (plan_next(plan, &step))
    if (step.code == STEP_ID)
      return step_string(&step, 0, 0);
  return "";
}

/* Carries out STEP_PROC_WRITE from outside, where the privilege for it still is. */
static int write_proc(const struct launch *launch, pid_t pid, struct failure *failure) {
  struct step step = {.payload = NULL};
  while (plan_next(&launch->plan, &step)) {
    if (step.code != STEP_PROC_WRITE)
      continue;
    const char *file = step_string(&step, 8, 0);
    const char *value = step_string(&step, 8, 1);
    char path[300];
    snprintf(path, sizeof path, "%d/%.255s", (int)pid, file);
    cleanup_close int fd =
        openat(launch->fds[u32_of(&step, 0)], path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value))
      continue;
    if ((step.flags & STEP_OPTIONAL) != 0)
      continue;
    failure->step = step.index;
    failure->code = step.code;
    return fail(failure, errno, "write", path);
  }
  return 0;
}

static int write_one(pid_t pid, const char *file, const char *value, struct failure *failure) {
  char path[64];
  snprintf(path, sizeof path, "%d/%s", (int)pid, file);
  cleanup_close int fd = openat(supervisor.proc_fd, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
    return fail(failure, errno, "write", path);
  return 0;
}

static int write_maps(const struct launch *launch, pid_t pid, struct failure *failure) {
  struct step step = {.payload = NULL};
  while (plan_next(&launch->plan, &step)) {
    if (step.code != STEP_ID_MAPS)
      continue;
    struct step_id_maps maps;
    memcpy(&maps, step.payload, sizeof maps);
    const char *uids = step_string(&step, sizeof maps, 0);
    const char *gids = step_string(&step, sizeof maps, 1);
    failure->step = step.index;
    failure->code = step.code;
    if (maps.deny_setgroups != 0 && write_one(pid, "setgroups", "deny", failure) < 0)
      return -1;
    if (uids[0] != 0 && write_one(pid, "uid_map", uids, failure) < 0)
      return -1;
    if (gids[0] != 0 && write_one(pid, "gid_map", gids, failure) < 0)
      return -1;
  }
  failure_clear(failure);
  return 0;
}

static void go(struct launch *launch) {
  uint32_t word = SYNC_GO;
  ssize_t n = send(launch->sync.fd, &word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL);
  (void)n; /* whoever does not get it has ended, which the reaper sees */
}

/* Ends a launch whose supervisor's part failed: nothing of the process may stay. */
static void launch_fail(struct launch *launch) {
  launch->failed = true;
  if (launch->process->pidfd >= 0)
    sys_pidfd_send_signal(launch->process->pidfd, SIGKILL);
  else if (launch->helper > 0)
    kill(launch->helper, SIGKILL); /* our own child, not yet waited for */
}

static void born(struct launch *launch, pid_t pid) {
  struct process *process = launch->process;
  process->pid = pid;
  if (process->pidfd < 0)
    process->pidfd = sys_pidfd_open(pid);
  if (process->pidfd < 0)
    fail(&launch->failure, errno, "pidfd_open", "");
  if (process->pidfd < 0 ||
      (launch->settings.proc_write && write_proc(launch, pid, &launch->failure) < 0)) {
    launch->failed = true;
    kill(pid, SIGKILL); /* an unreaped child of ours: the number cannot be another's */
    return;
  }
  drop_plan(launch);
  if (launch->settings.helper || launch->settings.proc_write)
    go(launch);
  stdio_start(&process->stdio);
}

static void report_stop(struct launch *launch, enum phase phase, uint32_t stop) {
  struct process *process = launch->process;
  process->phase = phase;
  if (process->init)
    supervisor.phase = phase;
  launch->released = true;
  if (launch->request == 0)
    return;
  struct launch_reply made = {.pid = (uint32_t)process->pid, .stop = stop};
  results_answer(launch->request, &made, sizeof made, launch->op == OP_CREATE ? process : NULL);
  launch->request = 0;
}

static void hand_over(struct launch *launch, int number) {
  const struct launch_settings *settings = &launch->settings;
  if (settings->listener != NULL && listener_hand_over(settings->listener, launch->process, number,
                                                       &launch->failure) == 0) {
    go(launch);
    return;
  }
  launch->failure.step = settings->listener_step;
  launch->failure.code = STEP_LISTENER;
  launch_fail(launch);
}

static void handle_message(struct launch *launch, const struct sync_message *message, int fd) {
  if (launch->failed) { /* what it had sent before it was killed does not count any more */
    close_fd(&fd);
    return;
  }
  switch (message->kind) {
  case SYNC_MAPS:
    if (write_maps(launch, launch->helper, &launch->failure) < 0)
      launch_fail(launch);
    else
      go(launch);
    break;
  case SYNC_TIME:
    if (write_one(launch->helper, "timens_offsets", launch->settings.time_offsets,
                  &launch->failure) < 0) {
      launch->failure.step = launch->settings.time_step;
      launch->failure.code = STEP_TIME_OFFSETS;
      launch_fail(launch);
    }
    else
      go(launch);
    break;
  case SYNC_BORN:
    if (launch->process->pid == 0)
      born(launch, (pid_t)message->value);
    break;
  case SYNC_STOPPED:
    report_stop(launch, PHASE_STOPPED_AT_STEP, message->value);
    break;
  case SYNC_READY:
    report_stop(launch, PHASE_CREATED, STEP_NONE);
    break;
  case SYNC_EXECUTING:
    launch->executing = true;
    break;
  case SYNC_CONSOLE:
    if (fd < 0)
      break;
    if (stdio_set_master(&launch->process->stdio, fd, &launch->failure) < 0)
      launch_fail(launch);
    return; /* taken, or closed */
  case SYNC_LISTENER:
    hand_over(launch, (int)message->value);
    break;
  case SYNC_FAILED:
    /* The child ends by itself now, with a status that says so. */
    launch->failure = message->failure;
    launch->failed = true;
    break;
  default:
    break;
  }
  if (fd >= 0)
    close(fd);
}

/* Takes one message: 1, 0 at the end, -1 when none waits. */
static int take_message(struct launch *launch) {
  struct sync_message message = {0};
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {&message, sizeof message};
  struct msghdr head = {.msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = control.bytes,
                        .msg_controllen = sizeof control.bytes};
  ssize_t n;
  do {
    n = recvmsg(launch->sync.fd, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN ? -1 : 0;
  if (n == 0)
    return 0;
  int fd = -1;
  struct cmsghdr *c = CMSG_FIRSTHDR(&head);
  if (c != NULL && c->cmsg_type == SCM_RIGHTS)
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
  message.failure.what[sizeof message.failure.what - 1] = 0;
  message.failure.object[sizeof message.failure.object - 1] = 0;
  handle_message(launch, &message, fd);
  return 1;
}

/* Ends a launch when execve has closed the last end: the process runs its own program now. */
static void launch_succeeded(struct launch *launch) {
  struct process *process = launch->process;
  process->phase = PHASE_RUNNING;
  if (process->init)
    supervisor.phase = PHASE_RUNNING;
  answer(launch);
  launch_free(launch);
  stdio_running(&process->stdio, attach_hold_ms(process));
}

static void sync_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct launch *launch = container_of(watch, struct launch, sync);
  int more = take_message(launch);
  if (more != 0) {
    on_message(); /* what was held back until a helper had told the pid of its child */
    return;
  }
  if (launch->executing && !launch->failed) {
    launch_succeeded(launch);
    return;
  }
  watch_close(&launch->sync); /* it ended early: the reaper tells how */
}

static void clone_failed(const struct launch *launch, int error, struct failure *failure) {
  const struct launch_settings *s = &launch->settings;
  if (s->cgroup2 >= 0 && (error == EBUSY || error == EOPNOTSUPP || error == ENOENT ||
                          error == EBADF || error == ENODEV || error == EACCES)) {
    failure->step = s->cgroup2_step;
    failure->code = STEP_CGROUP2;
  }
  fail(failure, error, "clone3", s->cgroup2 >= 0 ? "cgroup v2 folder" : "");
}

static int launch_clone(struct launch *launch, struct failure *failure) {
  struct launch_settings *s = &launch->settings;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
    return fail(failure, errno, "socketpair", "");
  launch->sync.fd = pair[0];
  launch->child_sync = pair[1];
  int pidfd = -1;
  struct clone_args arguments = {
      .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
  if (s->cgroup2 >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)(unsigned)s->cgroup2;
  }
  if (!s->helper)
    arguments.flags |= launch->plan.header.namespaces;
  pid_t pid = sys_clone3(&arguments);
  if (pid < 0) {
    clone_failed(launch, errno, failure);
    return -1;
  }
  if (pid == 0) {
    if (s->helper)
      helper_main(launch);
    child_main(launch, s->proc_write);
  }
  close_fd(&launch->child_sync);
  stdio_close_child_ends(&launch->process->stdio);
  watch_set(&launch->sync, EPOLLIN);
  if (s->helper) {
    close_fd(&pidfd);
    launch->helper = pid;
  } else {
    launch->process->pidfd = pidfd;
    born(launch, pid);
  }
  return 0;
}

static int prepare(struct launch *launch, uint32_t kind, int memfd, struct failure *failure) {
  if (plan_map(memfd, &launch->plan, failure) < 0 ||
      plan_validate(&launch->plan, launch->fd_count, failure) < 0)
    return -1;
  if (launch->plan.header.kind != kind)
    return fail(failure, EINVAL, "validate plan", "kind does not fit the operation");
  const char *id = plan_id(&launch->plan);
  if ((id[0] == 0) != (kind == PLAN_INIT))
    return fail(failure, EINVAL, "validate plan", "exec id");
  if (process_by_id(id) != NULL)
    return fail(failure, EEXIST, "launch", id);
  launch->process = endings_admit(id, kind == PLAN_INIT);
  if (launch->process == NULL)
    return fail(failure, EUSERS, "launch", "too many processes");
  launch->process->launch = launch;
  if (collect(launch, failure) < 0)
    return -1;
  if (stdio_make_pipes(&launch->process->stdio, failure) < 0)
    return -1;
  id_maps_give_pipes(&launch->plan, &launch->process->stdio);
  return 0;
}

int launch_begin(uint32_t kind, uint16_t op, uint64_t request, int memfd, int *fds,
                 uint32_t fd_count, struct failure *failure) {
  struct launch *launch = launch_new();
  if (launch == NULL) {
    for (uint32_t i = 0; i < fd_count; i++)
      close_fd(&fds[i]);
    return fail(failure, EUSERS, "launch", "too many launches at a time");
  }
  memcpy(launch->fds, fds, fd_count * sizeof *fds);
  launch->fd_count = fd_count;
  launch->op = op;
  launch->request = request;
  failure_clear(&launch->failure);
  if (prepare(launch, kind, memfd, failure) == 0 && launch_clone(launch, failure) == 0)
    return 0;
  struct process *process = launch->process;
  launch_free(launch);
  if (process != NULL)
    process_free(process);
  return -1;
}

int launch_release(struct process *process, uint16_t op, uint64_t request,
                   struct failure *failure) {
  enum phase wanted = op == OP_START ? PHASE_CREATED : PHASE_STOPPED_AT_STEP;
  struct launch *launch = process->launch;
  if (process->exited || process->phase == PHASE_EXITED)
    return fail(failure, ESRCH, "release", "the process has ended");
  if (launch == NULL || process->phase != wanted || launch->request != 0)
    return fail(failure, EBUSY, "release", "the process does not wait for this");
  launch->op = op;
  launch->request = request;
  launch->starting = op == OP_START;
  go(launch);
  return 0;
}

bool launch_helpers_active(void) {
  for (unsigned i = 0; i < LAUNCHES_MAX; i++)
    if (launches[i].used && launches[i].helper > 0 && launches[i].process->pid == 0)
      return true;
  return false;
}

static void discard(struct launch *launch) {
  struct process *process = launch->process;
  answer(launch);
  launch_free(launch);
  process_free(process);
}

bool launch_helper_ended(pid_t pid) {
  for (unsigned i = 0; i < LAUNCHES_MAX; i++) {
    struct launch *launch = &launches[i];
    if (!launch->used || launch->helper != pid)
      continue;
    launch->helper = 0;
    /* The last words of the helper may still lie in the socket. */
    while (launch->sync.fd >= 0 && launch->process->pid == 0 && take_message(launch) > 0) {
    }
    if (launch->process->pid != 0)
      return true;
    if (!launch->failed)
      fail(&launch->failure, ECHILD, "launch", "the helper ended before it had made the process");
    launch->failed = true;
    discard(launch);
    return true;
  }
  return false;
}

/* The process has ended without a word of its own. */
static void ended_silently(struct launch *launch, int error, const siginfo_t *info) {
  const struct launch_settings *settings = &launch->settings;
  bool killed = info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED;
  int signal = info->si_status;
  launch->failed = true;
  /* SIGSYS is the filter's own; the others are what sync_end leaves where no call is allowed, and
   * what comes of a call that only seems to have been made. */
  if (settings->filter && killed &&
      (signal == SIGSYS || signal == SIGILL || signal == SIGTRAP || signal == SIGSEGV)) {
    fail(&launch->failure, EPERM, "launch", "its seccomp filter forbids what starting takes");
    launch->failure.step = settings->filter_step;
    launch->failure.code = STEP_SECCOMP;
    return;
  }
  fail(&launch->failure, error, "launch", "the process ended before execve");
}

bool launch_process_ended(struct launch *launch, const siginfo_t *info) {
  while (launch->sync.fd >= 0 && take_message(launch) > 0) {
  }
  if (launch->executing && !launch->failed) {
    launch_succeeded(launch);
    return false;
  }
  if (launch->released) {
    /* It had been made: the caller of START or CONTINUE hears what went wrong, and the exit is one
     * like any other. */
    if (!launch->failed)
      ended_silently(launch, ESRCH, info);
    answer(launch);
    launch_free(launch);
    return false;
  }
  if (!launch->failed)
    ended_silently(launch, ECHILD, info);
  discard(launch);
  return true;
}

void launch_abort_all(void) {
  for (unsigned i = 0; i < LAUNCHES_MAX; i++)
    if (launches[i].used)
      launch_fail(&launches[i]);
}

bool launch_is_helper(pid_t pid) {
  for (unsigned i = 0; i < LAUNCHES_MAX; i++)
    if (launches[i].used && launches[i].helper == pid)
      return true;
  return false;
}

bool launch_reap_helpers(void) {
  bool any = false;
  for (unsigned i = 0; i < LAUNCHES_MAX; i++) {
    if (!launches[i].used || launches[i].helper <= 0)
      continue;
    siginfo_t info;
    info.si_pid = 0;
    pid_t pid = launches[i].helper;
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | __WALL) == 0 && info.si_pid == pid) {
      launch_helper_ended(pid);
      any = true;
    }
  }
  return any;
}
