#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "supervisor.h"
#include "sync.h"
#include "syscalls.h"

/* glibc and musl wrap prctl with varargs; five full words are what the kernel checks. */
static int prctl5(unsigned long option, unsigned long a, unsigned long b) {
  return (int)syscall(SYS_prctl, option, a, b, 0UL, 0UL);
}

void child_become_root_inside(void) {
  syscall(SYS_setgroups, 0, NULL);
  syscall(SYS_setresgid, 0, 0, 0);
  syscall(SYS_setresuid, 0, 0, 0);
}

int do_keyring(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  const char *name = step_string(step, 0, 0);
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0)
    return fail(failure, errno, "join session keyring", name);
  return 0;
}

int do_no_new_privs(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  (void)step;
  if (prctl5(PR_SET_NO_NEW_PRIVS, 1, 0) < 0)
    return fail(failure, errno, "prctl", "no_new_privs");
  return 0;
}

int do_seccomp(struct child *child, const struct step *step, struct failure *failure) {
  struct sock_fprog program = {
      .len = (unsigned short)step_u32(step, 4),
      .filter = (struct sock_filter *)(uintptr_t)(step->payload + 8),
  };
  long done = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, step_u32(step, 0), &program);
  if (done >= 0 && (step_u32(step, 0) & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) {
    /* From here on calls may wait for whoever gets the descriptor. Only write(2), by which that is
     * asked for, is never among them. */
    sync_send(child->sync, SYNC_LISTENER, (uint32_t)done);
    sync_wait(child->sync);
    close((int)done);
    return 0;
  }
  return done != 0 ? fail(failure, done < 0 ? errno : ESRCH, "load seccomp filter", "") : 0;
}

int do_cap_bounding(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  uint64_t keep = step_u64(step, 0);
  for (unsigned cap = 0; cap < 64; cap++) {
    if ((keep >> cap & 1) != 0)
      continue;
    if (prctl5(PR_CAPBSET_DROP, cap, 0) < 0) {
      if (errno == EINVAL)
        break; /* beyond the kernel's last */
      return fail(failure, errno, "drop from bounding set", "");
    }
  }
  return 0;
}

int do_caps(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  struct step_caps caps;
  memcpy(&caps, step->payload, sizeof caps);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  for (unsigned i = 0; i < 2; i++) {
    data[i].effective = (uint32_t)(caps.effective >> (32 * i));
    data[i].permitted = (uint32_t)(caps.permitted >> (32 * i));
    data[i].inheritable = (uint32_t)(caps.inheritable >> (32 * i));
  }
  if (syscall(SYS_capset, &header, data) < 0)
    return fail(failure, errno, "capset", "");
  if (prctl5(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0) < 0 && caps.ambient != 0)
    return fail(failure, errno, "clear ambient capabilities", "");
  for (unsigned cap = 0; cap < 64; cap++) {
    if ((caps.ambient >> cap & 1) != 0 && prctl5(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap) < 0) {
      char name[16];
      snprintf(name, sizeof name, "%u", cap);
      return fail(failure, errno, "raise ambient capability", name);
    }
  }
  return 0;
}

int do_user(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  struct step_user user;
  char name[40];
  memcpy(&user, step->payload, sizeof user);
  snprintf(name, sizeof name, "%u:%u", user.uid, user.gid);
  /* These are the raw calls, for libc's would signal threads that do not exist here (nptl(7)). */
  if (syscall(SYS_setgroups, (long)user.groups, step->payload + sizeof user) < 0 &&
      !(user.groups == 0 && errno == EPERM))
    return fail(failure, errno, "setgroups", name);
  if (syscall(SYS_setresgid, user.gid, user.gid, user.gid) < 0)
    return fail(failure, errno, "setresgid", name);
  if (syscall(SYS_setresuid, user.uid, user.uid, user.uid) < 0)
    return fail(failure, errno, "setresuid", name);
  return 0;
}

int do_keep_caps(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  if (prctl5(PR_SET_KEEPCAPS, step_u32(step, 0) != 0, 0) < 0)
    return fail(failure, errno, "prctl", "keepcaps");
  return 0;
}

int do_label(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  const char *label = step_string(step, 0, 0);
  if (step->code == STEP_SELINUX)
    return supervisor_write_proc("thread-self/attr/exec", label, failure);
  char text[512];
  int length = snprintf(text, sizeof text, "exec %s", label);
  if (length < 0 || (size_t)length >= sizeof text)
    return fail(failure, ENAMETOOLONG, "set profile", label);
  return supervisor_write_proc("thread-self/attr/apparmor/exec", text, failure);
}
