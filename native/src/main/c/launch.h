/*
 * Making a process after a plan, seen from the supervisor: clone, then a conversation over a
 * socketpair with the helper and the child, driven by the event loop. The child's side is child.c,
 * the helper's helper.c.
 */
#ifndef BERTH_LAUNCH_H
#define BERTH_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "plan.h"
#include "process.h"

#define PLAN_FDS_MAX 1024u

/* What helper and child say (one packet each). */
enum sync_kind {
  SYNC_MAPS = 1,  /* helper: the user namespace is there, write its maps */
  SYNC_TIME,      /* helper: the time namespace is there, write its offsets */
  SYNC_BORN,      /* helper: value = pid of the child */
  SYNC_STOPPED,   /* child: at STEP_STOP, value = its number */
  SYNC_READY,     /* child: at STEP_READY */
  SYNC_EXECUTING, /* child: the next thing is execve; the end of the stream then says that it
                     succeeded */
  SYNC_CONSOLE,   /* child: its pty's master comes along */
  SYNC_FAILED,    /* a failure follows */
};
struct sync_message {
  uint32_t kind;
  uint32_t value;
  struct failure failure; /* SYNC_FAILED only; the others send 8 bytes */
};
#define SYNC_SHORT 8u
#define SYNC_GO 0x4f47u /* what the supervisor answers: 4 bytes */

/* The supervisor's own steps of a plan, collected. */
struct launch_settings {
  int cgroup2;
  uint32_t cgroup2_step;
  bool helper;     /* namespaces must be joined or made before the clone */
  bool proc_write; /* the child waits until its files have been written from outside */
  bool id_maps;
  bool terminal;
  bool oom_score; /* a step sets it */
  const char *time_offsets;
};

struct launch {
  bool used;
  bool executing; /* SYNC_EXECUTING came */
  bool failed;    /* SYNC_FAILED came, or the supervisor's part failed: waits for the end of the
                     process */
  bool starting;  /* the request that waits is OP_START */
  bool released;  /* CREATE has been answered with a stop or ready: from now on an end is an exit */
  uint64_t request; /* that waits for an answer; see results.h */
  uint16_t op;
  pid_t helper;
  struct process *process;
  struct plan plan;
  int fds[PLAN_FDS_MAX];
  uint32_t fd_count;
  int child_sync;
  struct watch sync;
  struct launch_settings settings;
  struct failure failure;
};

/*
 * Begins a launch: validates the plan in `memfd`, clones. Takes all descriptors, on failure too.
 * The answer to `request` is given later, unless this returns -1.
 */
int launch_begin(uint32_t kind, uint16_t op, uint64_t request, int memfd, int *fds,
                 uint32_t fd_count, struct failure *failure);
/* Lets a process that is stopped or ready go on; the answer to `request` comes later. */
int launch_release(struct process *process, uint16_t op, uint64_t request, struct failure *failure);

/* True while a helper may have born a child whose pid is not yet known. */
bool launch_helpers_active(void);
bool launch_is_helper(pid_t pid);
/* Takes helpers that have ended; true when there was one. */
bool launch_reap_helpers(void);
/* A helper has ended; false when the pid is none. */
bool launch_helper_ended(pid_t pid);
/* The process of a launch has ended. True: the launch takes care, no exit is to be recorded. */
bool launch_process_ended(struct launch *launch);
void launch_abort_all(void);

/* Told by stdio_pump.c. */
void stdio_was_drained(struct stdio *stdio);

/* --- The other side: run in the clones, never return. --- */
_Noreturn void helper_main(struct launch *launch);
_Noreturn void child_main(struct launch *launch, bool wait_for_go);
void sync_send(int fd, uint32_t kind, uint32_t value);
void sync_send_failure(int fd, const struct failure *failure);
/* Waits for SYNC_GO; ends the process when the supervisor has gone. */
void sync_wait(int fd);
/* Closes every descriptor that a clone of the supervisor should not have. */
void close_all_but_launch(struct launch *launch);
/* Sets the OOM score back to what the supervisor was started with. */
void restore_oom_score(void);

#endif
