#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "child.h"
#include "copy_up.h"
#include "rooted.h"
#include "syscalls.h"

#define ONTO (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
#define VALUE_MAX 255u /* what fsconfig takes as a string */
#define DATA_MAX 4096u /* what mount(2) takes */

static int set_attributes(int fd, uint64_t set, uint64_t clear, uint64_t propagation,
                          bool recursive, struct failure *failure, const char *target) {
  struct mount_attr attributes = {.attr_set = set, .attr_clr = clear};
  /* Setting one way of keeping access times means clearing the others: they are a field, not bits.
   */
  if ((set & MOUNT_ATTR__ATIME) != 0)
    attributes.attr_clr |= MOUNT_ATTR__ATIME;
  attributes.propagation = propagation & (MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE);
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u);
  if ((attributes.attr_set | attributes.attr_clr | attributes.propagation) == 0)
    return 0;
  if (sys_mount_setattr(fd, "", flags, &attributes) < 0)
    return fail(failure, errno, "mount_setattr", target);
  return 0;
}

static int set_propagation(int fd, uint64_t propagation, struct failure *failure,
                           const char *target) {
  return set_attributes(fd, 0, 0, propagation, (propagation & MS_REC) != 0, failure, target);
}

/* Opens the target as the flags say. Returns 1 with *fd, or 0 when the step is to be skipped. */
static int open_target(struct child *child, const char *target, uint32_t flags, mode_t mode,
                       int *fd, struct failure *failure) {
  if ((flags & (MOUNT_MAKE_FOLDER | MOUNT_MAKE_FILE)) != 0)
    *fd = rooted_make(child, target, (flags & MOUNT_MAKE_FOLDER) != 0, mode, failure);
  else
    *fd = rooted_open(child, target, 0, failure);
  if (*fd >= 0)
    return 1;
  bool absent = failure->error == ENOENT || failure->error == ENOTDIR;
  return absent && (flags & MOUNT_EXISTING_ONLY) != 0 ? 0 : -1;
}

/* A file is mounted on a file, a folder on a folder; move_mount(2) says EINVAL to anything else. */
static int check_kinds(int fd, int onto, const char *target, struct failure *failure) {
  struct stat from, to;
  if (fstat(fd, &from) < 0 || fstat(onto, &to) < 0 || S_ISDIR(from.st_mode) == S_ISDIR(to.st_mode))
    return 0;
  return fail(failure, S_ISDIR(to.st_mode) ? EISDIR : ENOTDIR, "mount", target);
}

