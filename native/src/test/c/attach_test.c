/* Clients that come in numbers, late, or whose reader goes away. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "container_test.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)

static struct plan_writer plan;
static struct message answer;

static void create(struct session *s, const char *root, const char *const *arguments) {
  plan_container_rest(&plan, root, arguments);
  CHECK(plan_run(s, &plan, OP_CREATE, &answer) == 0);
}

static void start(struct session *s) { CHECK(call(s, OP_START, NULL, 0, NULL, 0, &answer) == 0); }

/* A token that is `number` and nothing else. */
static void token_of(uint8_t token[32], unsigned number) {
  memset(token, 0, 32);
  memcpy(token, &number, sizeof number);
}

static void promise(struct session *s, const char *id, unsigned number, uint32_t ttl_ms) {
  uint8_t payload[300];
  struct token_request request = {.ttl_ms = ttl_ms};
  token_of(request.token, number);
  memcpy(payload, &request, sizeof request);
  strcpy((char *)payload + sizeof request, id);
  CHECK(call(s, OP_TOKEN, payload, sizeof request + strlen(id) + 1, NULL, 0, &answer) == 0);
}

static void say_hello(int socket, unsigned number) {
  struct hello_request hello = {.version = PROTOCOL_VERSION, .role = ROLE_ATTACH};
  token_of(hello.token, number);
  send_message(socket, OP_HELLO, 1, &hello, sizeof hello, NULL, 0);
}

/* Returns errno of the answer. */
static int greet(int socket, unsigned number) {
  struct msg_error error;
  say_hello(socket, number);
  CHECK(receive_message(socket, &answer, 3000) && answer.header.op == OP_HELLO);
  memcpy(&error, answer.payload, sizeof error);
  return (answer.header.flags & MSG_ERROR) != 0 ? error.error : 0;
}

static void hand_over(int socket, const char *id, uint32_t streams, const int *fds, int count) {
  uint8_t payload[300];
  struct attach_request request = {.streams = streams};
  memcpy(payload, &request, sizeof request);
  strcpy((char *)payload + sizeof request, id);
  send_message(socket, OP_ATTACH, 2, payload, sizeof request + strlen(id) + 1, fds, count);
  CHECK(receive_message(socket, &answer, 3000));
  CHECK(answer.header.op == OP_ATTACH && (answer.header.flags & MSG_ERROR) == 0);
}

static int attach(struct session *s, unsigned number, uint32_t streams, const int *fds, int count) {
  promise(s, "", number, 60000);
  int socket = connect_socket(s);
  CHECK(greet(socket, number) == 0);
  hand_over(socket, "", streams, fds, count);
  return socket;
}

/* The last thing that the client is told: its connection ends. The end of a program that wrote but
 * one line may be noticed before that line. */
static struct broken_notice told_of_break(int socket) {
  struct broken_notice notice;
  do
    CHECK(receive_message(socket, &answer, 5000));
  while (answer.header.op == OP_EXIT);
  CHECK(answer.header.op == OP_BROKEN);
  CHECK(answer.header.length == sizeof notice + 1);
  memcpy(&notice, answer.payload, sizeof notice);
  CHECK(!receive_message(socket, &answer, 5000));
  return notice;
}

