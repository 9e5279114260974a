/*
 * Making a process after a plan, seen from the supervisor: clone, then a conversation over a
 * socketpair with the helper and the child, driven by the event loop. The child's side is child.c,
 * the helper's helper.c.
 */
#ifndef BERTH_LAUNCH_H
#define BERTH_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "plan.h"
#include "process.h"

#define PLAN_FDS_MAX 1024u

/* The supervisor's own steps of a plan, collected. */
struct launch_settings {
  int cgroup2;
  uint32_t cgroup2_step;
  bool helper;     /* namespaces must be joined or made before the clone */
  bool proc_write; /* the child waits until its files have been written from outside */
  bool id_maps;
  bool terminal;
  bool oom_score; /* a step sets it */
  bool user_namespace; /* one is made or joined */
  bool makes_root; /* it has a STEP_ROOT, until which it stays the user that the supervisor is */
  bool filter;     /* a step loads a seccomp filter */
  uint32_t filter_step;
  bool listens; /* the filter asks a listener */
  uint32_t listener_step;
  const char *listener; /* of STEP_LISTENER, in the plan */
  const char *time_offsets;
  uint32_t time_step;
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

/* What is called when a helper or child has said something: what had to wait for it can go on. */
void launch_on_message(void (*handler)(void));

/* True while a helper may have born a child whose pid is not yet known. */
bool launch_helpers_active(void);
bool launch_is_helper(pid_t pid);
/* Takes helpers that have ended; true when there was one. */
bool launch_reap_helpers(void);
/* Deals with the end of a helper; false when the pid is none's. */
bool launch_helper_ended(pid_t pid);
/* Deals with the end of the process of a launch. True when no exit is to be recorded, for it never
 * was a process of the container. */
bool launch_process_ended(struct launch *launch, const siginfo_t *info);
void launch_abort_all(void);

/* --- The other side: run in the clones, never return. --- */
_Noreturn void helper_main(struct launch *launch);
_Noreturn void child_main(struct launch *launch, bool wait_for_go);
/* Closes every descriptor that a clone of the supervisor should not have. */
void child_close_others(struct launch *launch);

#endif
