#include "process.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct process processes[PROCESSES_MAX];
static unsigned high_water; /* entries that were ever used: walks stay short */

static void drained(struct stdio *stdio) {
  struct process *process = container_of(stdio, struct process, stdio);
  process->events->drained(process);
}

struct process *process_new(const char *id, bool init, const struct process_events *events) {
  struct process *process = NULL;
  for (unsigned i = 0; i < PROCESSES_MAX && process == NULL; i++)
    if (!processes[i].used)
      process = &processes[i];
  if (process == NULL)
    return NULL;
  unsigned index = (unsigned)(process - processes);
  if (index >= high_water)
    high_water = index + 1;
  memset(process, 0, sizeof *process);
  process->used = true;
  process->init = init;
  process->events = events;
  process->pidfd = process->oom_fd = -1;
  strncpy(process->id, id, EXEC_ID_MAX);
  stdio_init(&process->stdio, drained);
  return process;
}

void process_free(struct process *process) {
  process->used = false;
  process->events->freed(process);
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

bool process_any_alive(void) {
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p))
    if (!p->exited)
      return true;
  return false;
}

uint64_t process_oom_kills(int fd) {
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