static void flood_into(struct session *s, const char *bytes, int out[2]) {
  char root[128];
  container_open(s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(s, root, (const char *[]){"flood", bytes, NULL});
  CHECK(pipe2(out, O_CLOEXEC) == 0);
}

/* A program ends with its reader, as in any pipeline. */
static void attach_reader_goes(void) { /* case L19 */
  struct session s;
  int out[2];
  char bytes[10];
  flood_into(&s, "1000000000000", out);
  int socket =
      attach(&s, 1, ATTACH_STDOUT | ATTACH_BACK_PRESSURE | ATTACH_BREAKS, (int[]){out[1]}, 1);
  close(out[1]);
  start(&s);
  CHECK(read(out[0], bytes, sizeof bytes) == sizeof bytes);
  close(out[0]);
  struct broken_notice notice = told_of_break(socket);
  CHECK(notice.stream == 1 && notice.error == EPIPE);
  CHECK(wait_exit(&s, "").code == 5); /* its write failed */
  CHECK(wait_notice(&s, OP_DRAINED, "", 3000) != NULL);
  session_close(&s);
}

/* One who only looks on is told, and the program goes on. */
static void attach_onlooker_goes(void) { /* case L19 */
  struct session s;
  int out[2];
  char bytes[10];
  flood_into(&s, "30000000", out);
  int socket = attach(&s, 1, ATTACH_STDOUT | ATTACH_BACK_PRESSURE, (int[]){out[1]}, 1);
  close(out[1]);
  start(&s);
  CHECK(read(out[0], bytes, sizeof bytes) == sizeof bytes);
  close(out[0]);
  CHECK(told_of_break(socket).error == EPIPE);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

/* A full disk is no end of the output, and is told even when the program has ended by
 * then. */
static void attach_disk_full(void) { /* case L19 */
  struct session s;
  char root[128];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"print", "no room", NULL});
  int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  CHECK(full >= 0);
  int socket =
      attach(&s, 1, ATTACH_STDOUT | ATTACH_BACK_PRESSURE | ATTACH_BREAKS, (int[]){full}, 1);
  start(&s);
  CHECK(told_of_break(socket).error == ENOSPC);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

/* The same on a terminal, as when its window is closed. */
static void attach_terminal_hangs_up(void) { /* case L19 */
  struct session s;
  char root[128], bytes[10];
  struct step_terminal size = {.rows = 24, .columns = 80};
  uint32_t console[2] = {0, 0};
  int out[2];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_step(&plan, STEP_TERMINAL, 0, &size, sizeof size, NULL);
  plan_sink(&plan, 0, SINK_OPEN, -1, -1);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  plan_root(&plan, root);
  plan_step(&plan, STEP_CONSOLE, 0, console, sizeof console, NULL);
  plan_step(&plan, STEP_READY, 0, NULL, 0, NULL);
  plan_exec(&plan, (const char *[]){"/guest", "flood", "1000000000000", NULL}, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  int socket =
      attach(&s, 1, ATTACH_STDOUT | ATTACH_BACK_PRESSURE | ATTACH_BREAKS, (int[]){out[1]}, 1);
  close(out[1]);
  start(&s);
  CHECK(read(out[0], bytes, sizeof bytes) == sizeof bytes);
  close(out[0]);
  CHECK(told_of_break(socket).error == EPIPE);
  CHECK(wait_exit(&s, "").code == 5);
  session_close(&s);
}

#define MANY 140 /* more than can be attached at a time */

/* A place that lacks is told apart from a token that is not good, and comes free. */
static void attach_many(void) { /* case L20 */
  struct session s;
  char root[128];
  int sockets[MANY], attached = 0, first_refused = -1;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"sleep", "60000", NULL});
  start(&s);
  for (int i = 0; i < MANY; i++)
    promise(&s, "", (unsigned)i + 1, 60000);
  for (int i = 0; i < MANY; i++) {
    sockets[i] = connect_socket(&s);
    int error = greet(sockets[i], (unsigned)i + 1);
    CHECK(error == 0 || error == EUSERS);
    if (error == 0) {
      hand_over(sockets[i], "", 0, NULL, 0);
      attached++;
    } else if (first_refused < 0) {
      first_refused = i;
    }
  }
  CHECK(attached >= 100 && first_refused > 0);
  int stranger = connect_socket(&s);
  CHECK(greet(stranger, 100000) == EACCES);
  close(sockets[0]);
  int error = EUSERS;
  for (int i = 0; i < 200 && error == EUSERS; i++) {
    nap_ms(5);
    error = greet(sockets[first_refused], (unsigned)first_refused + 1);
  }
  CHECK(error == 0);
  session_close(&s);
}

#define CROWD 200 /* more than there are places for connections */

