#include "service.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "peer.h"

#define LIMITS 16 /* RLIM_NLIMITS of Linux */

static const char *const namespaces[] = {"mnt", "user", "net", "pid", "ipc", "uts", NULL};

/* Of proc_pid_status(5). Groups are left out: they add nothing to what root may do. */
static const char *const rights[] = {"\nUid:",    "\nGid:",        "\nCapEff:", "\nCapBnd:",
                                     "\nNoNewPrivs:", "\nSeccomp:", NULL};

pid_t service_of(const char *state) {
  char path[PATH_MAX];
  pid_t pid = 0;
  snprintf(path, sizeof path, "%s/containerd.sock", state);
  int fd = connect_to_own(path, SOCK_STREAM, &pid);
  if (fd < 0)
    return 0;
  close(fd);
  return pid;
}

/* Reads a file of a process in /proc; false if that is not there, or longer. */
static bool read_of(pid_t pid, const char *name, char *text, size_t room) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  size_t length = 0;
  ssize_t count;
  while (length < room && (count = read(fd, text + length, room - length)) > 0)
    length += (size_t)count;
  close(fd);
  if (length == room)
    return false;
  text[length] = 0;
  return true;
}

static bool same_namespace(pid_t one, pid_t other, const char *name) {
  char path[64];
  char texts[2][64];
  const pid_t pids[] = {one, other};
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pids[i], name);
    ssize_t length = readlink(path, texts[i], sizeof texts[i] - 1);
    if (length < 0)
      return false;
    texts[i][length] = 0;
  }
  return strcmp(texts[0], texts[1]) == 0;
}

static bool same_line(const char *one, const char *other, const char *name) {
  const char *a = strstr(one, name);
  const char *b = strstr(other, name);
  if (a == NULL || b == NULL)
    return a == b;
  size_t length = strcspn(a + 1, "\n");
  return strcspn(b + 1, "\n") == length && memcmp(a, b, length + 1) == 0;
}

bool service_is_alike(pid_t service) {
  static char texts[2][8192];
  for (const char *const *name = namespaces; *name != NULL; name++)
    if (!same_namespace(getpid(), service, *name))
      return false;
  if (!read_of(getpid(), "status", texts[0], sizeof texts[0]) ||
      !read_of(service, "status", texts[1], sizeof texts[1]))
    return false;
  for (const char *const *name = rights; *name != NULL; name++)
    if (!same_line(texts[0], texts[1], *name))
      return false;
  return true;
}

/* Whether a list, whose entries commas divide, has these at its end or in its midst. */
static bool lists(const char *list, const char *entries) {
  size_t length = strlen(entries);
  for (const char *at = list; (at = strstr(at, entries)) != NULL; at++)
    if (at > list && at[-1] == ',' && (at[length] == ',' || at[length] == 0))
      return true;
  return false;
}

/* Goes into a cgroup of a hierarchy, if a line of proc_pid_mountinfo(5) says where that is. */
static bool join_at(char *mount, const char *controllers, const char *cgroup) {
  char path[PATH_MAX];
  char *root = NULL;
  char *point = NULL;
  char *rest = strstr(mount, " - ");
  if (rest == NULL)
    return false;
  *rest = 0;
  rest += 3;
  for (int field = 0; field < 5 && mount != NULL; field++) {
    char *word = strsep(&mount, " ");
    if (field == 3)
      root = word;
    if (field == 4)
      point = word;
  }
  char *type = strsep(&rest, " ");
  strsep(&rest, " ");
  if (root == NULL || point == NULL || rest == NULL)
    return false;
  rest[strcspn(rest, "\n")] = 0;
  if (*controllers == 0 ? strcmp(type, "cgroup2") != 0
                        : strcmp(type, "cgroup") != 0 || !lists(rest, controllers))
    return false;
  size_t above = strcmp(root, "/") == 0 ? 0 : strlen(root);
  if (strncmp(cgroup, root, above) != 0)
    return false;
  if (snprintf(path, sizeof path, "%s%s/cgroup.procs", point, cgroup + above) >= (int)sizeof path)
    return false;
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  bool joined = write(fd, "0", 1) == 1; /* who writes */
  close(fd);
  return joined;
}

static void join_hierarchy(const char *controllers, const char *cgroup) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  char *line = NULL;
  size_t room = 0;
  while (mounts != NULL && getline(&line, &room, mounts) > 0)
    if (join_at(line, controllers, cgroup))
      break;
  free(line);
  if (mounts != NULL)
    fclose(mounts);
}

static void join_cgroups(pid_t service) {
  char text[16384];
  if (!read_of(service, "cgroup", text, sizeof text))
    return;
  char *rest = text;
  for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
    strsep(&line, ":");
    char *controllers = strsep(&line, ":");
    if (controllers != NULL && line != NULL)
      join_hierarchy(controllers, line);
  }
}

/* What cannot be changed stays as it is: a slower resident is one all the same. */
void service_join(pid_t service) {
  struct rlimit limit;
  cpu_set_t processors;
  struct sched_param ordinary = {0};
  join_cgroups(service);
  for (int i = 0; i < LIMITS; i++)
    if (prlimit(service, i, NULL, &limit) == 0)
      prlimit(0, i, &limit, NULL);
  if (sched_getaffinity(service, sizeof processors, &processors) == 0)
    sched_setaffinity(0, sizeof processors, &processors);
  syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &ordinary);
  setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, (id_t)service));
  syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, 0);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (write(fd, "0", 1) < 0)
      ordinary.sched_priority = 0;
    close(fd);
  }
}
