#include "controller.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach.h"
#include "process.h"
#include "results.h"
#include "supervisor.h"

#define GREETING_MS 5000u
#define TIED_MS 2000u /* a tied one, whatever lives in it: its controller was its only purpose */
#define LONELY_MS 60000u /* without controller, process, and task folder: nothing to live for */

static struct connection connections[CONNECTIONS_MAX];
static struct connection *controller;
static struct watch listening;
static struct timer lonely;
static struct packet packet; /* one thread: one is enough */

static void connection_ready(struct watch *watch, uint32_t events);

static void lonely_over(struct timer *timer) {
  if (controller != NULL)
    return;
  if (supervisor.tied) {
    loop_end(); /* what lives dies with its parent */
    return;
  }
  if (!any_process_alive() &&
      (supervisor.phase == PHASE_EMPTY || faccessat(supervisor.task_fd, "sup.sock", F_OK, 0) < 0))
    loop_end();
  timer_set(timer, LONELY_MS);
}

void connection_close(struct connection *connection) {
  timer_clear(&connection->greeting);
  if (connection == controller) {
    controller = NULL;
    operations_reset();
    results_forget_waiters();
    timer_set(&lonely, supervisor.tied ? TIED_MS : LONELY_MS);
  }
  if (connection->kind == CONNECTION_ATTACH) {
    connection->kind = CONNECTION_NEW; /* its end is told once */
    attach_connection_gone(connection);
  }
  /* A half-made child may hold a copy: the peer must see the end now. */
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
    c->watch.ready = connection_ready;
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

/* Who finds every place taken is not turned away: it waits in the socket's queue. */
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

int controller_listen(int listener) {
  lonely.fire = lonely_over;
  timer_set(&lonely, supervisor.tied ? TIED_MS : LONELY_MS);
  listening.fd = listener;
  listening.ready = accept_one;
  return watch_set(&listening, EPOLLIN);
}

int controller_adopt(int socket) { return connection_new(socket) != NULL ? 0 : -1; }

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

static bool notify(struct process *process, uint16_t op, const void *fixed, uint32_t length) {
  uint8_t payload[sizeof(struct exit_notice) + EXEC_ID_MAX + 1];
  uint32_t id = (uint32_t)strlen(process->id) + 1;
  if (length > 0)
    memcpy(payload, fixed, length);
  memcpy(payload + length, process->id, id);
  struct msg_header header = {.op = op, .length = length + id};
  return controller_send(&header, payload, NULL, 0) == 0;
}

void controller_notify(void) {
  if (controller == NULL)
    return;
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p)) {
    if (!p->exited || p->acked)
      continue;
    if (!p->notice_sent && !(p->notice_sent = notify(p, OP_EXIT, &p->exit, sizeof p->exit)))
      return;
    if (process_is_settled(p) && !p->drained_sent &&
        !(p->drained_sent = notify(p, OP_DRAINED, NULL, 0)))
      return;
  }
}

void controller_tell_drained(struct process *process) {
  if (controller != NULL)
    notify(process, OP_DRAINED, NULL, 0);
}

static void send_reply(struct connection *connection, const struct packet *request, uint16_t flags,
                       const void *payload, uint32_t length, const int *fds, uint32_t fd_count) {
  struct msg_header header = {.op = request->header.op,
                              .flags = (uint16_t)(MSG_REPLY | flags),
                              .length = length,
                              .request = request->header.request};
  /* Not remembered, so a peer that let its socket fill is let go: it can come again and ask. */
  if (packet_send(connection->watch.fd, &header, payload, fds, fd_count) < 0)
    connection_close(connection);
}

void reply(struct connection *connection, const struct packet *request, const void *payload,
           uint32_t length) {
  send_reply(connection, request, 0, payload, length, NULL, 0);
}

void reply_failure(struct connection *connection, const struct packet *request,
                   const struct failure *failure) {
  uint8_t payload[ERROR_MAX];
  uint32_t length = error_payload(payload, failure);
  send_reply(connection, request, MSG_ERROR, payload, length, NULL, 0);
}

static void refuse(struct connection *connection, int error, const char *what, const char *object) {
  struct failure failure;
  failure_clear(&failure);
  fail(&failure, error, what, object);
  reply_failure(connection, &packet, &failure);
}