/* Whoever finds no place for his connection waits for one; nobody is cut off. */
static void connections_wait(void) { /* case L20 */
  struct session s;
  char root[128];
  int crowd[CROWD];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"sleep", "60000", NULL});
  start(&s);
  promise(&s, "", 7, 60000);
  for (int i = 0; i < CROWD; i++)
    crowd[i] = connect_socket(&s);
  int late = connect_socket(&s);
  say_hello(late, 7);
  CHECK(!receive_message(late, &answer, 300)); /* everybody has been looked at by now */
  for (int i = 0; i < CROWD; i++)
    close(crowd[i]);
  CHECK(receive_message(late, &answer, 3000) && answer.header.op == OP_HELLO);
  CHECK((answer.header.flags & MSG_ERROR) == 0);
  session_close(&s);
}

/* An exec with a held output that has ended, and that a client was promised. */
static void ended_exec(struct session *s, const char *const *arguments, uint32_t ttl_ms) {
  char root[128];
  container_open(s, root);
  container_run(s, root, (const char *[]){"sleep", "60000", NULL});
  plan_exec_begin(&plan, "one", init_pidfd(s));
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  plan_exec_rest(&plan, arguments);
  CHECK(plan_run(s, &plan, OP_EXEC, &answer) == 0);
  promise(s, "one", 3, ttl_ms);
  wait_exit(s, "one");
}

/* What was promised is kept until it was told, also when all has been acknowledged. */
static void attach_after_acknowledgement(void) { /* case L20 */
  struct session s;
  size_t length;
  int out[2];
  ended_exec(&s, (const char *[]){"print", "last words", NULL}, 60000);
  CHECK(call_id(&s, OP_ACK, "one") == 0);
  CHECK(wait_notice(&s, OP_DRAINED, "one", 100) == NULL);
  int socket = connect_socket(&s);
  CHECK(greet(socket, 3) == 0);
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  hand_over(socket, "one", ATTACH_STDOUT | ATTACH_BACK_PRESSURE, (int[]){out[1]}, 1);
  close(out[1]);
  CHECK(strcmp(read_all(out[0], &length, 3000), "last words") == 0);
  CHECK(receive_message(socket, &answer, 3000) && answer.header.op == OP_EXIT);
  CHECK(receive_message(socket, &answer, 3000) && answer.header.op == OP_DRAINED);
  CHECK(wait_notice(&s, OP_DRAINED, "one", 3000) != NULL);
  CHECK(call_id(&s, OP_ACK, "one") == ENOENT); /* nothing of it is left */
  session_close(&s);
}

/* The end of a program that wrote nothing waits for its client too, as long as the token is good.
 */
static void drained_waits_for_the_client(void) { /* case L20 */
  struct session s;
  ended_exec(&s, (const char *[]){"sleep", "500", NULL}, 60000);
  CHECK(wait_notice(&s, OP_DRAINED, "one", 100) == NULL);
  int socket = connect_socket(&s);
  CHECK(greet(socket, 3) == 0);
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  hand_over(socket, "one", ATTACH_STDOUT, (int[]){null}, 1);
  CHECK(receive_message(socket, &answer, 3000) && answer.header.op == OP_EXIT);
  CHECK(receive_message(socket, &answer, 3000) && answer.header.op == OP_DRAINED);
  CHECK(wait_notice(&s, OP_DRAINED, "one", 3000) != NULL);
  session_close(&s);
  ended_exec(&s, (const char *[]){"sleep", "500", NULL}, 1000);
  CHECK(wait_notice(&s, OP_DRAINED, "one", 3000) != NULL);
  CHECK(call_id(&s, OP_ACK, "one") == 0);
  session_close(&s);
}

/* What cannot be opened anew is read, and written, without being waited for: there are others to
 * serve. */
