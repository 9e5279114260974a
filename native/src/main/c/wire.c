#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

void packet_close_fds(struct packet *packet) {
  for (uint32_t i = 0; i < packet->fd_count; i++)
    close_fd(&packet->fds[i]);
  packet->fd_count = 0;
}

/* Only SCM_RIGHTS can come, for nothing else was asked for, and the kernel puts all of it into one.
 */
static void take_descriptors(struct msghdr *message, struct packet *packet) {
  struct cmsghdr *c = CMSG_FIRSTHDR(message);
  if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
    return;
  size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; i++) {
    int fd;
    memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
    if (packet->fd_count < MSG_MAX_FDS)
      packet->fds[packet->fd_count++] = fd;
    else
      close(fd);
  }
}

int packet_receive(int socket, struct packet *packet) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(MSG_MAX_FDS * sizeof(int))];
  } control;
  struct iovec parts[2] = {{&packet->header, sizeof packet->header},
                           {packet->payload, MSG_MAX_PAYLOAD}};
  struct msghdr message = {.msg_iov = parts,
                           .msg_iovlen = 2,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  packet->fd_count = 0;
  ssize_t n;
  do {
    n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0)
    return -1;
  take_descriptors(&message, packet);
  if (n == 0 && packet->fd_count == 0)
    return 0;
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || (size_t)n < sizeof packet->header ||
      packet->header.length != (size_t)n - sizeof packet->header ||
      (packet->header.flags & MSG_FDS_MASK) != packet->fd_count) {
    packet_close_fds(packet);
    errno = EBADMSG;
    return -1;
  }
  packet->payload[packet->header.length] = 0;
  return 1;
}

int packet_send(int socket, const struct msg_header *header, const void *payload, const int *fds,
                uint32_t fd_count) {
  struct msg_header head = *header;
  head.flags = (uint16_t)((head.flags & 0xff00u) | fd_count);
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)payload, head.length}};
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(MSG_MAX_FDS * sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = head.length > 0 ? 2 : 1};
  if (fd_count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = (socklen_t)CMSG_SPACE(fd_count * sizeof(int));
    memset(control.bytes, 0, message.msg_controllen);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = (socklen_t)CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
  }
  ssize_t n;
  do {
    n = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -1 : 0;
}

uint32_t packet_error(uint8_t *out, const struct failure *failure) {
  struct msg_error error = {
      .error = failure->error, .step = failure->step, .code = failure->code, .unused = 0};
  memcpy(out, &error, sizeof error);
  size_t what = strnlen(failure->what, sizeof failure->what - 1);
  size_t object = strnlen(failure->object, sizeof failure->object - 1);
  uint8_t *p = out + sizeof error;
  memcpy(p, failure->what, what);
  p[what] = 0;
  p += what + 1;
  memcpy(p, failure->object, object);
  p[object] = 0;
  return (uint32_t)(p + object + 1 - out);
}

const char *packet_string(const struct packet *packet, uint32_t offset) {
  if (offset >= packet->header.length)
    return NULL;
  const char *start = (const char *)packet->payload + offset;
  return memchr(start, 0, packet->header.length - offset) != NULL ? start : NULL;
}
