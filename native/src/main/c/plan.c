#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define NO_OFFSET 0xff
#define ALIGN8(n) (((n) + 7u) & ~(size_t)7u)
/* Any other clone flag would let the child share what is the supervisor's: its memory, its
 * descriptors. */
#define NAMESPACE_FLAGS                                                                            \
  (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |       \
   CLONE_NEWTIME)
#define FILTER_MAX 4096u /* BPF_MAXINSNS of the kernel */

/* What a step's payload looks like: a fixed part, then so many strings. */
struct shape {
  uint16_t code;
  uint8_t fixed;
  uint8_t strings;
  uint8_t fd_at;    /* offset of a descriptor index, or NO_OFFSET */
  bool fd_optional; /* NO_FD is allowed there */
};

static const struct shape shapes[] = {
    {STEP_ID, 0, 1, NO_OFFSET, false},
    {STEP_TERMINAL, sizeof(struct step_terminal), 0, NO_OFFSET, false},
    {STEP_SINK, sizeof(struct step_sink), 1, 8, true},
    {STEP_JOIN, sizeof(struct step_join), 0, 4, false},
    {STEP_ID_MAPS, sizeof(struct step_id_maps), 2, NO_OFFSET, false},
    {STEP_CGROUP2, 4, 0, 0, false},
    {STEP_PROC_WRITE, 8, 2, 0, false},
    {STEP_OOM_COUNTER, 4, 0, 0, false},
    {STEP_TIME_OFFSETS, 0, 1, NO_OFFSET, false},
    {STEP_JOIN_PIDFD, 8, 0, 0, false},
    {STEP_LISTENER, 0, 4, NO_OFFSET, false},
    {STEP_CGROUP1, 4, 0, 0, false},
    {STEP_UNSHARE, 4, 0, NO_OFFSET, false},
    {STEP_HOSTNAME, 0, 1, NO_OFFSET, false},
    {STEP_DOMAINNAME, 0, 1, NO_OFFSET, false},
    {STEP_LOOPBACK_UP, 0, 0, NO_OFFSET, false},
    {STEP_PROPAGATION, 8, 1, NO_OFFSET, false},
    {STEP_ROOT, sizeof(struct step_root), 1, 0, true},
    {STEP_MOUNT, sizeof(struct step_mount), 4, NO_OFFSET, false},
    {STEP_BIND, sizeof(struct step_bind), 1, 28, false},
    {STEP_ATTRIBUTES, sizeof(struct step_attributes), 1, NO_OFFSET, false},
    {STEP_READ_ONLY, 0, 1, NO_OFFSET, false},
    {STEP_MASK, 4, 1, 0, true},
    {STEP_MAKE_NODE, sizeof(struct step_make_node), 1, NO_OFFSET, false},
    {STEP_SYMLINK, 0, 2, NO_OFFSET, false},
    {STEP_MAKE_FOLDER, 4, 1, NO_OFFSET, false},
    {STEP_PIVOT, 4, 0, NO_OFFSET, false},
    {STEP_RLIMIT, sizeof(struct step_rlimit), 0, NO_OFFSET, false},
    {STEP_SYSCTL, 0, 2, NO_OFFSET, false},
    {STEP_OOM_SCORE, 4, 0, NO_OFFSET, false},
    {STEP_SCHEDULER, sizeof(struct step_scheduler), 0, NO_OFFSET, false},
    {STEP_IO_PRIORITY, 4, 0, NO_OFFSET, false},
    {STEP_PERSONALITY, 4, 0, NO_OFFSET, false},
    {STEP_KEYRING, 0, 1, NO_OFFSET, false},
    {STEP_CONSOLE, 8, 0, NO_OFFSET, false},
    {STEP_STDIO, 8, 0, NO_OFFSET, false},
    {STEP_NO_NEW_PRIVS, 0, 0, NO_OFFSET, false},
    {STEP_CAP_BOUNDING, 8, 0, NO_OFFSET, false},
    {STEP_CAPS, sizeof(struct step_caps), 0, NO_OFFSET, false},
    {STEP_CWD, 8, 1, NO_OFFSET, false},
    {STEP_LOOK_UP, 0, 2, NO_OFFSET, false},
    {STEP_STOP, 4, 0, NO_OFFSET, false},
    {STEP_READY, 0, 0, NO_OFFSET, false},
    {STEP_KEEP_CAPS, 4, 0, NO_OFFSET, false},
    {STEP_UMASK, 4, 0, NO_OFFSET, false},
    {STEP_APPARMOR, 0, 1, NO_OFFSET, false},
    {STEP_SELINUX, 0, 1, NO_OFFSET, false},
    {STEP_COPY_UP, sizeof(struct step_mount), 4, NO_OFFSET, false},
    {STEP_AFFINITY, 0, 1, NO_OFFSET, false},
    {STEP_MEMORY_POLICY, 8, 1, NO_OFFSET, false},
};

