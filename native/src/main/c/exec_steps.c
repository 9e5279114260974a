#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "child.h"
#include "hook.h"
#include "rooted.h"
#include "supervisor.h"
#include "sync.h"
#include "syscalls.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#define DEFAULT_UMASK 022

static int send_master(int sync, int master, struct failure *failure) {
  uint32_t words[2] = {SYNC_CONSOLE, 0};
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec part = {words, sizeof words};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &master, sizeof master);
  if (sendmsg(sync, &message, 0) < 0)
    return fail(failure, errno, "send pty", "");
  return 0;
}

/* Binds the slave's own file onto /dev/console. */
static int bind_console(struct child *child, int slave, struct failure *failure) {
  cleanup_close int onto = rooted_make(child, "/dev/console", false, 0600, failure);
  if (onto < 0 || rooted_outside_proc(onto, "/dev/console", failure) < 0)
    return -1;
  cleanup_close int tree =
      sys_open_tree(slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (tree < 0)
    return fail(failure, errno, "open_tree", "pty");
  if (sys_move_mount(tree, "", onto, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail(failure, errno, "move_mount", "/dev/console");
  return 0;
}

int do_console(struct child *child, const struct step *step, struct failure *failure) {
  int root = rooted_root(child, failure);
  if (root < 0)
    return -1;
  cleanup_close int master =
      sys_openat2(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
                  RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
  if (master < 0)
    return fail(failure, errno, "open", "/dev/pts/ptmx");
  struct stat st;
  /* An image's own file of that name must not become what root here reads and writes. */
  if (fstat(master, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
    return fail(failure, ENODEV, "open", "/dev/pts/ptmx");
  int unlocked = 0;
  if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
    return fail(failure, errno, "unlock pty", "");
  cleanup_close int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0)
    return fail(failure, errno, "open pty", "");
  if (fchown(slave, step_u32(step, 0), (gid_t)-1) < 0 && errno != EINVAL && errno != EPERM)
    return fail(failure, errno, "chown pty", "");
  if ((step_u32(step, 4) & CONSOLE_BIND_DEV_CONSOLE) != 0 &&
      bind_console(child, slave, failure) < 0)
    return -1;
  /* Here, for the program must never see another size; the supervisor repeats it, should it have
   * changed since. */
  const struct stdio *stdio = &child->launch->process->stdio;
  struct winsize size = {.ws_row = stdio->rows, .ws_col = stdio->columns};
  if ((size.ws_row != 0 || size.ws_col != 0) && ioctl(master, TIOCSWINSZ, &size) < 0)
    return fail(failure, errno, "set terminal size", "");
  if (ioctl(slave, TIOCSCTTY, 0) < 0)
    return fail(failure, errno, "take controlling terminal", "");
  for (int i = 0; i < 3; i++)
    if (dup2(slave, i) < 0)
      return fail(failure, errno, "dup2", "pty");
  return send_master(child->sync, master, failure);
}

/* The container's own null device if it is one, so that no file of the host's is left open in it.
 */
static int open_null(struct child *child) {
  struct failure ignored;
  int fd = sys_openat2(rooted_root(child, &ignored), "/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY, 0,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
  struct stat st;
  if (fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
    return fd;
  if (fd >= 0)
    close(fd);
  return fcntl(supervisor.null_fd, F_DUPFD_CLOEXEC, 3);
}

int do_stdio(struct child *child, const struct step *step, struct failure *failure) {
  cleanup_close int null = -1;
  for (int i = 0; i < 3; i++) {
    int fd = child->launch->process->stdio.child_ends[i];
    if (fd < 0) {
      if (null < 0 && (null = open_null(child)) < 0)
        return fail(failure, errno, "open", "/dev/null");
      fd = null;
    } else if (fchown(fd, step_u32(step, 0), step_u32(step, 4)) < 0 && errno != EINVAL &&
               errno != EPERM) {
      /* Its owner can open /dev/stdout by name; a process with an unmapped id must do without. */
      return fail(failure, errno, "chown", "stdio");
    }
    if (dup2(fd, i) < 0)
      return fail(failure, errno, "dup2", "stdio");
  }
  return 0;
}

int do_cwd(struct child *child, const struct step *step, struct failure *failure) {
  const char *path = step_string(step, 8, 0);
  cleanup_close int fd = -1;
  if (step_u32(step, 0) != 0)
    fd = rooted_make(child, path, true, 0755, failure);
  else
    fd = rooted_open(child, path, O_DIRECTORY, failure);
  if (fd < 0)
    return -1;
  if (fchdir(fd) < 0)
    return fail(failure, errno, "chdir", path);
  char buffer[PATH_MAX];
  /* A folder that no path leads to would be a way out of the root. */
  if (syscall(SYS_getcwd, buffer, sizeof buffer) < 0 || buffer[0] != '/')
    return fail(failure, ENOENT, "chdir", path);
  return 0;
}

/* Returns 0 if the file may be executed, else the errno that says why not. */
static int executable(const char *path) {
  struct stat st;
  if (stat(path, &st) < 0)
    return errno;
  if (!S_ISREG(st.st_mode))
    return S_ISDIR(st.st_mode) ? EISDIR : EACCES;
  if (syscall(NR_FACCESSAT2, AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
    return 0;
  /* The container's own filter may be in force already, and know access(2) only; the kernel itself
   * has the call and never says EPERM. */
  if (errno == ENOSYS || errno == EPERM)
    return access(path, X_OK) == 0 ? 0 : errno;
  return errno;
}

int do_look_up(struct child *child, const struct step *step, struct failure *failure) {
  const char *program = step_string(step, 0, 0);
  const char *search = step_string(step, 0, 1);
  size_t length = strlen(program);
  if (length == 0 || length >= sizeof child->program)
    return fail(failure, length == 0 ? ENOENT : ENAMETOOLONG, "look up", program);
  int error = ENOENT;
  if (strchr(program, '/') != NULL) {
    memcpy(child->program, program, length + 1);
    error = executable(child->program);
  } else {
    for (const char *p = search; error != 0; p++) {
      size_t part = strcspn(p, ":");
      int n = snprintf(child->program, sizeof child->program, "%.*s%s%s", (int)part, p,
                       part > 0 ? "/" : "", program);
      if (n > 0 && (size_t)n < sizeof child->program) {
        int this_error = executable(child->program);
        if (this_error == 0)
          error = 0;
        else if (this_error == EACCES || this_error == EISDIR)
          error = EACCES; /* remembered: something was there */
      }
      p += part;
      if (*p == 0)
        break;
    }
  }
  if (error != 0)
    return fail(failure, error, "look up", program);
  child->program_found = true;
  return 0;
}

/* Really closed, not only marked: an image's program could name /proc/self/fd/N, and execve would
 * follow it. */
static void close_others(int *sync) {
  int low = fcntl(*sync, F_DUPFD_CLOEXEC, 3);
  if (low >= 0 && low < *sync)
    *sync = low;
  bool closed = (*sync <= 3 || sys_close_range(3, (unsigned)*sync - 1, 0) == 0) &&
                sys_close_range((unsigned)*sync + 1, ~0u, 0) == 0;
  if (closed)
    return;
  for (int fd = 3; fd < 4096; fd++) /* a filter of the container forbids the one call */
    if (fd != *sync)
      close(fd);
}

int do_exec(struct child *child, const struct step *step, struct failure *failure) {
  uint32_t argc = step_u32(step, 0), envc = step_u32(step, 4);
  const char *arguments = step_string(step, 8, 0);
  char **argv = hook_strings(arguments, argc);
  const char *environment = arguments;
  for (uint32_t i = 0; i < argc; i++)
    environment += strlen(environment) + 1;
  char **envp = hook_strings(environment, envc);
  if (argv == NULL || envp == NULL)
    return fail(failure, ENOMEM, "execve", "");
  const char *program = child->program_found ? child->program : argv[0];
  if (!child->umask_set)
    umask(DEFAULT_UMASK);
  close_others(&child->sync);
  /* PR_SET_PDEATHSIG comes after the last change of credentials, which clears it (prctl(2)). */
  if ((child->launch->plan.header.flags & PLAN_KEEP_ON_SUPERVISOR_DEATH) == 0)
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  /* This fails, and ends the process, when the supervisor died before the line above. */
  sync_send(child->sync, SYNC_EXECUTING, 0);
  execve(program, argv, envp);
  return fail(failure, errno, "execve", program);
}
