/* The processes that this supervisor is the parent of by order, the init and the execs, in a
 * bounded table. */
#ifndef BERTH_PROCESS_H
#define BERTH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"
#include "protocol.h"
#include "stdio_pump.h"

#define PROCESSES_MAX 256u

struct launch;
struct process;

/* What the table's owner does when something has become of a process. */
struct process_events {
  /* It has ended, and all that it wrote has been passed on. */
  void (*drained)(struct process *process);
  /* A client that it was promised to has gone, or its token is over. */
  void (*unattended)(struct process *process);
  /* Its entry goes: nothing may point to it any more. */
  void (*freed)(struct process *process);
};

struct process {
  bool used;
  bool init;
  bool exited;       /* reaped; the fields of `exit` hold */
  bool acked;        /* OP_ACK came; only what keeps it from being settled keeps the entry */
  bool notice_sent;  /* OP_EXIT reached the present controller */
  bool drained_sent; /* OP_DRAINED reached the present controller */
  char id[EXEC_ID_MAX + 1];
  pid_t pid;
  int pidfd;
  enum phase phase;
  struct launch *launch; /* NULL once execve has succeeded or the process is gone */
  int oom_fd;            /* memory.events or memory.oom_control; -1 */
  uint64_t oom_before;
  struct exit_notice exit;
  struct stdio stdio;
  const struct process_events *events;
};

/* A new entry; NULL when the table is full. */
struct process *process_new(const char *id, bool init, const struct process_events *events);
void process_free(struct process *process);
struct process *process_by_id(const char *id);
struct process *process_by_pid(pid_t pid);
struct process *process_init(void);
/* Walks the used entries; NULL starts and ends. */
struct process *process_next(struct process *previous);
bool process_any_alive(void);

/* Reads the cgroup's counter of OOM kills; 0 when it cannot be read. */
uint64_t process_oom_kills(int fd);

#endif