_Static_assert(sizeof(struct plan_header) == 32, "plan header");
_Static_assert(sizeof(struct step_bind) == 32, "bind");
_Static_assert(sizeof(struct step_mount) == 24, "mount");

bool exec_id_valid(const char *id) {
  size_t length = strnlen(id, EXEC_ID_MAX + 1);
  if (length > EXEC_ID_MAX)
    return false;
  for (size_t i = 0; i < length; i++)
    if (id[i] == '/' || (unsigned char)id[i] < 0x20 || id[i] == 0x7f)
      return false;
  return true;
}

int plan_map(int memfd, struct plan *plan, struct failure *failure) {
  int seals = fcntl(memfd, F_GET_SEALS);
  if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_WRITE)) != (F_SEAL_SHRINK | F_SEAL_WRITE))
    return fail(failure, seals < 0 ? errno : EPERM, "map plan", "not a sealed memfd");
  struct stat st;
  if (fstat(memfd, &st) < 0)
    return fail(failure, errno, "map plan", "fstat");
  if (st.st_size < 8 || st.st_size > (off_t)PLAN_MAX_BYTES)
    return fail(failure, E2BIG, "map plan", "size");
  void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, memfd, 0);
  if (bytes == MAP_FAILED)
    return fail(failure, errno, "map plan", "mmap");
  plan->bytes = bytes;
  plan->mapped = (size_t)st.st_size;
  return 0;
}

void plan_unmap(struct plan *plan) {
  if (plan->bytes != NULL)
    munmap((void *)(uintptr_t)plan->bytes, plan->mapped);
  plan->bytes = NULL;
}

const char *step_string(const struct step *step, uint32_t fixed, uint32_t n) {
  const char *s = (const char *)step->payload + fixed;
  while (n-- > 0)
    s += strlen(s) + 1;
  return s;
}

/* Exactly `count` strings must fill [from, length). */
static bool strings_fill(const struct step *step, uint64_t from, uint64_t count) {
  while (count > 0) {
    if (from >= step->length)
      return false;
    const uint8_t *end = memchr(step->payload + from, 0, step->length - from);
    if (end == NULL)
      return false;
    from = (uint64_t)(end - step->payload) + 1;
    count--;
  }
  return from == step->length;
}

static uint32_t u32_at(const struct step *step, uint32_t offset) {
  uint32_t value;
  memcpy(&value, step->payload + offset, sizeof value);
  return value;
}

static bool fd_fits(uint32_t fd, uint32_t fd_count, bool optional) {
  return fd < fd_count || (optional && fd == NO_FD);
}

