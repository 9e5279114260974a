#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach.h"
#include "controller.h"
#include "exits.h"
#include "hook_runner.h"
#include "launch.h"
#include "supervisor.h"
#include "syscalls.h"

static struct process processes[PROCESSES_MAX];
static unsigned high_water; /* entries that were ever used: walks stay short */

/* Execs that ended and that nobody asks for make room, the oldest first. A promise to a client is
 * not broken for it. */
static struct process *evict_oldest(void) {
  struct process *oldest = NULL;
  for (unsigned i = 0; i < high_water; i++) {
    struct process *p = &processes[i];
    if (p->used && !p->init && p->exited && process_is_settled(p) &&
        (oldest == NULL || p->exit.exited_at < oldest->exit.exited_at))
      oldest = p;
  }
  if (oldest == NULL)
    return NULL;
  exit_record_remove(oldest);
  process_free(oldest);
  return oldest;
}

struct process *process_new(const char *id, bool init) {
  struct process *process = NULL;
  for (unsigned i = 0; i < PROCESSES_MAX && process == NULL; i++)
    if (!processes[i].used)
      process = &processes[i];
  if (process == NULL)
    process = evict_oldest();
  if (process == NULL)
    return NULL;
  unsigned index = (unsigned)(process - processes);
  if (index >= high_water)
    high_water = index + 1;
  memset(process, 0, sizeof *process);
  process->used = true;
  process->init = init;
  process->pidfd = process->oom_fd = -1;
  strncpy(process->id, id, EXEC_ID_MAX);
  stdio_init(&process->stdio);
  return process;
}

void process_free(struct process *process) {
  process->used = false;
  attach_process_gone(process);
  stdio_destroy(&process->stdio);
  close_fd(&process->pidfd);
  close_fd(&process->oom_fd);
}

struct process *process_next(struct process *previous) {
  for (unsigned i = previous == NULL ? 0 : (unsigned)(previous - processes) + 1; i < high_water;
       i++)
    if (processes[i].used)
      return &processes[i];
  return NULL;
}

struct process *process_by_id(const char *id) {
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p))
    if (strcmp(p->id, id) == 0)
      return p;
  return NULL;
}

struct process *process_by_pid(pid_t pid) {
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p))
    if (p->pid == pid && !p->exited)
      return p;
  return NULL;
}

struct process *process_init(void) {
  return process_by_id("");
}

bool any_process_alive(void) {
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p))
    if (!p->exited)
      return true;
  return false;
}

uint64_t oom_counter(int fd) {
  char text[1024];
  if (fd < 0)
    return 0;
  ssize_t n = pread(fd, text, sizeof text - 1, 0);
  if (n <= 0)
    return 0;
  text[n] = 0;
  for (char *line = text; line != NULL && *line != 0;) {
    if (strncmp(line, "oom_kill ", 9) == 0)
      return strtoull(line + 9, NULL, 10);
    line = strchr(line, '\n');
    line = line == NULL ? NULL : line + 1;
  }
  return 0;
}

static void record_exit(struct process *process, const siginfo_t *info) {
  uint64_t kills = oom_counter(process->oom_fd);
  process->exit = (struct exit_notice){
      .pid = (uint32_t)process->pid,
      .how = info->si_code == CLD_EXITED ? EXIT_EXITED : EXIT_SIGNALLED,
      .core = info->si_code == CLD_DUMPED,
      .code = (uint32_t)info->si_status,
      .oom_kills = kills > process->oom_before ? (uint32_t)(kills - process->oom_before) : 0,
      .exited_at = realtime_now(),
  };
  process->exited = true;
  process->phase = PHASE_EXITED;
  close_fd(&process->oom_fd);
  if (process->init)
    supervisor.phase = PHASE_EXITED;
  exit_record_write(process);
  controller_notify();
  attach_notify_exit(process);
  stdio_process_exited(&process->stdio);
}

void stdio_was_drained(struct stdio *stdio) {
  struct process *process = container_of(stdio, struct process, stdio);
  attach_notify_exit(process);
  if (process->used)
    process_settle(process);
}

bool process_is_settled(const struct process *process) {
  return process->stdio.drained && !attach_expected(process);
}

void process_settle(struct process *process) {
  if (!process_is_settled(process))
    return;
  if (process->acked) {
    controller_tell_drained(process); /* the entry goes: told once, to whoever listens now */
    process_free(process);
    return;
  }
  controller_notify();
}

/* Reaps one of ours. */
static void ended(struct process *process, const siginfo_t *info) {
  if (process->launch != NULL && launch_process_ended(process->launch))
    return; /* it never became a process of the container */
  record_exit(process, info);
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

void reap_children(void) {
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
