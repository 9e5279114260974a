#include "hook_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "loop.h"
#include "process.h"
#include "results.h"
#include "supervisor.h"
#include "syscalls.h"

#define HOOKS_MAX 8u
#define LINGER_MS 100u /* for output that is still in the pipe of a grandchild */

struct running_hook {
  bool used;
  bool ended;
  bool timed_out;
  uint64_t request;
  pid_t pid;
  int pidfd;
  struct watch output;
  struct timer timer;
  siginfo_t info;
  uint32_t length;
  char tail[HOOK_OUTPUT_MAX];
};

static struct running_hook hooks[HOOKS_MAX];

static void finish(struct running_hook *hook) {
  static uint8_t payload[sizeof(struct hook_reply) + HOOK_OUTPUT_MAX + 1];
  struct hook_reply answer = {
      .how = hook->info.si_code == CLD_EXITED ? EXIT_EXITED : EXIT_SIGNALLED,
      .timed_out = hook->timed_out,
      .code = (uint32_t)hook->info.si_status,
  };
  memcpy(payload, &answer, sizeof answer);
  /* A NUL in the output would end the string early. */
  for (uint32_t i = 0; i < hook->length; i++)
    payload[sizeof answer + i] = hook->tail[i] != 0 ? (uint8_t)hook->tail[i] : '?';
  payload[sizeof answer + hook->length] = 0;
  timer_clear(&hook->timer);
  watch_close(&hook->output);
  close_fd(&hook->pidfd);
  hook->used = false;
  results_answer(hook->request, payload, (uint32_t)sizeof answer + hook->length + 1, NULL);
}

static void read_output(struct watch *watch, uint32_t events) {
  (void)events;
  struct running_hook *hook = container_of(watch, struct running_hook, output);
  char chunk[HOOK_OUTPUT_MAX];
  ssize_t n = read(watch->fd, chunk, sizeof chunk);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0) {
    watch_close(watch);
    if (hook->ended)
      finish(hook);
    return;
  }
  uint32_t keep = HOOK_OUTPUT_MAX - (uint32_t)n;
  if (hook->length > keep) {
    memmove(hook->tail, hook->tail + hook->length - keep, keep);
    hook->length = keep;
  }
  memcpy(hook->tail + hook->length, chunk, (size_t)n);
  hook->length += (uint32_t)n;
}

static void time_over(struct timer *timer) {
  struct running_hook *hook = container_of(timer, struct running_hook, timer);
  if (hook->ended) {
    finish(hook);
    return;
  }
  hook->timed_out = true;
  sys_pidfd_send_signal(hook->pidfd, SIGKILL);
}

void hook_kill_all(void) {
  for (unsigned i = 0; i < HOOKS_MAX; i++)
    if (hooks[i].used && !hooks[i].ended)
      sys_pidfd_send_signal(hooks[i].pidfd, SIGKILL);
}

bool hook_ended(pid_t pid) {
  for (unsigned i = 0; i < HOOKS_MAX; i++) {
    struct running_hook *hook = &hooks[i];
    if (!hook->used || hook->ended || hook->pid != pid)
      continue;
    waitid(P_PID, (id_t)pid, &hook->info, WEXITED | WNOHANG | __WALL);
    hook->ended = true;
    timer_clear(&hook->timer);
    if (hook->output.fd < 0)
      finish(hook);
    else
      timer_set(&hook->timer, LINGER_MS);
    return true;
  }
  return false;
}

_Noreturn static void run(const struct hook *hook, pid_t init, int output, int mount_ns) {
  setsid();
  supervisor_restore_limits();
  supervisor_restore_oom_score();
  umask(022);
  int entered = mount_ns < 0 ? supervisor_enter_host() : sys_setns(mount_ns, CLONE_NEWNS);
  if (entered < 0 || chdir("/") < 0) {
    dprintf(output, "cannot join the mount namespace: %s", strerror(errno));
    _exit(126);
  }
  hook_exec(hook, init, output);
}

static struct running_hook *hook_new(void) {
  for (unsigned i = 0; i < HOOKS_MAX; i++) {
    if (hooks[i].used)
      continue;
    memset(&hooks[i], 0, sizeof hooks[i]);
    hooks[i].pidfd = hooks[i].output.fd = -1;
    return &hooks[i];
  }
  return NULL;
}

static int start(struct running_hook *running, const struct hook *hook, int mount_ns,
                 struct failure *failure) {
  int ends[2];
  struct process *init = process_init();
  pid_t init_pid = init != NULL ? init->pid : 0;
  if (pipe2(ends, O_CLOEXEC) < 0)
    return fail(failure, errno, "run hook", hook->path);
  struct clone_args arguments = {
      .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&running->pidfd, .exit_signal = SIGCHLD};
  running->pid = sys_clone3(&arguments);
  if (running->pid == 0)
    run(hook, init_pid, ends[1], mount_ns);
  int error = errno;
  close(ends[1]);
  if (running->pid < 0) {
    close(ends[0]);
    return fail(failure, error, "run hook", hook->path);
  }
  running->used = true;
  running->output.fd = ends[0];
  running->output.ready = read_output;
  running->timer.fire = time_over;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  watch_set(&running->output, EPOLLIN);
  if (hook->head.timeout_ms != 0)
    timer_set(&running->timer, hook->head.timeout_ms);
  return 0;
}

int hook_begin(uint64_t request, int memfd, int mount_ns, struct failure *failure) {
  struct plan plan = {0};
  struct hook hook;
  struct running_hook *running = hook_new();
  if (running == NULL)
    return fail(failure, EAGAIN, "run hook", "too many at a time");
  if (plan_map(memfd, &plan, failure) < 0)
    return -1;
  struct step step = {STEP_HOOK, 0, 0, (uint32_t)plan.mapped, plan.bytes};
  int result = plan_validate_step(&step, 0, failure);
  if (result == 0) {
    hook_parse(&step, &hook);
    running->request = request;
    result = start(running, &hook, mount_ns, failure);
  }
  plan_unmap(&plan);
  return result;
}