int do_root(struct child *child, const struct step *step, struct failure *failure) {
  uint32_t index = step_u32(step, 0);
  const char *path = step_string(step, sizeof(struct step_root), 0);
  cleanup_close int tree = -1;
  if (index == NO_FD)
    tree = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  else
    tree = fcntl(child->launch->fds[index], F_DUPFD_CLOEXEC, 3);
  if (tree < 0)
    return fail(failure, errno, "open_tree", path);
  if (sys_move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return fail(failure, errno, "move_mount", path);
  close_fd(&child->root);
  child->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (child->root < 0)
    return fail(failure, errno, "open root", path);
  /* From here on nothing is looked up outside of the root, and what is made in it is root's of the
   * container. */
  if (child->launch->settings.user_namespace)
    child_become_root_inside();
  return 0;
}

/* Splits `data` at commas (not at "\,") and hands each part to the kernel. 1: use mount(2) instead.
 */
static int configure(int context, const char *source, const char *data, struct failure *failure) {
  char copy[DATA_MAX];
  if (strlen(data) >= sizeof copy)
    return fail(failure, ENAMETOOLONG, "mount data", data);
  strcpy(copy, data);
  if (source[0] != 0 && sys_fsconfig(context, FSCONFIG_SET_STRING, "source", source) < 0)
    return errno == EINVAL ? 1 : fail(failure, errno, "fsconfig source", source);
  for (char *part = copy, *next; part != NULL && *part != 0; part = next) {
    char *comma = part;
    while ((comma = strchr(comma, ',')) != NULL && comma > part && comma[-1] == '\\')
      comma++;
    next = comma == NULL ? NULL : comma + 1;
    if (comma != NULL)
      *comma = 0;
    if (*part == 0)
      continue;
    char *value = strchr(part, '=');
    if (value != NULL)
      *value++ = 0;
    if (value != NULL && strlen(value) > VALUE_MAX)
      return 1;
    if (sys_fsconfig(context, value != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, part,
                     value) < 0)
      return errno == EINVAL || errno == EOPNOTSUPP ? 1 : fail(failure, errno, "fsconfig", part);
  }
  return 0;
}

/* Makes a detached mount by fsopen(2) and its kin. Returns -2 when mount(2) is to be tried instead.
 */
static int make_detached(const char *type, const char *source, const char *data,
                         const struct step_mount *mount, struct failure *failure) {
  cleanup_close int context = sys_fsopen(type);
  if (context < 0)
    return fail(failure, errno, "fsopen", type);
  int how = configure(context, source, data, failure);
  if (how != 0)
    return how < 0 ? -1 : -2;
  if ((mount->flags & MOUNT_FS_READ_ONLY) != 0 &&
      sys_fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL) < 0)
    return fail(failure, errno, "fsconfig", "ro");
  if (sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
    return errno == EINVAL ? -2 : fail(failure, errno, "fsconfig create", type);
  int fd = sys_fsmount(context, (unsigned)mount->attributes);
  return fd < 0 ? fail(failure, errno, "fsmount", type) : fd;
}

/* Mounts by mount(2) onto the opened target, as "." after fchdir, which no rename can divert. */
static int mount_old_way(int target, const char *type, const char *source, const char *data,
                         const struct step_mount *mount, struct failure *failure,
                         const char *name) {
  cleanup_close int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fchdir(target) < 0)
    return fail(failure, errno, "fchdir", name);
  unsigned long flags = (mount->flags & MOUNT_FS_READ_ONLY) != 0 ? MS_RDONLY : 0;
  int mounted = sys_mount(source, ".", type, flags, data);
  int error = errno;
  if (back >= 0 && fchdir(back) < 0)
    return fail(failure, errno, "fchdir", "back");
  return mounted < 0 ? fail(failure, error, "mount", name) : 0;
}

static int mount_step(struct child *child, const struct step *step, bool copy_up,
                      struct failure *failure) {
  struct step_mount mount;
  memcpy(&mount, step->payload, sizeof mount);
  const char *type = step_string(step, sizeof mount, 0);
  const char *source = step_string(step, sizeof mount, 1);
  const char *target = step_string(step, sizeof mount, 2);
  const char *data = step_string(step, sizeof mount, 3);
  cleanup_close int onto = -1;
  int there = open_target(child, target, mount.flags, (mode_t)mount.mode & 07777, &onto, failure);
  if (there <= 0)
    return there;
  if (rooted_outside_proc(onto, target, failure) < 0)
    return -1;
  struct step_mount plain = mount;
  if (copy_up)
    plain.attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY; /* it must be filled first */
  cleanup_close int fd = make_detached(type, source, data, &plain, failure);
  if (fd == -1)
    return -1;
  if (fd == -2) {
    if (mount_old_way(onto, type, source, data, &mount, failure, target) < 0)
      return -1;
    fd = rooted_open(child, target, 0, failure);
    if (fd < 0)
      return -1;
    return set_attributes(fd, mount.attributes, 0, mount.propagation, false, failure, target);
  }
  if (check_kinds(fd, onto, target, failure) < 0)
    return -1;
  if (copy_up) {
    if (copy_up_tree(onto, fd, target, failure) < 0 ||
        set_attributes(fd, mount.attributes, 0, 0, false, failure, target) < 0)
      return -1;
  }
  if (sys_move_mount(fd, "", onto, "", ONTO) < 0)
    return fail(failure, errno, "move_mount", target);
  return set_propagation(fd, mount.propagation, failure, target);
}

int do_mount(struct child *child, const struct step *step, struct failure *failure) {
  return mount_step(child, step, false, failure);
}

int do_copy_up(struct child *child, const struct step *step, struct failure *failure) {
  return mount_step(child, step, true, failure);
}

