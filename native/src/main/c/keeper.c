#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop.h"
#include "syscalls.h"
#include "wire.h"

#define ENTRIES_MAX 4096u
#define NAME_MAX_BYTES 128u
#define PEERS_MAX 16u

struct entry {
  char name[NAME_MAX_BYTES];
  uint32_t count;
  int *fds; /* into an array of exactly that many */
};

struct peer {
  bool used;
  struct watch watch;
};

static struct entry entries[ENTRIES_MAX]; /* sorted by name */
static uint32_t entry_count;
static struct peer peers[PEERS_MAX];
static struct watch listening;
static struct packet packet;

/* Index of the first entry whose name is not smaller; *equal tells whether it is the one. */
static uint32_t find(const char *name, bool *equal) {
  uint32_t low = 0, high = entry_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (strcmp(entries[middle].name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *equal = low < entry_count && strcmp(entries[low].name, name) == 0;
  return low;
}

static int put(const char *name, struct failure *failure) {
  bool equal;
  uint32_t at = find(name, &equal);
  if (equal)
    return fail(failure, EEXIST, "put", name);
  if (name[0] == 0 || strlen(name) >= NAME_MAX_BYTES)
    return fail(failure, EINVAL, "put", name);
  if (packet.fd_count == 0)
    return fail(failure, EINVAL, "put", "no descriptors");
  if (entry_count == ENTRIES_MAX)
    return fail(failure, ENOSPC, "put", name);
  int *fds = malloc(packet.fd_count * sizeof *fds);
  if (fds == NULL)
    return fail(failure, ENOMEM, "put", name);
  memmove(&entries[at + 1], &entries[at], (entry_count - at) * sizeof entries[0]);
  entry_count++;
  struct entry *entry = &entries[at];
  memset(entry, 0, sizeof *entry);
  memcpy(entry->name, name, strlen(name));
  entry->fds = fds;
  entry->count = packet.fd_count;
  memcpy(fds, packet.fds, packet.fd_count * sizeof *fds);
  packet.fd_count = 0; /* they are ours now */
  return 0;
}

static int drop(const char *name, struct failure *failure) {
  bool equal;
  uint32_t at = find(name, &equal);
  if (!equal)
    return fail(failure, ENOENT, "drop", name);
  for (uint32_t i = 0; i < entries[at].count; i++)
    close(entries[at].fds[i]);
  free(entries[at].fds);
  entry_count--;
  memmove(&entries[at], &entries[at + 1], (entry_count - at) * sizeof entries[0]);
  return 0;
}

static uint32_t list(const char *after, uint8_t *out) {
  bool equal;
  uint32_t at = find(after, &equal), length = 0;
  for (at += equal; at < entry_count; at++) {
    uint32_t name = (uint32_t)strlen(entries[at].name) + 1;
    if (length + 2 + name > MSG_MAX_PAYLOAD / 2)
      break;
    uint16_t count = (uint16_t)entries[at].count;
    memcpy(out + length, &count, 2);
    memcpy(out + length + 2, entries[at].name, name);
    length += 2 + name;
  }
  return length;
}

static void peer_close(struct peer *peer) {
  watch_close(&peer->watch);
  peer->used = false;
}

/* The peer asks one thing after another; one that does not read its answers is let go. */
static void answer(struct peer *peer, uint16_t flags, const void *payload, uint32_t length,
                   const int *fds, uint32_t fd_count) {
  struct msg_header header = {.op = packet.header.op,
                              .flags = (uint16_t)(MSG_REPLY | flags),
                              .length = length,
                              .request = packet.header.request};
  if (packet_send(peer->watch.fd, &header, payload, fds, fd_count) < 0)
    peer_close(peer);
}

static void answer_get(struct peer *peer, const char *name, struct failure *failure) {
  bool equal;
  uint32_t at = find(name, &equal);
  if (!equal)
    fail(failure, ENOENT, "get", name);
  else
    answer(peer, 0, NULL, 0, entries[at].fds, entries[at].count);
}

static void serve(struct peer *peer) {
  static uint8_t payload[MSG_MAX_PAYLOAD];
  struct failure failure;
  failure_clear(&failure);
  if (packet.header.op == OP_HELLO) {
    struct hello_reply hello = {.version = PROTOCOL_VERSION, .pid = (uint32_t)getpid()};
    answer(peer, 0, &hello, sizeof hello, NULL, 0);
    return;
  }
  if (packet.header.op == OP_SHUTDOWN) {
    answer(peer, 0, NULL, 0, NULL, 0);
    loop_end();
    return;
  }
  const char *name = packet_string(&packet, 0);
  if (name == NULL || strlen(name) + 1 != packet.header.length)
    fail(&failure, EINVAL, "request", "malformed");
  else if (packet.header.op == OP_PUT && put(name, &failure) == 0)
    answer(peer, 0, NULL, 0, NULL, 0);
  else if (packet.header.op == OP_DROP && drop(name, &failure) == 0)
    answer(peer, 0, NULL, 0, NULL, 0);
  else if (packet.header.op == OP_GET)
    answer_get(peer, name, &failure);
  else if (packet.header.op == OP_LIST)
    answer(peer, 0, payload, list(name, payload), NULL, 0);
  else if (failure.error == 0)
    fail(&failure, ENOSYS, "request", "unknown operation");
  if (failure.error != 0) {
    uint32_t length = packet_error(payload, &failure);
    answer(peer, MSG_ERROR, payload, length, NULL, 0);
  }
}

static void peer_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct peer *peer = container_of(watch, struct peer, watch);
  int n = packet_receive(watch->fd, &packet);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0) {
    peer_close(peer);
    return;
  }
  serve(peer);
  packet_close_fds(&packet);
}

