#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "supervisor.h"
#include "syscalls.h"

#define CPUS_MAX 8192u
#define NODES_MAX 1024u
#define WORD_BITS (8u * sizeof(unsigned long))
#define IOPRIO_WHO_PROCESS 1

int do_cgroup1(struct child *child, const struct step *step, struct failure *failure) {
  if (write(child->launch->fds[step_u32(step, 0)], "0", 1) != 1)
    return fail(failure, errno, "join cgroup", "tasks");
  return 0;
}

int do_unshare(struct child *child, const struct step *step, struct failure *failure) {
  uint32_t flags = step_u32(step, 0);
  /* A time namespace that the helper has made is not left for another one without the offsets. */
  if (child->launch->settings.time_offsets != NULL)
    flags &= ~(uint32_t)CLONE_NEWTIME;
  if (flags != 0 && sys_unshare(flags) < 0)
    return fail(failure, errno, "unshare", "");
  return 0;
}

int do_host_name(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  const char *name = step_string(step, 0, 0);
  long done = syscall(step->code == STEP_HOSTNAME ? SYS_sethostname : SYS_setdomainname, name,
                      strlen(name));
  return done < 0 ? fail(failure, errno, "set host or domain name", name) : 0;
}

int do_loopback_up(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  (void)step;
  cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo"};
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
    return fail(failure, errno, "bring up", "lo");
  return 0;
}

int do_rlimit(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  struct step_rlimit limit;
  memcpy(&limit, step->payload, sizeof limit);
  uint64_t values[2] = {limit.soft, limit.hard};
  if (syscall(SYS_prlimit64, 0, limit.resource, values, NULL) < 0) {
    char name[16];
    snprintf(name, sizeof name, "%u", limit.resource);
    return fail(failure, errno, "set resource limit", name);
  }
  return 0;
}

int do_sysctl(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  char path[512];
  int length = snprintf(path, sizeof path, "sys/%s", step_string(step, 0, 0));
  if (length < 0 || (size_t)length >= sizeof path)
    return fail(failure, ENAMETOOLONG, "set sysctl", step_string(step, 0, 0));
  return supervisor_write_proc(path, step_string(step, 0, 1), failure);
}

int do_oom_score(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  char text[16];
  snprintf(text, sizeof text, "%d", (int)step_u32(step, 0));
  return supervisor_write_proc("self/oom_score_adj", text, failure);
}

int do_scheduler(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  struct step_scheduler s;
  memcpy(&s, step->payload, sizeof s);
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {48, s.policy, s.flags, s.nice, s.priority, s.runtime, s.deadline, s.period};
  if (syscall(SYS_sched_setattr, 0, &attributes, 0) < 0)
    return fail(failure, errno, "set scheduler", "");
  return 0;
}

int do_io_priority(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, step_u32(step, 0)) < 0)
    return fail(failure, errno, "set io priority", "");
  return 0;
}

int do_personality(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  if (personality(step_u32(step, 0)) < 0)
    return fail(failure, errno, "set personality", "");
  return 0;
}

/* Reads a list like "0-3,7" into a bit set. */
static int parse_list(const char *list, unsigned long *bits, unsigned max,
                      struct failure *failure) {
  for (const char *p = list; *p != 0;) {
    char *end;
    unsigned long first = strtoul(p, &end, 10), last = first;
    if (end == p)
      return fail(failure, EINVAL, "parse list", list);
    if (*end == '-') {
      p = end + 1;
      last = strtoul(p, &end, 10);
      if (end == p)
        return fail(failure, EINVAL, "parse list", list);
    }
    if (last >= max || first > last)
      return fail(failure, EINVAL, "parse list", list);
    for (unsigned long i = first; i <= last; i++)
      bits[i / WORD_BITS] |= 1UL << (i % WORD_BITS);
    p = end;
    if (*p == ',' || *p == '\n')
      p++;
    else if (*p != 0)
      return fail(failure, EINVAL, "parse list", list);
  }
  return 0;
}

int do_affinity(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  unsigned long bits[CPUS_MAX / WORD_BITS] = {0};
  const char *list = step_string(step, 0, 0);
  if (parse_list(list, bits, CPUS_MAX, failure) < 0)
    return -1;
  if (syscall(SYS_sched_setaffinity, 0, sizeof bits, bits) < 0)
    return fail(failure, errno, "set cpu affinity", list);
  return 0;
}

int do_memory_policy(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  unsigned long bits[NODES_MAX / WORD_BITS] = {0};
  const char *list = step_string(step, 8, 0);
  if (parse_list(list, bits, NODES_MAX, failure) < 0)
    return -1;
  if (syscall(SYS_set_mempolicy, step_u32(step, 0) | step_u32(step, 4), list[0] ? bits : NULL,
              list[0] ? NODES_MAX + 1UL : 0UL) < 0)
    return fail(failure, errno, "set memory policy", list);
  return 0;
}