int do_bind(struct child *child, const struct step *step, struct failure *failure) {
  struct step_bind bind;
  memcpy(&bind, step->payload, sizeof bind);
  const char *target = step_string(step, sizeof bind, 0);
  int fd = child->launch->fds[bind.fd];
  cleanup_close int onto = -1;
  int there = open_target(child, target, bind.flags, 0755, &onto, failure);
  if (there <= 0)
    return there;
  if (rooted_outside_proc(onto, target, failure) < 0)
    return -1;
  if (check_kinds(fd, onto, target, failure) < 0)
    return -1;
  bool recursive = (bind.flags & MOUNT_RECURSIVE) != 0;
  if (set_attributes(fd, bind.set, bind.clear, 0, recursive, failure, target) < 0)
    return -1;
  if (sys_move_mount(fd, "", onto, "", ONTO) < 0)
    return fail(failure, errno, "move_mount", target);
  return set_propagation(fd, bind.propagation, failure, target);
}

int do_attributes(struct child *child, const struct step *step, struct failure *failure) {
  struct step_attributes a;
  memcpy(&a, step->payload, sizeof a);
  const char *target = step_string(step, sizeof a, 0);
  cleanup_close int fd = -1;
  int there = open_target(child, target, a.flags & MOUNT_EXISTING_ONLY, 0, &fd, failure);
  if (there <= 0)
    return there;
  if (set_attributes(fd, a.set, a.clear, 0, (a.flags & MOUNT_RECURSIVE) != 0, failure, target) < 0)
    return -1;
  return set_propagation(fd, a.propagation, failure, target);
}