static void accept_peer(struct watch *watch, uint32_t events) {
  (void)events;
  int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (fd < 0)
    return;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
      (credentials.uid == 0 || credentials.uid == getuid())) {
    for (unsigned i = 0; i < PEERS_MAX; i++) {
      if (peers[i].used)
        continue;
      memset(&peers[i], 0, sizeof peers[i]);
      peers[i].used = true;
      peers[i].watch.fd = fd;
      peers[i].watch.ready = peer_ready;
      watch_set(&peers[i].watch, EPOLLIN);
      return;
    }
  }
  close(fd);
}

static int listen_on(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  umask(0177);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

static _Noreturn void keep(const char *path, int sync) {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  prctl(PR_SET_NAME, "berth-keeper", 0, 0, 0);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  listening.fd = listen_on(path);
  listening.ready = accept_peer;
  if (listening.fd < 0 || loop_open() < 0 || watch_set(&listening, EPOLLIN) < 0) {
    dprintf(2, "berth-supervisor: cannot keep at %s: %s\n", path, strerror(errno));
    _exit(1);
  }
  char ready = 1;
  ssize_t n = write(sync, &ready, 1);
  (void)n;
  close(sync);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i < 3 && null >= 0; i++)
    dup2(null, i);
  if (chdir("/") < 0)
    _exit(1);
  loop_run();
  unlink(path);
  _exit(0);
}

int keeper_main(const char *path) {
  int ends[2];
  if (path[0] != '/') {
    dprintf(2, "berth-supervisor: the keeper's socket needs an absolute path\n");
    return 2;
  }
  sys_close_range(3, ~0u, 0);
  if (pipe2(ends, O_CLOEXEC) < 0)
    return 1;
  for (int i = 1; i < 65; i++)
    if (i != SIGKILL && i != SIGSTOP)
      signal(i, i == SIGHUP || i == SIGPIPE || i == SIGINT ? SIG_IGN : SIG_DFL);
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    if (fork() == 0)
      keep(path, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  char ready = 0;
  return pid > 0 && read(ends[0], &ready, 1) == 1 ? 0 : 1;
}
