#include "connection.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING_MS 5000u

static struct connection connections[CONNECTIONS_MAX];
static struct connection *controller;
static struct watch listening;
static void (*packet_ready)(struct watch *watch, uint32_t events);

void connection_close(struct connection *connection) {
  timer_clear(&connection->greeting);
  if (connection == controller)
    controller = NULL;
  void (*on_closed)(struct connection *) = connection->on_closed;
  connection->on_closed = NULL; /* its end is told once */
  if (on_closed != NULL)
    on_closed(connection);
  /* A half-made child may hold a copy of the descriptor, so that close alone would not tell the
   * peer of the end. */
  shutdown(connection->watch.fd, SHUT_RDWR);
  watch_close(&connection->watch);
  connection->used = false;
  watch_set(&listening, EPOLLIN); /* there is a place again for who waits to be taken on */
}

static void greeting_over(struct timer *timer) {
  connection_close(container_of(timer, struct connection, greeting));
}

static struct connection *connection_new(int fd) {
  for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
    struct connection *c = &connections[i];
    if (c->used)
      continue;
    memset(c, 0, sizeof *c);
    c->used = true;
    c->watch.fd = fd;
    c->watch.ready = packet_ready;
    c->greeting.fire = greeting_over;
    watch_set(&c->watch, EPOLLIN);
    return c;
  }
  return NULL;
}

static bool connections_full(void) {
  for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
    if (!connections[i].used)
      return false;
  return true;
}

/* A client that finds every place taken is not turned away, but waits in the socket's queue. */
static void accept_one(struct watch *watch, uint32_t events) {
  (void)events;
  if (connections_full()) {
    watch_set(watch, 0);
    return;
  }
  int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    return;
  struct ucred peer;
  socklen_t size = sizeof peer;
  struct connection *c = NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
      (peer.uid == 0 || peer.uid == getuid()))
    c = connection_new(fd);
  if (c == NULL) {
    close(fd);
    return;
  }
  timer_set(&c->greeting, GREETING_MS);
}

int connection_listen(int listener, void (*ready)(struct watch *watch, uint32_t events)) {
  packet_ready = ready;
  listening.fd = listener;
  listening.ready = accept_one;
  return watch_set(&listening, EPOLLIN);
}

int connection_adopt(int socket) { return connection_new(socket) != NULL ? 0 : -1; }

void controller_appoint(struct connection *connection) { controller = connection; }

struct connection *controller_now(void) {
  return controller;
}

int controller_send(const struct msg_header *header, const void *payload, const int *fds,
                    uint32_t fd_count) {
  if (controller == NULL) {
    errno = ENOTCONN;
    return -1;
  }
  if (packet_send(controller->watch.fd, header, payload, fds, fd_count) == 0)
    return 0;
  if (errno == EAGAIN)
    watch_set(&controller->watch, EPOLLIN | EPOLLOUT);
  return -1;
}

static void send_reply(struct connection *connection, const struct packet *request, uint16_t flags,
                       const void *payload, uint32_t length, const int *fds, uint32_t fd_count) {
  struct msg_header header = {.op = request->header.op,
                              .flags = (uint16_t)(MSG_REPLY | flags),
                              .length = length,
                              .request = request->header.request};
  /* The answer is not remembered. A peer that let its socket fill is let go, and can come again and
   * ask. */
  if (packet_send(connection->watch.fd, &header, payload, fds, fd_count) < 0)
    connection_close(connection);
}

void connection_reply(struct connection *connection, const struct packet *request,
                      const void *payload, uint32_t length) {
  send_reply(connection, request, 0, payload, length, NULL, 0);
}

void connection_reply_fds(struct connection *connection, const struct packet *request,
                          const void *payload, uint32_t length, const int *fds, uint32_t fd_count) {
  send_reply(connection, request, 0, payload, length, fds, fd_count);
}

void connection_reply_failure(struct connection *connection, const struct packet *request,
                              const struct failure *failure) {
  uint8_t payload[ERROR_MAX];
  uint32_t length = packet_error(payload, failure);
  send_reply(connection, request, MSG_ERROR, payload, length, NULL, 0);
}
