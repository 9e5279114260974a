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

/* In a user namespace it is root there that makes things; without a mapped root only the
 * capabilities help. */
void child_become_root_inside(void);

/* Each carries out one step. Returns 0, or -1 with the failure filled but for the step's place. */
int do_root(struct child *child, const struct step *step, struct failure *failure);
int do_mount(struct child *child, const struct step *step, struct failure *failure);
int do_copy_up(struct child *child, const struct step *step, struct failure *failure);
int do_bind(struct child *child, const struct step *step, struct failure *failure);
int do_attributes(struct child *child, const struct step *step, struct failure *failure);
int do_read_only(struct child *child, const struct step *step, struct failure *failure);
int do_mask(struct child *child, const struct step *step, struct failure *failure);
int do_propagation(struct child *child, const struct step *step, struct failure *failure);
int do_pivot(struct child *child, const struct step *step, struct failure *failure);
int do_make_node(struct child *child, const struct step *step, struct failure *failure);
int do_symlink(struct child *child, const struct step *step, struct failure *failure);
int do_make_folder(struct child *child, const struct step *step, struct failure *failure);

int do_cgroup1(struct child *child, const struct step *step, struct failure *failure);
int do_unshare(struct child *child, const struct step *step, struct failure *failure);
int do_host_name(struct child *child, const struct step *step, struct failure *failure);
int do_loopback_up(struct child *child, const struct step *step, struct failure *failure);
int do_rlimit(struct child *child, const struct step *step, struct failure *failure);
int do_sysctl(struct child *child, const struct step *step, struct failure *failure);
int do_oom_score(struct child *child, const struct step *step, struct failure *failure);
int do_scheduler(struct child *child, const struct step *step, struct failure *failure);
int do_io_priority(struct child *child, const struct step *step, struct failure *failure);
int do_personality(struct child *child, const struct step *step, struct failure *failure);
int do_affinity(struct child *child, const struct step *step, struct failure *failure);
int do_memory_policy(struct child *child, const struct step *step, struct failure *failure);

int do_keyring(struct child *child, const struct step *step, struct failure *failure);
int do_no_new_privs(struct child *child, const struct step *step, struct failure *failure);
int do_seccomp(struct child *child, const struct step *step, struct failure *failure);
int do_cap_bounding(struct child *child, const struct step *step, struct failure *failure);
int do_caps(struct child *child, const struct step *step, struct failure *failure);
int do_user(struct child *child, const struct step *step, struct failure *failure);
int do_keep_caps(struct child *child, const struct step *step, struct failure *failure);
int do_label(struct child *child, const struct step *step, struct failure *failure);

int do_console(struct child *child, const struct step *step, struct failure *failure);
int do_stdio(struct child *child, const struct step *step, struct failure *failure);
int do_cwd(struct child *child, const struct step *step, struct failure *failure);
int do_look_up(struct child *child, const struct step *step, struct failure *failure);
int do_exec(struct child *child, const struct step *step, struct failure *failure);

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
