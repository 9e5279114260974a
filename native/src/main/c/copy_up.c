#include "copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 128

struct level {
  DIR *from;
  int to;
};

static int copy_file(int from, int to, const char *name, const struct stat *st,
                     struct failure *failure) {
  cleanup_close int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  cleanup_close int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (in < 0 || out < 0)
    return fail(failure, errno, "copy up", name);
  for (off_t left = st->st_size; left > 0;) {
    ssize_t n = sendfile(out, in, NULL, left > (1 << 20) ? (1u << 20) : (size_t)left);
    if (n < 0)
      return fail(failure, errno, "copy up", name);
    if (n == 0)
      break;
    left -= n;
  }
  return 0;
}

static int copy_link(int from, int to, const char *name, struct failure *failure) {
  char content[4096];
  ssize_t n = readlinkat(from, name, content, sizeof content - 1);
  if (n < 0)
    return fail(failure, errno, "copy up", name);
  content[n] = 0;
  return symlinkat(content, to, name) < 0 ? fail(failure, errno, "copy up", name) : 0;
}

static int copy_metadata(int to, const char *name, const struct stat *st, struct failure *failure) {
  struct timespec times[2] = {st->st_atim, st->st_mtim};
  if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(failure, errno, "copy up", name);
  /* The mode is set after chown(2), which takes set-id bits away. */
  if (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0)
    return fail(failure, errno, "copy up", name);
  utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
  return 0;
}

static int open_level(struct level *level, int from, int to, const char *name,
                      struct failure *failure) {
  int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  level->from = in < 0 ? NULL : fdopendir(in);
  level->to = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (level->from != NULL && level->to >= 0)
    return 0;
  fail(failure, errno, "copy up", name);
  if (level->from != NULL)
    closedir(level->from);
  else if (in >= 0)
    close(in);
  close_fd(&level->to);
  return -1;
}

/* Copies one entry. Returns 1 for a folder that is to be entered. */
static int copy_entry(const struct level *level, const char *name, struct failure *failure) {
  struct stat st;
  int from = dirfd(level->from), made = 0;
  if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(failure, errno, "copy up", name);
  if (S_ISDIR(st.st_mode))
    made = mkdirat(level->to, name, 0700);
  else if (S_ISREG(st.st_mode))
    made = copy_file(from, level->to, name, &st, failure);
  else if (S_ISLNK(st.st_mode))
    made = copy_link(from, level->to, name, failure);
  else
    made = mknodat(level->to, name, st.st_mode, st.st_rdev);
  if (made < 0)
    return failure->error != 0 ? -1 : fail(failure, errno, "copy up", name);
  if (copy_metadata(level->to, name, &st, failure) < 0)
    return -1;
  return S_ISDIR(st.st_mode) ? 1 : 0;
}

int copy_up_tree(int from, int to, const char *target, struct failure *failure) {
  static struct level levels[DEPTH_MAX];
  struct stat st;
  int depth = 0, result = 0;
  if (fstat(from, &st) < 0 || !S_ISDIR(st.st_mode))
    return fail(failure, ENOTDIR, "copy up", target);
  if (open_level(&levels[0], from, to, ".", failure) < 0)
    return -1;
  /* By the folder that has been opened: a mount's own descriptor is O_PATH, which takes no changes.
   */
  if (fchown(levels[0].to, st.st_uid, st.st_gid) < 0 ||
      fchmod(levels[0].to, st.st_mode & 07777) < 0)
    result = fail(failure, errno, "copy up", target);
  while (depth >= 0 && result == 0) {
    struct level *level = &levels[depth];
    struct dirent *entry = readdir(level->from);
    if (entry == NULL) {
      closedir(level->from);
      close_fd(&level->to);
      depth--;
      continue;
    }
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
      continue;
    result = copy_entry(level, name, failure);
    if (result == 1) {
      result = depth + 1 == DEPTH_MAX
                   ? fail(failure, ELOOP, "copy up", name)
                   : open_level(&levels[depth + 1], dirfd(level->from), level->to, name, failure);
      depth += result == 0;
    }
  }
  for (; depth >= 0; depth--) {
    closedir(levels[depth].from);
    close_fd(&levels[depth].to);
  }
  return result;
}
