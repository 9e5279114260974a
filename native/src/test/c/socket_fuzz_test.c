#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container_test.h"

/* A supervisor that is fed nonsense must refuse it, answer the next honest request, and live. */

static struct plan_writer plan;
static struct message answer;

static void fill(uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++)
    bytes[i] = (uint8_t)rand();
}

static void swallow(int socket) {
  while (receive_message(socket, &answer, 0))
    for (int i = 0; i < answer.fd_count; i++)
      close(answer.fds[i]);
}

/* Raw bytes, also such that are no packet at all. */
static void send_raw(int socket, const void *bytes, size_t length) {
  ssize_t n = send(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  (void)n;
}

static void random_packets(void) {
  struct session s;
  struct state_reply state;
  static uint8_t bytes[70000];
  srand(1);
  CHECK(syscall(SYS_unshare, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) == 0);
  session_open(&s, NULL);
  for (int round = 0; round < 3000; round++) {
    int socket = connect_socket(&s);
    size_t length = (size_t)rand() % (rand() % 8 == 0 ? sizeof bytes : 200);
    fill(bytes, length);
    struct msg_header header = {.op = (uint16_t)(rand() % 20),
                                .length = (uint32_t)(length > 16 ? length - 16 : 0),
                                .request = (uint64_t)rand()};
    if (rand() % 4 != 0 && length >= sizeof header)
      memcpy(bytes, &header, sizeof header);
    send_raw(socket, bytes, length);
    swallow(socket);
    close(socket);
    if (round % 500 == 0)
      state_of(&s, "", &state);
  }
  session_close(&s);
}

/* As the controller: every operation with payloads of any length. No shutdown, of course. */
static void random_requests(void) {
  struct session s;
  struct state_reply state;
  static uint8_t bytes[300];
  char root[128];
  srand(2);
  CHECK(syscall(SYS_unshare, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) == 0);
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int fds[6] = {null, null, null, null, null, null};
  for (int round = 0; round < 5000; round++) {
    uint16_t op = (uint16_t)(rand() % 20);
    if (op == OP_SHUTDOWN || op == OP_HELLO || op == OP_STATE)
      continue;
    size_t length = (size_t)rand() % sizeof bytes;
    fill(bytes, length);
    if (rand() % 2 == 0 && length > 9)
      bytes[length - 1] = 0, bytes[8] = 0; /* so that strings end */
    if (op == OP_SIGNAL)
      bytes[0] = 0; /* it should live */
    call(&s, op, bytes, length, fds, rand() % 6, &answer);
    s.notice_count = 0;
  }
  CHECK(state_of(&s, "", &state).phase == PHASE_RUNNING);
  session_close(&s);
}

/* Plans with flipped bits. What is accepted is carried out: only harmless steps, in namespaces of
 * the test. */
static void damaged_plans(void) {
  struct session s;
  struct state_reply state;
  struct step_rlimit limit = {.resource = 7, .soft = 100, .hard = 100};
  char root[128];
  srand(3);
  CHECK(syscall(SYS_unshare, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) == 0);
  container_open(&s, root);
  for (int round = 0; round < 1500; round++) {
    plan_container(&plan, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS);
    plan_sink(&plan, 1, SINK_OPEN, -1, -1);
    plan_step(&plan, STEP_RLIMIT, 0, &limit, sizeof limit, NULL);
    plan_step(&plan, STEP_UMASK, 0, &(uint32_t){022}, 4, NULL);
    plan_step(&plan, STEP_NO_NEW_PRIVS, 0, NULL, 0, NULL);
    plan_exec(&plan, (const char *[]){"/nowhere", "x", NULL}, (const char *[]){"A=b", NULL});
    plan.header.length = (uint32_t)plan.length;
    memcpy(plan.bytes, &plan.header, sizeof plan.header);
    for (int flips = 1 + rand() % 4; flips > 0; flips--)
      plan.bytes[(size_t)rand() % plan.length] ^= (uint8_t)(1u << rand() % 8);
    int memfd = sealed_memfd(plan.bytes, plan.length);
    send_message(s.socket, OP_CREATE, s.next_request, NULL, 0, &memfd, 1);
    close(memfd);
    /* It may have become a plan that waits: the answer is not awaited for ever. */
    while (receive_message(s.socket, &answer, 2000) && (answer.header.flags & MSG_REPLY) == 0) {
    }
    CHECK(answer.header.request == s.next_request);
    s.next_request++;
    if ((answer.header.flags & MSG_ERROR) == 0) {
      /* A flip has made it one that waits at a stop: a container by right. */
      CHECK(state_of(&s, "", &state).phase == PHASE_STOPPED_AT_STEP);
      session_close(&s);
      container_open(&s, root);
    }
  }
  state_of(&s, "", &state);
  CHECK(state.phase == PHASE_EMPTY && state.count == 0);
  container_run(&s, root, (const char *[]){"exit", "6", NULL});
  CHECK(wait_exit(&s, "").code == 6);
  session_close(&s);
}

const struct test fuzz_tests[] = {
    {"random_packets", random_packets},
    {"random_requests", random_requests},
    {"damaged_plans", damaged_plans},
    {NULL, NULL},
};