static const char *check_sink(const struct step *step, uint32_t fd_count) {
  struct step_sink sink;
  memcpy(&sink, step->payload, sizeof sink);
  if (sink.stream > 2 || sink.kind > SINK_PIPE)
    return "stream or kind";
  bool wants_fd = sink.kind != SINK_NULL && sink.kind != SINK_OPEN;
  if (wants_fd && sink.fd == NO_FD)
    return "descriptor missing";
  if (!fd_fits(sink.fd2, fd_count, true))
    return "second descriptor";
  if (sink.stream == 0 && (sink.kind == SINK_LOG || sink.kind == SINK_PIPE))
    return "kind of stdin";
  const char *name = step_string(step, sizeof sink, 0);
  if (sink.kind == SINK_LOG &&
      (name[0] == 0 || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
       strcmp(name, "..") == 0 || strlen(name) > 240))
    return "log file name";
  return NULL;
}

/* Checks the namespaces that a step joins or leaves. */
static const char *check_namespaces(const struct step *step) {
  uint32_t types = u32_at(step, step->code == STEP_JOIN_PIDFD ? 4 : 0);
  return types == 0 || (types & ~(uint32_t)(NAMESPACE_FLAGS | CLONE_NEWCGROUP)) != 0 ? "namespaces"
                                                                                     : NULL;
}

static const char *check_hook(const struct step *step) {
  if (step->length < sizeof(struct step_hook))
    return "too short";
  struct step_hook hook;
  memcpy(&hook, step->payload, sizeof hook);
  if (hook.argc == 0)
    return "no arguments";
  return strings_fill(step, sizeof hook, 1 + (uint64_t)hook.argc + hook.envc + 2)
             ? NULL
             : "strings do not fill the step";
}

static const char *check_exec(const struct step *step) {
  if (step->length < 8)
    return "too short";
  if (u32_at(step, 0) == 0)
    return "no arguments";
  return strings_fill(step, 8, (uint64_t)u32_at(step, 0) + u32_at(step, 4))
             ? NULL
             : "strings do not fill the step";
}

static const char *check_seccomp(const struct step *step) {
  if (step->length < 8)
    return "too short";
  uint32_t count = u32_at(step, 4);
  if (count == 0 || count > FILTER_MAX || step->length != 8 + (uint64_t)count * 8)
    return "filter length";
  return NULL;
}

static const char *check_user(const struct step *step) {
  if (step->length < sizeof(struct step_user))
    return "too short";
  struct step_user user;
  memcpy(&user, step->payload, sizeof user);
  if (user.groups > 65536 || step->length != sizeof user + (uint64_t)user.groups * 4)
    return "groups";
  return NULL;
}

static const char *check_shape(const struct step *step, uint32_t fd_count) {
  switch (step->code) {
  case STEP_HOOK:
    return check_hook(step);
  case STEP_EXEC:
    return check_exec(step);
  case STEP_SECCOMP:
    return check_seccomp(step);
  case STEP_USER:
    return check_user(step);
  default:
    break;
  }
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const struct shape *shape = &shapes[i];
    if (shape->code != step->code)
      continue;
    if (step->length < shape->fixed)
      return "too short";
    if (!strings_fill(step, shape->fixed, shape->strings))
      return "strings do not fill the step";
    if (shape->fd_at != NO_OFFSET &&
        !fd_fits(u32_at(step, shape->fd_at), fd_count, shape->fd_optional))
      return "descriptor index";
    if (step->code == STEP_SINK)
      return check_sink(step, fd_count);
    if (step->code == STEP_JOIN || step->code == STEP_JOIN_PIDFD || step->code == STEP_UNSHARE)
      return check_namespaces(step);
    if (step->code == STEP_ID && !exec_id_valid(step_string(step, 0, 0)))
      return "exec id";
    return NULL;
  }
  return "unknown step";
}

int plan_validate_step(const struct step *step, uint32_t fd_count, struct failure *failure) {
  const char *wrong = check_shape(step, fd_count);
  if (wrong == NULL)
    return 0;
  failure->step = step->index;
  failure->code = step->code;
  return fail(failure, strcmp(wrong, "unknown step") == 0 ? EOPNOTSUPP : EINVAL, "validate plan",
              wrong);
}

