/* The clone's side of a launch: what it knows while it carries out a plan. */
#ifndef BERTH_CHILD_H
#define BERTH_CHILD_H

#include <limits.h>
#include <stdbool.h>

#include "launch.h"

struct child {
  struct launch *launch;
  int sync;
  int root; /* the container's root, O_PATH; -1 before STEP_ROOT (then "/" is meant) */
  bool umask_set;
  bool program_found;
  int mask_folder; /* an empty read-only tmpfs, once one has been mounted */
  int mask_file;   /* the null device's mount, once one has been mounted */
  char program[PATH_MAX];
};

/* One step each: 0, or -1 with the failure filled (without the step's place). */
int step_root(struct child *child, const struct step *step, struct failure *failure);
int step_mount(struct child *child, const struct step *step, struct failure *failure);
int step_copy_up(struct child *child, const struct step *step, struct failure *failure);
int step_bind(struct child *child, const struct step *step, struct failure *failure);
int step_attributes(struct child *child, const struct step *step, struct failure *failure);
int step_read_only(struct child *child, const struct step *step, struct failure *failure);
int step_mask(struct child *child, const struct step *step, struct failure *failure);
int step_propagation(struct child *child, const struct step *step, struct failure *failure);
int step_pivot(struct child *child, const struct step *step, struct failure *failure);
int step_make_node(struct child *child, const struct step *step, struct failure *failure);
int step_symlink(struct child *child, const struct step *step, struct failure *failure);
int step_make_folder(struct child *child, const struct step *step, struct failure *failure);

int step_cgroup1(struct child *child, const struct step *step, struct failure *failure);
int step_unshare(struct child *child, const struct step *step, struct failure *failure);
int step_host_name(struct child *child, const struct step *step, struct failure *failure);
int step_loopback_up(struct child *child, const struct step *step, struct failure *failure);
int step_rlimit(struct child *child, const struct step *step, struct failure *failure);
int step_sysctl(struct child *child, const struct step *step, struct failure *failure);
int step_oom_score(struct child *child, const struct step *step, struct failure *failure);
int step_scheduler(struct child *child, const struct step *step, struct failure *failure);
int step_io_priority(struct child *child, const struct step *step, struct failure *failure);
int step_personality(struct child *child, const struct step *step, struct failure *failure);
int step_affinity(struct child *child, const struct step *step, struct failure *failure);
int step_memory_policy(struct child *child, const struct step *step, struct failure *failure);

int step_keyring(struct child *child, const struct step *step, struct failure *failure);
int step_no_new_privs(struct child *child, const struct step *step, struct failure *failure);
int step_seccomp(struct child *child, const struct step *step, struct failure *failure);
int step_cap_bounding(struct child *child, const struct step *step, struct failure *failure);
int step_caps(struct child *child, const struct step *step, struct failure *failure);
int step_user(struct child *child, const struct step *step, struct failure *failure);
int step_keep_caps(struct child *child, const struct step *step, struct failure *failure);
int step_label(struct child *child, const struct step *step, struct failure *failure);

int step_console(struct child *child, const struct step *step, struct failure *failure);
int step_stdio(struct child *child, const struct step *step, struct failure *failure);
int step_cwd(struct child *child, const struct step *step, struct failure *failure);
int step_look_up(struct child *child, const struct step *step, struct failure *failure);
int step_exec(struct child *child, const struct step *step, struct failure *failure);

/* Writes a value to a file below the host's /proc, seen with the child's own identity and
 * namespaces. */
int write_proc_file(const char *path, const char *value, struct failure *failure);

static inline uint32_t step_u32(const struct step *step, uint32_t offset) {
  uint32_t value;
  __builtin_memcpy(&value, step->payload + offset, sizeof value);
  return value;
}

static inline uint64_t step_u64(const struct step *step, uint32_t offset) {
  uint64_t value;
  __builtin_memcpy(&value, step->payload + offset, sizeof value);
  return value;
}

#endif
