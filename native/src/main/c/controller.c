#include "controller.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach.h"
#include "connection.h"
#include "endings.h"
#include "launch.h"
#include "operations.h"
#include "process.h"
#include "results.h"
#include "supervisor.h"

#define TIED_MS 2000u    /* a tied one, whatever lives in it: its controller was its only purpose */
#define LONELY_MS 60000u /* any other; then it looks whether anybody can still come */

static struct timer lonely;
static struct packet packet; /* one thread: one is enough */

/* The time given by an argument counts once there is a process: an empty supervisor waits for the
 * first word of whoever started it, which takes its time on a busy machine. */
static void wait_alone(void) {
  bool given = supervisor.lonely_ms > 0 && supervisor.phase != PHASE_EMPTY;
  uint32_t alone = given ? supervisor.lonely_ms : LONELY_MS;
  timer_set(&lonely, supervisor.tied ? TIED_MS : alone);
}

static void lonely_over(struct timer *timer) {
  if (controller_now() != NULL)
    return;
  if (supervisor.tied) {
    loop_end(); /* what lives dies with its parent */
    return;
  }
  (void)timer;
  /* Without its name nobody finds this supervisor any more: the folder has been removed. */
  bool found = faccessat(supervisor.task_fd, "sup.sock", F_OK, 0) == 0;
  if (!process_any_alive()) {
    if (supervisor.phase == PHASE_EMPTY || !found)
      loop_end();
  } else if (!found && supervisor.phase < PHASE_RUNNING) {
    launch_abort_all(); /* it waits at its gate for somebody who cannot come */
    loop_end();
  }
  wait_alone();
}

static void refuse(struct connection *connection, int error, const char *what, const char *object) {
  struct failure failure;
  failure_clear(&failure);
  fail(&failure, error, what, object);
  connection_reply_failure(connection, &packet, &failure);
}

static void depose(struct connection *old, uint64_t epoch) {
  struct msg_header header = {.op = OP_DEPOSED, .length = sizeof epoch};
  packet_send(old->watch.fd, &header, &epoch, NULL, 0);
  connection_close(old);
}

static void controller_gone(struct connection *connection) {
  (void)connection;
  operations_reset();
  results_forget_waiters();
  wait_alone();
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
  struct connection *before = controller_now();
  if (before != NULL && before != connection)
    depose(before, supervisor.epoch);
  controller_appoint(connection);
  connection->kind = CONNECTION_CONTROLLER;
  connection->on_closed = controller_gone;
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
  connection_reply_fds(connection, &packet, &answer, sizeof answer, fds, fds[1] >= 0 ? 2 : 1);
  endings_tell();
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
      connection_reply_failure(connection, &packet, &failure);
      return;
    }
    /* The greeting's timer runs on until OP_ATTACH has come. */
    connection->kind = CONNECTION_ATTACH;
    connection->on_closed = attach_connection_gone;
    struct hello_reply answer = {.version = both_speak(&hello),
                                 .phase = (uint16_t)supervisor.phase,
                                 .pid = (uint32_t)getpid(),
                                 .epoch = supervisor.epoch};
    connection_reply(connection, &packet, &answer, sizeof answer);
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
    operations_take(connection, &packet);
  packet_close_fds(&packet);
}

static void connection_ready(struct watch *watch, uint32_t events) {
  struct connection *connection = container_of(watch, struct connection, watch);
  if (connection == controller_now() && (watch->events & EPOLLOUT) != 0) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0) {
      connection_close(connection);
      return;
    }
    watch_set(watch, EPOLLIN);
    if (!results_flush()) {
      watch_set(watch, EPOLLOUT); /* no new requests before the answers have gone */
      return;
    }
    endings_tell();
  }
  if (!connection->used || (connection == controller_now() && results_unsent())) {
    if (connection->used)
      watch_set(watch, EPOLLOUT);
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
    take_packet(connection);
}

int controller_listen(int listener) {
  lonely.fire = lonely_over;
  wait_alone();
  return connection_listen(listener, connection_ready);
}

int controller_adopt(int socket) { return connection_adopt(socket); }