static int check_header(const struct plan *plan, uint32_t fd_count, struct failure *failure) {
  const struct plan_header *h = &plan->header;
  if (h->magic != PLAN_MAGIC)
    return fail(failure, EINVAL, "validate plan", "magic");
  if (h->version != PLAN_VERSION)
    return fail(failure, EPROTONOSUPPORT, "validate plan", "version");
  if (h->kind != PLAN_INIT && h->kind != PLAN_EXEC)
    return fail(failure, EINVAL, "validate plan", "kind");
  if (h->length > plan->mapped || h->length > PLAN_MAX_BYTES || h->length < sizeof *h)
    return fail(failure, EINVAL, "validate plan", "length");
  if (h->count == 0 || h->count > PLAN_MAX_STEPS)
    return fail(failure, EINVAL, "validate plan", "step count");
  if (h->fds > fd_count)
    return fail(failure, EINVAL, "validate plan", "descriptors missing");
  if ((h->namespaces & ~(uint32_t)NAMESPACE_FLAGS) != 0)
    return fail(failure, EINVAL, "validate plan", "namespaces");
  if ((h->flags & ~PLAN_KEEP_ON_SUPERVISOR_DEATH) != 0 || h->unused != 0)
    return fail(failure, EINVAL, "validate plan", "flags");
  return 0;
}

/* Checks that a step stands where it may. */
static const char *check_place(const struct plan *plan, const struct step *step, bool *child) {
  bool last = step->index + 1 == plan->header.count;
  if (step_is_supervisors(step->code)) {
    if (*child)
      return "a supervisor's step after a child's";
  } else {
    *child = true;
  }
  if ((step->code == STEP_EXEC) != last)
    return "EXEC must be the last step, and only that";
  if (plan->header.kind == PLAN_EXEC && (step->code == STEP_STOP || step->code == STEP_READY))
    return "STOP and READY belong to an init";
  return NULL;
}

int plan_validate(struct plan *plan, uint32_t fd_count, struct failure *failure) {
  if (plan->mapped < sizeof plan->header)
    return fail(failure, EINVAL, "validate plan", "length");
  memcpy(&plan->header, plan->bytes, sizeof plan->header);
  if (check_header(plan, fd_count, failure) < 0)
    return -1;
  size_t offset = sizeof(struct plan_header);
  bool child = false;
  uint32_t ids = 0;
  for (uint32_t i = 0; i < plan->header.count; i++) {
    struct plan_step head;
    failure->step = i;
    if (plan->header.length - offset < sizeof head)
      return fail(failure, EINVAL, "validate plan", "steps longer than the plan");
    memcpy(&head, plan->bytes + offset, sizeof head);
    offset += sizeof head;
    if (head.length > plan->header.length - offset)
      return fail(failure, EINVAL, "validate plan", "step longer than the plan");
    struct step step = {head.code, head.flags, i, head.length, plan->bytes + offset};
    if (plan_validate_step(&step, plan->header.fds, failure) < 0)
      return -1;
    const char *wrong = check_place(plan, &step, &child);
    if (wrong != NULL) {
      failure->code = step.code;
      return fail(failure, EINVAL, "validate plan", wrong);
    }
    ids += step.code == STEP_ID;
    /* The last step needs no padding, so the plan may end within it. */
    size_t padded = offset + ALIGN8((size_t)head.length);
    offset = padded > plan->header.length ? plan->header.length : padded;
  }
  failure->step = STEP_NONE;
  if (ids != 1)
    return fail(failure, EINVAL, "validate plan", "exactly one STEP_ID");
  return 0;
}

bool plan_next(const struct plan *plan, struct step *step) {
  const uint8_t *at;
  uint32_t index;
  if (step->payload == NULL) {
    at = plan->bytes + sizeof(struct plan_header);
    index = 0;
  } else {
    at = step->payload + ALIGN8((size_t)step->length);
    index = step->index + 1;
  }
  if (index >= plan->header.count)
    return false;
  struct plan_step head;
  memcpy(&head, at, sizeof head);
  *step = (struct step){head.code, head.flags, index, head.length, at + sizeof head};
  return true;
}