static void attach_what_blocks(void) {
  struct session s;
  struct state_reply state;
  char root[128], bytes[32];
  int master, slave;
  struct termios raw;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_OPEN, -1, -1);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"cat", NULL});
  int number = eventfd('e', EFD_CLOEXEC); /* is read once, as eight bytes */
  CHECK(number >= 0 && openpty(&master, &slave, NULL, NULL, NULL) == 0);
  CHECK(tcgetattr(slave, &raw) == 0);
  cfmakeraw(&raw);
  CHECK(tcsetattr(slave, TCSANOW, &raw) == 0);
  /* Opened anew, the other end of a terminal is that of another one. */
  int socket = attach(&s, 1, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_BACK_PRESSURE,
                      (int[]){number, master}, 2);
  start(&s);
  CHECK(read(slave, bytes, sizeof bytes) == 8 && bytes[0] == 'e');
  CHECK(state_of(&s, "", &state).phase == PHASE_RUNNING);
  CHECK(call_signal(&s, "", SIGKILL) == 0);
  CHECK(wait_exit(&s, "").how == EXIT_SIGNALLED);
  close(socket);
  close(slave);
  session_close(&s);
}

/* Behind a pipe there is a process of the client's. That it has gone says nothing of the reader,
 * until the client says so. */
static void attach_carried_output(void) {
  struct session s;
  char byte;
  for (int told = 0; told < 2; told++) {
    int out[2];
    flood_into(&s, "1000000000000", out);
    int socket = attach(&s, 1,
                        ATTACH_STDOUT | ATTACH_BACK_PRESSURE | ATTACH_BREAKS | ATTACH_CARRIED_STDOUT,
                        (int[]){out[1]}, 1);
    close(out[1]);
    start(&s);
    CHECK(read(out[0], &byte, 1) == 1);
    close(out[0]);
    CHECK(!receive_message(socket, &answer, 300));
    CHECK(wait_notice(&s, OP_EXIT, "", 10) == NULL);
    if (told) {
      struct broken_notice notice = {.stream = 1, .error = ENOSPC};
      send_message(socket, OP_BREAK, 3, &notice, sizeof notice, NULL, 0);
      CHECK(receive_message(socket, &answer, 3000) && answer.header.op == OP_BREAK);
      CHECK((answer.header.flags & MSG_ERROR) == 0);
      CHECK(told_of_break(socket).error == ENOSPC);
      CHECK(wait_exit(&s, "").code == 5);
    } else {
      close(socket);
      CHECK(wait_notice(&s, OP_EXIT, "", 300) == NULL);
    }
    session_close(&s);
  }
}

/* A break of what is not there is refused. */
static void attach_break_is_checked(void) {
  struct session s;
  int out[2];
  flood_into(&s, "10", out);
  static const struct broken_notice wrong[] = {{0, EPIPE}, {2, EPIPE}, {3, EPIPE}, {1, 0}, {1, -1}};
  int socket = attach(&s, 1, ATTACH_STDOUT, (int[]){out[1]}, 1);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    send_message(socket, OP_BREAK, 3, &wrong[i], sizeof wrong[i], NULL, 0);
    CHECK(receive_message(socket, &answer, 3000) && (answer.header.flags & MSG_ERROR) != 0);
  }
  send_message(socket, OP_BREAK, 3, wrong, 3, NULL, 0);
  CHECK(receive_message(socket, &answer, 3000) && (answer.header.flags & MSG_ERROR) != 0);
  session_close(&s);
}

const struct test attach_tests[] = {
    {"attach_reader_goes", attach_reader_goes},
    {"attach_onlooker_goes", attach_onlooker_goes},
    {"attach_disk_full", attach_disk_full},
    {"attach_terminal_hangs_up", attach_terminal_hangs_up},
    {"attach_many", attach_many},
    {"connections_wait", connections_wait},
    {"attach_after_acknowledgement", attach_after_acknowledgement},
    {"drained_waits_for_the_client", drained_waits_for_the_client},
    {"attach_what_blocks", attach_what_blocks},
    {"attach_carried_output", attach_carried_output},
    {"attach_break_is_checked", attach_break_is_checked},
    {NULL, NULL},
};
