#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container_test.h"

static struct message answer;

static int start_keeper(const char *path) {
  pid_t pid = fork();
  if (pid == 0) {
    execl(supervisor_program, supervisor_program, "keeper", path, (char *)NULL);
    _exit(9);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  return WEXITSTATUS(status);
}

static int keeper_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

static int ask(int socket, uint16_t op, const char *name, const int *fds, int count) {
  struct msg_error error;
  send_message(socket, op, 1, name, strlen(name) + 1, fds, count);
  CHECK(receive_message(socket, &answer, 2000));
  if ((answer.header.flags & MSG_ERROR) == 0)
    return 0;
  memcpy(&error, answer.payload, sizeof error);
  return error.error;
}

static void keeper(void) {
  const char *path = "/tmp/berth-keeper.sock";
  struct stat st, kept;
  CHECK(start_keeper(path) == 0);
  CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
  int socket = keeper_connect(path);
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  CHECK(ask(socket, OP_PUT, "b/port", ends, 2) == 0);
  CHECK(ask(socket, OP_PUT, "a", &ends[1], 1) == 0);
  CHECK(ask(socket, OP_PUT, "a", &ends[1], 1) == EEXIST);
  CHECK(ask(socket, OP_PUT, "", &ends[1], 1) == EINVAL);
  CHECK(ask(socket, OP_PUT, "none", NULL, 0) == EINVAL);
  close(socket); /* its client goes, a later one asks */
  socket = keeper_connect(path);
  CHECK(ask(socket, OP_LIST, "", NULL, 0) == 0);
  CHECK(answer.header.length == 2 + 2 + 2 + 7);
  CHECK(memcmp(answer.payload, "\1\0a\0\2\0b/port\0", 13) == 0);
  CHECK(ask(socket, OP_LIST, "a", NULL, 0) == 0 && answer.header.length == 9);
  CHECK(ask(socket, OP_LIST, "b/port", NULL, 0) == 0 && answer.header.length == 0);
  CHECK(ask(socket, OP_GET, "b/port", NULL, 0) == 0 && answer.fd_count == 2);
  CHECK(fstat(ends[0], &st) == 0 && fstat(answer.fds[0], &kept) == 0 && st.st_ino == kept.st_ino);
  CHECK(ask(socket, OP_GET, "c", NULL, 0) == ENOENT);
  CHECK(ask(socket, OP_DROP, "b/port", NULL, 0) == 0);
  CHECK(ask(socket, OP_DROP, "b/port", NULL, 0) == ENOENT);
  CHECK(ask(socket, OP_GET, "b/port", NULL, 0) == ENOENT);
  CHECK(ask(socket, OP_CREATE, "", NULL, 0) == ENOSYS);
  CHECK(start_keeper(path) == 1); /* the place is taken */
  CHECK(ask(socket, OP_SHUTDOWN, "", NULL, 0) == 0);
  CHECK(!receive_message(socket, &answer, 2000));
  CHECK(stat(path, &st) < 0);
}

const struct test keeper_tests[] = {
    {"keeper", keeper},
    {NULL, NULL},
};
