#include "peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int connect_to_own(const char *path, int type, pid_t *pid) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  struct ucred peer;
  socklen_t length = sizeof peer;
  int error = EACCES;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    error = errno;
  else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid()) {
    *pid = peer.pid;
    return fd;
  }
  close(fd);
  errno = error;
  return -1;
}
