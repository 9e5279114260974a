#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"
#include "supervisor.h"
#include "syscalls.h"

void hook_parse(const struct step *step, struct hook *hook) {
  memcpy(&hook->head, step->payload, sizeof hook->head);
  hook->path = (const char *)step->payload + sizeof hook->head;
  hook->argv = hook->path + strlen(hook->path) + 1;
  hook->envp = hook->argv;
  for (uint32_t i = 0; i < hook->head.argc; i++)
    hook->envp += strlen(hook->envp) + 1;
  hook->before = hook->envp;
  for (uint32_t i = 0; i < hook->head.envc; i++)
    hook->before += strlen(hook->before) + 1;
  hook->after = hook->before + strlen(hook->before) + 1;
}

char **hook_strings(const char *first, uint32_t count) {
  size_t size = ((size_t)count + 1) * sizeof(char *);
  char **array = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (array == MAP_FAILED)
    return NULL;
  for (uint32_t i = 0; i < count; i++) {
    array[i] = (char *)(uintptr_t)first;
    first += strlen(first) + 1;
  }
  array[count] = NULL;
  return array;
}

/* The state is a memfd, so that the hook may read it when it likes and nobody has to feed a pipe.
 */
static int state_file(const struct hook *hook, int pid) {
  char number[16];
  int digits = snprintf(number, sizeof number, "%d", pid);
  int fd = memfd_create("state", 0);
  if (fd < 0)
    return -1;
  const char *parts[3] = {hook->before, number, hook->after};
  size_t lengths[3] = {strlen(hook->before), (size_t)digits, strlen(hook->after)};
  if (lengths[0] == 0 && lengths[2] == 0)
    lengths[1] = 0;
  for (int i = 0; i < 3; i++)
    if (lengths[i] > 0 && write(fd, parts[i], lengths[i]) != (ssize_t)lengths[i])
      return -1;
  return lseek(fd, 0, SEEK_SET) < 0 ? -1 : fd;
}

void hook_exec(const struct hook *hook, int pid, int output) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int state = state_file(hook, pid);
  if (state < 0 || dup2(state, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
    _exit(126);
  sys_close_range(3, ~0u, 0);
  char **argv = hook_strings(hook->argv, hook->head.argc);
  char **envp = hook_strings(hook->envp, hook->head.envc);
  if (argv != NULL && envp != NULL)
    execve(hook->path, argv, envp);
  dprintf(2, "%s: %s", hook->path, strerror(errno));
  _exit(127);
}

struct tail {
  char bytes[HOOK_OUTPUT_MAX];
  size_t length;
};

/* Keeps the last bytes. Returns false at the end of the output. */
static bool read_tail(int fd, struct tail *tail) {
  char chunk[HOOK_OUTPUT_MAX];
  ssize_t n = read(fd, chunk, sizeof chunk);
  if (n <= 0)
    return n < 0 && errno == EINTR;
  size_t keep = sizeof tail->bytes - (size_t)n;
  if (tail->length > keep) {
    memmove(tail->bytes, tail->bytes + tail->length - keep, keep);
    tail->length = keep;
  }
  memcpy(tail->bytes + tail->length, chunk, (size_t)n);
  tail->length += (size_t)n;
  return true;
}

/* Reads until the hook has ended or its time is over; its output may outlive it in a grandchild. */
static bool watch_hook(int pidfd, int output, uint32_t timeout_ms, struct tail *tail) {
  uint64_t end = monotonic_now() + (uint64_t)timeout_ms * 1000000u;
  struct pollfd fds[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = output, .events = POLLIN}};
  for (;;) {
    int wait = -1;
    if (timeout_ms != 0) {
      uint64_t now = monotonic_now();
      if (now >= end)
        return false;
      wait = (int)((end - now + 999999u) / 1000000u);
    }
    if (poll(fds, 2, wait) < 0 && errno != EINTR)
      return false;
    if ((fds[1].revents & (POLLIN | POLLHUP)) != 0 && !read_tail(output, tail))
      fds[1].fd = -1;
    if ((fds[0].revents & POLLIN) != 0)
      break;
  }
  struct pollfd rest = {.fd = output, .events = POLLIN};
  while (fds[1].fd >= 0 && poll(&rest, 1, 0) > 0 && (rest.revents & POLLIN) != 0 &&
         read_tail(output, tail)) {
  }
  return true;
}

int hook_run_and_wait(const struct hook *hook, int pid, struct failure *failure) {
  static struct tail tail;
  int ends[2];
  tail.length = 0;
  if (pipe2(ends, O_CLOEXEC) < 0)
    return fail(failure, errno, "run hook", hook->path);
  cleanup_close int output = ends[0];
  int pidfd_value = -1;
  struct clone_args arguments = {
      .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd_value, .exit_signal = SIGCHLD};
  pid_t child = sys_clone3(&arguments);
  if (child == 0)
    hook_exec(hook, pid, ends[1]);
  int error = errno;
  close(ends[1]);
  cleanup_close int pidfd = pidfd_value;
  if (child < 0)
    return fail(failure, error, "run hook", hook->path);
  bool in_time = watch_hook(pidfd, output, hook->head.timeout_ms, &tail);
  if (!in_time)
    sys_pidfd_send_signal(pidfd, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return 0;
  char what[60];
  if (!in_time)
    snprintf(what, sizeof what, "hook timed out");
  else if (WIFEXITED(status))
    snprintf(what, sizeof what, "hook exited with %d", WEXITSTATUS(status));
  else
    snprintf(what, sizeof what, "hook killed by signal %d", WTERMSIG(status));
  char object[sizeof failure->object];
  size_t shown = tail.length < 300 ? tail.length : 300;
  snprintf(object, sizeof object, "%.120s: %.*s", hook->path, (int)shown,
           tail.bytes + tail.length - shown);
  return fail(failure, in_time ? ECANCELED : ETIMEDOUT, what, object);
}
