#include "endings.h"

#include <stddef.h>
#include <string.h>
#include <sys/wait.h>

#include "attach.h"
#include "connection.h"
#include "exits.h"
#include "supervisor.h"

bool endings_settled(const struct process *process) {
  return process->stdio.drained && !attach_expected(process);
}

static bool notify(struct process *process, uint16_t op, const void *fixed, uint32_t length) {
  uint8_t payload[sizeof(struct exit_notice) + EXEC_ID_MAX + 1];
  uint32_t id = (uint32_t)strlen(process->id) + 1;
  if (length > 0)
    memcpy(payload, fixed, length);
  memcpy(payload + length, process->id, id);
  struct msg_header header = {.op = op, .length = length + id};
  return controller_send(&header, payload, NULL, 0) == 0;
}

void endings_tell(void) {
  if (controller_now() == NULL)
    return;
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p)) {
    if (!p->exited || p->acked)
      continue;
    if (!p->notice_sent && !(p->notice_sent = notify(p, OP_EXIT, &p->exit, sizeof p->exit)))
      return;
    if (endings_settled(p) && !p->drained_sent &&
        !(p->drained_sent = notify(p, OP_DRAINED, NULL, 0)))
      return;
  }
}

/* Execs that ended and that nobody asks for make room, the oldest first. A promise to a client is
 * not broken for it. */
static void evict_oldest(void) {
  struct process *oldest = NULL;
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p))
    if (!p->init && p->exited && endings_settled(p) &&
        (oldest == NULL || p->exit.exited_at < oldest->exit.exited_at))
      oldest = p;
  if (oldest == NULL)
    return;
  exit_record_remove(oldest);
  process_free(oldest);
}

static void settle(struct process *process) {
  if (!endings_settled(process))
    return;
  if (process->acked) {
    notify(process, OP_DRAINED, NULL, 0); /* the entry goes: told once, to whoever listens now */
    process_free(process);
    return;
  }
  endings_tell();
}

static void drained(struct process *process) {
  attach_notify_exit(process);
  if (process->used)
    settle(process);
}

static const struct process_events events = {
    .drained = drained, .unattended = settle, .freed = attach_process_gone};

struct process *endings_admit(const char *id, bool init) {
  struct process *process = process_new(id, init, &events);
  if (process != NULL)
    return process;
  evict_oldest();
  return process_new(id, init, &events);
}

void endings_record(struct process *process, const siginfo_t *info) {
  uint64_t kills = process_oom_kills(process->oom_fd);
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
  endings_tell();
  attach_notify_exit(process);
  stdio_process_exited(&process->stdio);
}
