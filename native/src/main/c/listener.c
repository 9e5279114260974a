#include "listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "syscalls.h"

#define PARTS 5u /* of a text with two pids in it */

const char *listener_of(const struct plan *plan, uint32_t *index) {
  struct step step = {.payload = NULL};
  while (plan_next(plan, &step) && step_is_supervisors(step.code))
    if (step.code == STEP_LISTENER) {
      *index = step.index;
      return step_string(&step, 0, 0);
    }
  return NULL;
}

static int connect_to(const char *path, struct failure *failure) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path)
    return fail(failure, ENAMETOOLONG, "connect", path);
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return fail(failure, errno, "socket", path);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    fail(failure, errno, "connect", path);
    close(fd);
    return -1;
  }
  return fd;
}

static int send_with(int to, int fd, const struct iovec *parts, const char *path,
                     struct failure *failure) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                           .msg_iovlen = PARTS,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  size_t whole = 0;
  for (unsigned i = 0; i < PARTS; i++)
    whole += parts[i].iov_len;
  ssize_t n = sendmsg(to, &message, MSG_NOSIGNAL);
  if (n < 0)
    return fail(failure, errno, "send listener", path);
  return (size_t)n == whole ? 0 : fail(failure, EMSGSIZE, "send listener", path);
}

int listener_hand_over(const char *step, const struct process *process, int number,
                       struct failure *failure) {
  const char *path = step;
  const char *texts[3];
  const char *at = path + strlen(path) + 1;
  for (unsigned i = 0; i < 3; i++) {
    texts[i] = at;
    at += strlen(at) + 1;
  }
  const struct process *init = process_init();
  char own[16], inits[16];
  snprintf(own, sizeof own, "%d", (int)process->pid);
  snprintf(inits, sizeof inits, "%d", (int)(init == NULL ? process->pid : init->pid));
  const char *pieces[] = {texts[0], own, texts[1], inits, texts[2]};
  struct iovec parts[PARTS];
  for (unsigned i = 0; i < PARTS; i++)
    parts[i] = (struct iovec){(void *)(uintptr_t)pieces[i], strlen(pieces[i])};
  cleanup_close int fd = sys_pidfd_getfd(process->pidfd, number);
  if (fd < 0)
    return fail(failure, errno, "pidfd_getfd", path);
  cleanup_close int to = connect_to(path, failure);
  return to < 0 ? -1 : send_with(to, fd, parts, path, failure);
}
