#include "rooted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "syscalls.h"

#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define LINKS_MAX 40   /* as the kernel */
#define RACES_MAX 1000 /* EAGAIN: a rename went on somewhere beside */

int rooted_root(struct child *child, struct failure *failure) {
  if (child->root < 0) {
    child->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (child->root < 0)
      fail(failure, errno, "open root", "/");
  }
  return child->root;
}

static int open_in(int root, const char *path, int flags) {
  for (int i = 0;; i++) {
    int fd = sys_openat2(root, path[0] != 0 ? path : ".",
                         (uint64_t)(unsigned)(O_PATH | O_CLOEXEC | flags), 0, IN_ROOT);
    if (fd >= 0 || errno != EAGAIN || i == RACES_MAX)
      return fd;
  }
}

int rooted_open(struct child *child, const char *path, int flags, struct failure *failure) {
  int root = rooted_root(child, failure);
  if (root < 0)
    return -1;
  int fd = open_in(root, path, flags);
  return fd < 0 ? fail(failure, errno, "open", path) : fd;
}

/* Replaces a dangling link at [0, end) of `path` by its content. */
static int splice_link(int parent, char *path, size_t end, struct failure *failure) {
  char content[PATH_MAX], joined[2 * PATH_MAX];
  size_t name = end;
  while (name > 0 && path[name - 1] != '/')
    name--;
  char last[NAME_MAX + 1];
  if (end - name > NAME_MAX)
    return fail(failure, ENAMETOOLONG, "make", path);
  memcpy(last, path + name, end - name);
  last[end - name] = 0;
  ssize_t n = readlinkat(parent, last, content, sizeof content - 1);
  if (n <= 0)
    return fail(failure, n < 0 ? errno : ENOENT, "make", path);
  content[n] = 0;
  int length = content[0] == '/' ? snprintf(joined, sizeof joined, "%s%s", content, path + end)
                                 : snprintf(joined, sizeof joined, "%.*s%s%s", (int)name, path,
                                            content, path + end);
  if (length < 0 || length >= PATH_MAX)
    return fail(failure, ENAMETOOLONG, "make", path);
  memcpy(path, joined, (size_t)length + 1);
  return 0;
}

/* Makes one component. 1: made or there; 0: it was a dangling link, `path` has been rewritten; -1
 * failed. */
static int make_component(int root, char *path, size_t start, size_t end, bool folder, mode_t mode,
                          struct failure *failure) {
  char prefix[PATH_MAX], name[NAME_MAX + 1];
  memcpy(prefix, path, end);
  prefix[end] = 0;
  cleanup_close int there = open_in(root, prefix, 0);
  if (there >= 0)
    return 1;
  if (errno != ENOENT)
    return fail(failure, errno, "make", prefix);
  if (end - start > NAME_MAX)
    return fail(failure, ENAMETOOLONG, "make", prefix);
  memcpy(name, path + start, end - start);
  name[end - start] = 0;
  prefix[start] = 0;
  cleanup_close int parent = open_in(root, prefix, O_DIRECTORY);
  if (parent < 0)
    return fail(failure, errno, "make", prefix);
  if (folder) {
    if (mkdirat(parent, name, mode) == 0)
      return 1;
  } else {
    cleanup_close int made =
        openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (made >= 0)
      return 1;
  }
  if (errno != EEXIST)
    return fail(failure, errno, "make", path);
  return splice_link(parent, path, end, failure);
}

static int make_all(int root, char *path, bool folder, mode_t mode, struct failure *failure) {
  int links = 0;
  size_t at = 0;
  for (;;) {
    while (path[at] == '/')
      at++;
    if (path[at] == 0)
      return 0;
    size_t end = at + strcspn(path + at, "/");
    bool last = path[end + strspn(path + end, "/")] == 0;
    int made = make_component(root, path, at, end, !last || folder, last ? mode : 0755, failure);
    if (made < 0)
      return -1;
    if (made == 0) {
      if (++links > LINKS_MAX)
        return fail(failure, ELOOP, "make", path);
      at = 0;
      continue;
    }
    at = end;
  }
}

int rooted_make(struct child *child, const char *path, bool folder, mode_t mode,
                struct failure *failure) {
  char copy[PATH_MAX];
  int root = rooted_root(child, failure);
  if (root < 0)
    return -1;
  int fd = open_in(root, path, 0);
  if (fd >= 0)
    return fd;
  if (errno != ENOENT)
    return fail(failure, errno, "open", path);
  if (strlen(path) >= sizeof copy)
    return fail(failure, ENAMETOOLONG, "make", path);
  strcpy(copy, path);
  if (make_all(root, copy, folder, mode, failure) < 0)
    return -1;
  fd = open_in(root, copy, 0);
  return fd < 0 ? fail(failure, errno, "open", path) : fd;
}

/* Whether a path says by itself that it lies in /proc. */
static bool names_proc(const char *path) {
  path += strspn(path, "/");
  if (strncmp(path, "proc", 4) != 0 || (path[4] != '/' && path[4] != 0))
    return false;
  for (const char *up = strstr(path, "/.."); up != NULL; up = strstr(up + 1, "/.."))
    if (up[3] == '/' || up[3] == 0)
      return false;
  return true;
}

int rooted_outside_proc(int fd, const char *path, struct failure *failure) {
  struct statfs system;
  if (names_proc(path) || fstatfs(fd, &system) < 0 || system.f_type != PROC_SUPER_MAGIC)
    return 0;
  return fail(failure, EXDEV, "mount", path);
}

int rooted_parent(struct child *child, const char *path, char *name, size_t size,
                  struct failure *failure) {
  char parent[PATH_MAX];
  size_t end = strlen(path);
  while (end > 0 && path[end - 1] == '/')
    end--;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/')
    start--;
  if (end == start || end - start >= size || start >= sizeof parent)
    return fail(failure, end == start ? EINVAL : ENAMETOOLONG, "make", path);
  memcpy(name, path + start, end - start);
  name[end - start] = 0;
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return fail(failure, EINVAL, "make", path);
  memcpy(parent, path, start);
  parent[start] = 0;
  return rooted_make(child, parent, true, 0755, failure);
}