int do_read_only(struct child *child, const struct step *step, struct failure *failure) {
  const char *target = step_string(step, 0, 0);
  cleanup_close int onto = -1;
  int there = open_target(child, target, MOUNT_EXISTING_ONLY, 0, &onto, failure);
  if (there <= 0)
    return there;
  cleanup_close int tree =
      sys_open_tree(onto, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
  if (tree < 0)
    return fail(failure, errno, "open_tree", target);
  if (set_attributes(tree, MOUNT_ATTR_RDONLY, 0, 0, true, failure, target) < 0)
    return -1;
  if (sys_move_mount(tree, "", onto, "", ONTO) < 0)
    return fail(failure, errno, "move_mount", target);
  return 0;
}

static int clone_mount(int fd) {
  return sys_open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

/* A mount of an empty read-only tmpfs: the first is made, the others are clones of it, which costs
 * a fifth. */
static int mask_folder(struct child *child, struct failure *failure) {
  if (child->mask_folder >= 0) {
    int clone = clone_mount(child->mask_folder);
    return clone < 0 ? fail(failure, errno, "open_tree", "mask") : clone;
  }
  struct step_mount mount = {.attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                           MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                             .flags = MOUNT_FS_READ_ONLY};
  int fd = make_detached("tmpfs", "tmpfs", "mode=755,size=0k", &mount, failure);
  if (fd == -2)
    return fail(failure, EINVAL, "mount", "tmpfs");
  child->mask_folder = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return fd;
}

/*
 * A mount of the null device. A descriptor of another mount namespace cannot be cloned here, a
 * detached mount could only be attached once: so it is attached first, and from then on it is one
 * of this namespace and is cloned. Without one, the container's own /dev/null serves, if it is
 * really that.
 */
static int mask_file(struct child *child, uint32_t index, struct failure *failure) {
  if (child->mask_file >= 0) {
    int clone = clone_mount(child->mask_file);
    return clone < 0 ? fail(failure, errno, "open_tree", "mask") : clone;
  }
  int fd = -1;
  if (index != NO_FD) {
    fd = clone_mount(child->launch->fds[index]);
    if (fd < 0)
      fd = fcntl(child->launch->fds[index], F_DUPFD_CLOEXEC, 3);
    child->mask_file = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? fail(failure, errno, "open_tree", "null device") : fd;
  }
  cleanup_close int null = rooted_open(child, "/dev/null", O_NOFOLLOW, failure);
  struct stat st;
  if (null < 0)
    return -1;
  if (fstat(null, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
    return fail(failure, ENODEV, "mask", "/dev/null is not the null device");
  fd = clone_mount(null);
  return fd < 0 ? fail(failure, errno, "open_tree", "/dev/null") : fd;
}

int do_mask(struct child *child, const struct step *step, struct failure *failure) {
  const char *target = step_string(step, 4, 0);
  cleanup_close int onto = -1;
  int there = open_target(child, target, MOUNT_EXISTING_ONLY, 0, &onto, failure);
  if (there <= 0)
    return there;
  struct stat st;
  if (fstat(onto, &st) < 0)
    return fail(failure, errno, "stat", target);
  cleanup_close int fd = S_ISDIR(st.st_mode) ? mask_folder(child, failure)
                                             : mask_file(child, step_u32(step, 0), failure);
  if (fd < 0)
    return -1;
  if (sys_move_mount(fd, "", onto, "", ONTO) < 0)
    return fail(failure, errno, "move_mount", target);
  return 0;
}

int do_propagation(struct child *child, const struct step *step, struct failure *failure) {
  (void)child;
  const char *path = step_string(step, 8, 0);
  if (sys_mount(NULL, path, NULL, (unsigned long)step_u64(step, 0), NULL) < 0)
    return fail(failure, errno, "set propagation", path);
  return 0;
}

int do_pivot(struct child *child, const struct step *step, struct failure *failure) {
  if (child->root < 0)
    return fail(failure, EINVAL, "pivot", "no root yet");
  cleanup_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (old < 0 || fchdir(child->root) < 0)
    return fail(failure, errno, "fchdir", "root");
  if (step_u32(step, 0) == PIVOT_ROOT) {
    if (sys_pivot_root(".", ".") < 0)
      return fail(failure, errno, "pivot_root", "");
    /* The old root, stacked above: its unmounting must not travel to the namespace it was copied
     * from. (A bare "." would still be the new one: no lookup of it goes up a stack.) */
    if (fchdir(old) < 0 || sys_mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0)
      return fail(failure, errno, "set propagation", "old root");
    if (sys_umount2(".", MNT_DETACH) < 0)
      return fail(failure, errno, "umount", "old root");
  } else {
    if (sys_mount(".", "/", NULL, MS_MOVE, NULL) < 0)
      return fail(failure, errno, "move mount", "/");
    if (chroot(".") < 0)
      return fail(failure, errno, "chroot", "");
  }
  if (chdir("/") < 0)
    return fail(failure, errno, "chdir", "/");
  close_fd(&child->root);
  return rooted_root(child, failure) < 0 ? -1 : 0;
}

int do_make_node(struct child *child, const struct step *step, struct failure *failure) {
  struct step_make_node node;
  char name[256];
  memcpy(&node, step->payload, sizeof node);
  const char *target = step_string(step, sizeof node, 0);
  if (!S_ISCHR(node.mode) && !S_ISBLK(node.mode) && !S_ISFIFO(node.mode))
    return fail(failure, EINVAL, "make node", target);
  cleanup_close int parent = rooted_parent(child, target, name, sizeof name, failure);
  if (parent < 0)
    return -1;
  dev_t device = S_ISFIFO(node.mode) ? 0 : makedev(node.major, node.minor);
  if (mknodat(parent, name, (mode_t)node.mode, device) < 0) {
    int error = errno;
    struct stat st;
    bool equal = error == EEXIST && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                 (st.st_mode & S_IFMT) == (node.mode & S_IFMT) && st.st_rdev == device;
    return equal ? 0 : fail(failure, error, "mknod", target);
  }
  if ((node.uid != 0 || node.gid != 0) &&
      fchownat(parent, name, node.uid, node.gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(failure, errno, "chown", target);
  return 0;
}

int do_symlink(struct child *child, const struct step *step, struct failure *failure) {
  char name[256];
  const char *content = step_string(step, 0, 0);
  const char *target = step_string(step, 0, 1);
  cleanup_close int parent = rooted_parent(child, target, name, sizeof name, failure);
  if (parent < 0)
    return -1;
  if (symlinkat(content, parent, name) == 0)
    return 0;
  int error = errno;
  struct stat st;
  if (error == EEXIST && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISLNK(st.st_mode))
    return 0;
  return fail(failure, error, "symlink", target);
}

int do_make_folder(struct child *child, const struct step *step, struct failure *failure) {
  const char *target = step_string(step, 4, 0);
  cleanup_close int fd =
      rooted_make(child, target, true, (mode_t)step_u32(step, 0) & 07777, failure);
  return fd < 0 ? -1 : 0;
}