static void depose(struct connection *old, uint64_t epoch) {
  struct msg_header header = {.op = OP_DEPOSED, .length = sizeof epoch};
  packet_send(old->watch.fd, &header, &epoch, NULL, 0);
  connection_close(old);
}

static uint16_t both_speak(const struct hello_request *hello) {
  return hello->version < PROTOCOL_VERSION ? hello->version : PROTOCOL_VERSION;
}

static void become_controller(struct connection *connection, const struct hello_request *hello) {
  if (hello->seen_epoch != EPOCH_ANY && hello->seen_epoch != supervisor.epoch) {
    refuse(connection, ESTALE, "hello", "another controller has a newer epoch");
    return;
  }
  supervisor.epoch++;
  if (controller != NULL && controller != connection)
    depose(controller, supervisor.epoch);
  controller = connection;
  connection->kind = CONNECTION_CONTROLLER;
  timer_clear(&lonely);
  results_forget_waiters();
  struct process *init = process_init();
  struct hello_reply answer = {.version = both_speak(hello),
                               .phase = (uint16_t)supervisor.phase,
                               .pid = (uint32_t)getpid(),
                               .epoch = supervisor.epoch,
                               .init_pid = init != NULL ? (uint32_t)init->pid : 0};
  int fds[2] = {supervisor.self_pidfd, init != NULL ? init->pidfd : -1};
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p))
    p->notice_sent = p->drained_sent = false;
  send_reply(connection, &packet, 0, &answer, sizeof answer, fds, fds[1] >= 0 ? 2 : 1);
  controller_notify();
}

static void greet(struct connection *connection) {
  struct hello_request hello;
  if (packet.header.op != OP_HELLO) {
    refuse(connection, EPERM, "request", "say hello first");
    return;
  }
  if (packet.header.length != sizeof hello) {
    refuse(connection, EINVAL, "hello", "length");
    return;
  }
  memcpy(&hello, packet.payload, sizeof hello);
  if (hello.version < 1) {
    refuse(connection, EPROTONOSUPPORT, "hello", "version");
    return;
  }
  if (hello.role == ROLE_CONTROLLER && connection->kind != CONNECTION_ATTACH) {
    timer_clear(&connection->greeting);
    become_controller(connection, &hello);
  } else if (hello.role == ROLE_ATTACH && connection->kind == CONNECTION_NEW) {
    struct failure failure;
    failure_clear(&failure);
    if (attach_greet(connection, hello.token, &failure) < 0) {
      reply_failure(connection, &packet, &failure);
      return;
    }
    /* The greeting's timer runs on until OP_ATTACH has come. */
    connection->kind = CONNECTION_ATTACH;
    struct hello_reply answer = {.version = both_speak(&hello),
                                 .phase = (uint16_t)supervisor.phase,
                                 .pid = (uint32_t)getpid(),
                                 .epoch = supervisor.epoch};
    send_reply(connection, &packet, 0, &answer, sizeof answer, NULL, 0);
  } else {
    refuse(connection, EINVAL, "hello", "role");
  }
}

static void take_packet(struct connection *connection) {
  int n = packet_receive(connection->watch.fd, &packet);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0) {
    connection_close(connection);
    return;
  }
  if (connection->kind == CONNECTION_NEW || packet.header.op == OP_HELLO)
    greet(connection);
  else if (connection->kind == CONNECTION_ATTACH)
    attach_operation(connection, &packet);
  else
    operation(connection, &packet);
  packet_close_fds(&packet);
}

static void connection_ready(struct watch *watch, uint32_t events) {
  struct connection *connection = container_of(watch, struct connection, watch);
  if (connection == controller && (watch->events & EPOLLOUT) != 0) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0) {
      connection_close(connection);
      return;
    }
    watch_set(watch, EPOLLIN);
    if (!results_flush()) {
      watch_set(watch, EPOLLOUT); /* no new requests before the answers have gone */
      return;
    }
    controller_notify();
  }
  if (!connection->used || (connection == controller && results_unsent())) {
    if (connection->used)
      watch_set(watch, EPOLLOUT);
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
    take_packet(connection);
}
