#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "container_test.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)

static struct plan_writer plan;
static struct message answer;

static int make_fifo(const struct session *s, const char *name, int flags) {
  CHECK(mkfifoat(s->folder_fd, name, 0600) == 0 || errno == EEXIST);
  int fd = openat(s->folder_fd, name, flags | O_NONBLOCK | O_CLOEXEC);
  CHECK(fd >= 0);
  return fd;
}

static int open_fifo(const struct session *s, const char *name, int flags) {
  int fd = openat(s->folder_fd, name, flags | O_CLOEXEC);
  CHECK(fd >= 0);
  return fd;
}

static void create(struct session *s, const char *root, const char *const *arguments) {
  plan_container_rest(&plan, root, arguments);
  CHECK(plan_run(s, &plan, OP_CREATE, &answer) == 0);
  for (uint32_t i = 0; i < plan.header.fds; i++)
    close(plan.fds[i]);
}

static void start(struct session *s) { CHECK(call(s, OP_START, NULL, 0, NULL, 0, &answer) == 0); }

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A reader that is slow, but there: nothing is lost, and the end comes. */
static void fifo_back_pressure(void) {
  struct session s;
  char root[128];
  size_t length;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_FIFO, make_fifo(&s, "out", O_RDWR), -1);
  create(&s, root, (const char *[]){"flood", "3000000", NULL});
  start(&s);
  nap_ms(100);
  struct state_reply state;
  CHECK(state_of(&s, "", &state).phase == PHASE_RUNNING); /* held by the full FIFO */
  int in = open_fifo(&s, "out", O_RDONLY);
  char *bytes = read_all(in, &length, 5000);
  CHECK(length == 3000000);
  for (size_t i = 0; i < length; i++)
    CHECK(bytes[i] == (char)('a' + i % 65536 % 26));
  free(bytes);
  CHECK(wait_exit(&s, "").code == 0);
  CHECK(wait_notice(&s, OP_DRAINED, "", 3000) != NULL);
  session_close(&s);
}

/* The reader comes long after the process has ended: the output is still there, and so is its end.
 */
static void fifo_late_reader(void) {
  struct session s;
  char root[128];
  size_t length;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_FIFO, make_fifo(&s, "out", O_RDWR), -1);
  plan_sink(&plan, 2, SINK_FIFO, make_fifo(&s, "err", O_RDWR), -1);
  create(&s, root, (const char *[]){"both", "hello", "world", NULL});
  start(&s);
  wait_exit(&s, "");
  CHECK(wait_notice(&s, OP_DRAINED, "", 300) == NULL);
  int out = open_fifo(&s, "out", O_RDONLY), err = open_fifo(&s, "err", O_RDONLY);
  char *bytes = read_all(out, &length, 3000);
  CHECK(strcmp(bytes, "hello\n") == 0);
  bytes = read_all(err, &length, 3000);
  CHECK(strcmp(bytes, "world\n") == 0);
  CHECK(wait_notice(&s, OP_DRAINED, "", 3000) != NULL);
  session_close(&s);
}

static void dropped_output(void) {
  struct session s;
  char root[128];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_FIFO, make_fifo(&s, "out", O_RDWR), -1);
  create(&s, root, (const char *[]){"print", "never read", NULL});
  start(&s);
  wait_exit(&s, "");
  CHECK(wait_notice(&s, OP_DRAINED, "", 200) == NULL);
  CHECK(call_id(&s, OP_DROP_OUTPUT, "") == 0);
  CHECK(wait_notice(&s, OP_DRAINED, "", 1000) != NULL);
  CHECK(call_id(&s, OP_ACK, "") == 0);
  session_close(&s);
}

static void stdin_until_closed(void) {
  struct session s;
  char root[128];
  size_t length;
  container_open(&s, root);
  int read_end = make_fifo(&s, "in", O_RDONLY);
  int hold = open_fifo(&s, "in", O_WRONLY);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_FIFO, read_end, hold);
  plan_sink(&plan, 1, SINK_FIFO, make_fifo(&s, "out", O_RDWR), -1);
  int out = open_fifo(&s, "out", O_RDONLY);
  create(&s, root, (const char *[]){"cat", NULL});
  start(&s);
  int in = open_fifo(&s, "in", O_WRONLY);
  CHECK(write(in, "one ", 4) == 4);
  close(in);
  nap_ms(50);
  in = open_fifo(&s, "in", O_WRONLY); /* a client may come again */
  CHECK(write(in, "two", 3) == 3);
  close(in);
  struct state_reply state;
  nap_ms(50);
  CHECK(state_of(&s, "", &state).phase == PHASE_RUNNING);
  CHECK(call_id(&s, OP_CLOSE_STDIN, "") == 0);
  char *bytes = read_all(out, &length, 3000);
  CHECK(strcmp(bytes, "one two") == 0);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

static void stdin_closed_before_start(void) {
  struct session s;
  char root[128];
  container_open(&s, root);
  int read_end = make_fifo(&s, "in", O_RDONLY);
  int hold = open_fifo(&s, "in", O_WRONLY);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_FIFO, read_end, hold);
  create(&s, root, (const char *[]){"cat", NULL});
  CHECK(call_id(&s, OP_CLOSE_STDIN, "") == 0);
  start(&s);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

/* Much input through splice, with a slow end. */
static void stdin_flood(void) {
  struct session s;
  char root[128];
  size_t length;
  container_open(&s, root);
  int read_end = make_fifo(&s, "in", O_RDONLY);
  int hold = open_fifo(&s, "in", O_WRONLY);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_FIFO, read_end, hold);
  plan_sink(&plan, 1, SINK_FIFO, make_fifo(&s, "out", O_RDWR), -1);
  int out = open_fifo(&s, "out", O_RDONLY);
  create(&s, root, (const char *[]){"cat", NULL});
  start(&s);
  pid_t writer = fork();
  if (writer == 0) {
    static char block[100000];
    int in = open_fifo(&s, "in", O_WRONLY);
    for (int i = 0; i < 200; i++) {
      memset(block, 'a' + i % 26, sizeof block);
      CHECK(write(in, block, sizeof block) == (ssize_t)sizeof block);
    }
    _exit(0);
  }
  int status;
  nap_ms(50);
  pid_t closer = fork();
  if (closer == 0) {
    nap_ms(1500);
    _exit(0);
  }
  char *bytes = malloc(1 << 24);
  length = 0;
  while (length < 20000000) {
    ssize_t n = read(out, bytes, 1 << 24);
    CHECK(n > 0);
    for (ssize_t i = 0; i < n; i++, length++)
      CHECK(bytes[i] == (char)('a' + length / 100000 % 26));
  }
  CHECK(waitpid(writer, &status, 0) == writer && status == 0);
  CHECK(call_id(&s, OP_CLOSE_STDIN, "") == 0);
  CHECK(wait_exit(&s, "").code == 0);
  CHECK(read(out, bytes, 100) == 0);
  waitpid(closer, &status, 0);
  session_close(&s);
}

static void file_sink(void) {
  struct session s;
  char root[128], text[64] = "";
  container_open(&s, root);
  int file = openat(s.folder_fd, "file", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  CHECK(write(file, "before ", 7) == 7);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_FILE, file, -1);
  create(&s, root, (const char *[]){"print", "after", NULL});
  start(&s);
  wait_exit(&s, "");
  CHECK(wait_notice(&s, OP_DRAINED, "", 2000) != NULL);
  int fd = openat(s.folder_fd, "file", O_RDONLY | O_CLOEXEC);
  CHECK(read(fd, text, sizeof text) > 0 && strcmp(text, "before after") == 0);
  close(fd);
  session_close(&s);
}

static void add_log(uint32_t stream, int folder, uint64_t max_size, uint32_t max_files) {
  struct step_sink sink = {.stream = stream,
                           .kind = SINK_LOG,
                           .fd = plan_fd(&plan, folder),
                           .fd2 = NO_FD,
                           .max_size = max_size,
                           .max_files = max_files};
  plan_step(&plan, STEP_SINK, 0, &sink, sizeof sink, "log", NULL);
}

static char *read_file(const struct session *s, const char *name, size_t *length) {
  int fd = openat(s->folder_fd, name, O_RDONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  char *bytes = read_all(fd, length, 1000);
  close(fd);
  return bytes;
}

static void log_of(const char *const *arguments, uint64_t max_size, uint32_t max_files,
                   struct session *s) {
  char root[128];
  container_open(s, root);
  plan_container(&plan, NAMESPACES);
  add_log(1, fcntl(s->folder_fd, F_DUPFD_CLOEXEC, 20), max_size, max_files);
  add_log(2, fcntl(s->folder_fd, F_DUPFD_CLOEXEC, 20), max_size, max_files);
  create(s, root, arguments);
  start(s);
  wait_exit(s, "");
  CHECK(wait_notice(s, OP_DRAINED, "", 5000) != NULL);
}

static void log_format(void) {
  struct session s;
  size_t length;
  log_of((const char *[]){"both", "one\ntwo", "oops", NULL}, 0, 0, &s);
  char *log = read_file(&s, "log", &length);
  /* 2026-01-02T03:04:05.123456789Z stdout F one */
  CHECK(log[4] == '-' && log[10] == 'T' && log[19] == '.' && log[29] == 'Z');
  CHECK(strstr(log, "Z stdout F one\n") != NULL && strstr(log, "Z stdout F two\n") != NULL);
  CHECK(strstr(log, "Z stderr F oops\n") != NULL);
  free(log);
  session_close(&s);
}

static void log_partial_lines(void) {
  struct session s;
  size_t length;
  log_of((const char *[]){"flood", "40000", NULL}, 0, 0, &s);
  char *log = read_file(&s, "log", &length);
  /* 16384 + 16384 + 7232, none of which ends with a newline of the process's. */
  CHECK(length == 40000 + 3 * (strlen("2026-01-02T03:04:05.123456789Z stdout P ") + 1));
  CHECK(memchr(log, 'F', 60) == NULL && strncmp(log + 31, "stdout P abc", 12) == 0);
  free(log);
  session_close(&s);
}

#define LOGGED 2000000u
#define HEADER 40u /* of a record */

/* What is written in lines of all lengths is what the records hold together, also when it comes in
 * pieces. */
static void log_lines_of_all_lengths(void) {
  struct session s;
  char root[128];
  size_t length;
  unsigned seed = 7;
  char *bytes = malloc(LOGGED);
  memset(bytes, 'x', LOGGED);
  for (uint32_t at = 0; at < LOGGED; at += (uint32_t)rand_r(&seed) % (at % 3 == 0 ? 40000u : 90u)) {
    bytes[at] = '\n';
    bytes[at + (at + 1 < LOGGED)] = (char)('a' + at % 26);
  }
  container_open(&s, root);
  int file = openat(s.folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  CHECK(write(file, bytes, LOGGED) == LOGGED && lseek(file, 0, SEEK_SET) == 0);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_FIFO, file, -1);
  add_log(1, fcntl(s.folder_fd, F_DUPFD_CLOEXEC, 20), 0, 0);
  create(&s, root, (const char *[]){"cat", NULL});
  start(&s);
  wait_exit(&s, "");
  CHECK(wait_notice(&s, OP_DRAINED, "", 5000) != NULL);
  char *log = read_file(&s, "log", &length);
  size_t at = 0;
  for (const char *record = log; record < log + length;) {
    const char *end = memchr(record, '\n', (size_t)(log + length - record));
    CHECK(end != NULL && end - record >= (ptrdiff_t)HEADER);
    CHECK(record[19] == '.' && strncmp(record + 29, "Z stdout ", 9) == 0);
    size_t held = (size_t)(end - record) - HEADER;
    CHECK(held <= 16384 && at + held <= LOGGED && memcmp(bytes + at, record + HEADER, held) == 0);
    at += held;
    CHECK(record[38] == 'P' || (record[38] == 'F' && at < LOGGED && bytes[at] == '\n'));
    at += record[38] == 'F';
    record = end + 1;
  }
  CHECK(at == LOGGED);
  free(log);
  free(bytes);
  session_close(&s);
}

static void log_rotation(void) {
  struct session s;
  size_t length[4];
  struct stat st;
  log_of((const char *[]){"flood", "1000000", NULL}, 200000, 3, &s);
  for (int i = 0; i < 3; i++) {
    const char *names[] = {"log", "log.1", "log.2"};
    char *log = read_file(&s, names[i], &length[i]);
    CHECK(length[i] > 0 && length[i] <= 200000);
    CHECK(log[length[i] - 1] == '\n' && log[29] == 'Z');
    free(log);
  }
  CHECK(length[1] > 180000 && length[2] > 180000);
  CHECK(fstatat(s.folder_fd, "log.3", &st, 0) < 0);
  session_close(&s);
}

static void grandchild_holds_output(void) {
  struct session s;
  char root[128];
  size_t length;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES & ~CLONE_NEWPID); /* else it would die with the init */
  plan_sink(&plan, 1, SINK_FIFO, make_fifo(&s, "out", O_RDWR), -1);
  create(&s, root, (const char *[]){"orphan", "8000", NULL});
  int out = open_fifo(&s, "out", O_RDONLY);
  start(&s);
  wait_exit(&s, "");
  double before = seconds();
  char *bytes = read_all(out, &length, 6000);
  CHECK(strcmp(bytes, "parent\n") == 0);
  CHECK(seconds() - before > 1.0 && seconds() - before < 5.0);
  CHECK(wait_notice(&s, OP_DRAINED, "", 1000) != NULL);
  session_close(&s);
}

static void terminal(void) {
  struct session s;
  char root[128];
  size_t length;
  struct step_terminal size = {.rows = 33, .columns = 101};
  uint32_t console[2] = {0, CONSOLE_BIND_DEV_CONSOLE};
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_step(&plan, STEP_TERMINAL, 0, &size, sizeof size, NULL);
  plan_sink(&plan, 1, SINK_FIFO, make_fifo(&s, "out", O_RDWR), -1);
  plan_root(&plan, root);
  plan_step(&plan, STEP_CONSOLE, 0, console, sizeof console, NULL);
  plan_step(&plan, STEP_READY, 0, NULL, 0, NULL);
  plan_exec(&plan, (const char *[]){"/guest", "size", NULL}, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  close(plan.fds[0]);
  int out = open_fifo(&s, "out", O_RDONLY);
  start(&s);
  nap_ms(200);
  struct {
    struct resize_request size;
    char id[1];
  } resize = {{44, 55}, ""};
  CHECK(call(&s, OP_RESIZE, &resize, 5, NULL, 0, &answer) == 0);
  char *bytes = read_all(out, &length, 5000);
  CHECK(strstr(bytes, "waiting\r\n") != NULL);
  CHECK(strstr(bytes, "tty=111 rows=44 cols=55\r\n") != NULL);
  CHECK(wait_exit(&s, "").code == 0);
  CHECK(wait_notice(&s, OP_DRAINED, "", 1000) != NULL);
  session_close(&s);
}

/* A second pty, or one that was not announced, must not displace what is there. */
static void console_not_announced(void) {
  struct session s;
  char root[128];
  struct step_terminal size = {.rows = 3, .columns = 4};
  uint32_t console[2] = {0, 0};
  for (int announced = 0; announced < 2; announced++) {
    container_open(&s, root);
    plan_container(&plan, NAMESPACES);
    if (announced)
      plan_step(&plan, STEP_TERMINAL, 0, &size, sizeof size, NULL);
    plan_sink(&plan, 1, SINK_OPEN, -1, -1);
    plan_root(&plan, root);
    plan_step(&plan, STEP_CONSOLE, 0, console, sizeof console, NULL);
    plan_step(&plan, STEP_CONSOLE, STEP_OPTIONAL, console, sizeof console, NULL);
    plan_step(&plan, STEP_READY, 0, NULL, 0, NULL);
    plan_exec(&plan, (const char *[]){"/guest", "exit", "0", NULL}, NULL);
    int error = plan_run(&s, &plan, OP_CREATE, &answer);
    CHECK(error == (announced ? 0 : EINVAL));
    session_close(&s);
  }
}

static void terminal_end_of_input(void) {
  struct session s;
  char root[128];
  size_t length;
  struct step_terminal size = {.rows = 24, .columns = 80};
  uint32_t console[2] = {0, 0};
  container_open(&s, root);
  int read_end = make_fifo(&s, "in", O_RDONLY);
  int hold = open_fifo(&s, "in", O_WRONLY);
  plan_container(&plan, NAMESPACES);
  plan_step(&plan, STEP_TERMINAL, 0, &size, sizeof size, NULL);
  plan_sink(&plan, 0, SINK_FIFO, read_end, hold);
  plan_sink(&plan, 1, SINK_FIFO, make_fifo(&s, "out", O_RDWR), -1);
  plan_root(&plan, root);
  plan_step(&plan, STEP_CONSOLE, 0, console, sizeof console, NULL);
  plan_step(&plan, STEP_READY, 0, NULL, 0, NULL);
  plan_exec(&plan, (const char *[]){"/guest", "cat", NULL}, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  int in = open_fifo(&s, "in", O_WRONLY), out = open_fifo(&s, "out", O_RDONLY);
  for (int i = 0; i < 3; i++)
    close(plan.fds[i]);
  start(&s);
  CHECK(write(in, "typed\n", 6) == 6);
  close(in);
  nap_ms(100);
  CHECK(call_id(&s, OP_CLOSE_STDIN, "") == 0);
  char *bytes = read_all(out, &length, 5000);
  CHECK(strcmp(bytes, "typed\r\ntyped\r\n") == 0);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

static int attach_with_keys(struct session *s, const char *id, uint32_t streams, const int *fds,
                            int count, const char *keys) {
  uint8_t payload[300];
  struct token_request token = {.ttl_ms = 5000};
  struct hello_request hello = {.version = 1, .role = ROLE_ATTACH};
  for (int i = 0; i < 32; i++)
    hello.token[i] = token.token[i] = (uint8_t)rand();
  memcpy(payload, &token, sizeof token);
  strcpy((char *)payload + sizeof token, id);
  CHECK(call(s, OP_TOKEN, payload, sizeof token + strlen(id) + 1, NULL, 0, &answer) == 0);
  int socket = connect_socket(s);
  send_message(socket, OP_HELLO, 1, &hello, sizeof hello, NULL, 0);
  CHECK(receive_message(socket, &answer, 2000) && (answer.header.flags & MSG_ERROR) == 0);
  struct attach_request request = {.streams = streams, .keys = (uint32_t)strlen(keys)};
  memcpy(payload, &request, sizeof request);
  strcpy((char *)payload + sizeof request, id);
  memcpy(payload + sizeof request + strlen(id) + 1, keys, strlen(keys));
  send_message(socket, OP_ATTACH, 2, payload, sizeof request + strlen(id) + 1 + strlen(keys), fds,
               count);
  CHECK(receive_message(socket, &answer, 2000));
  CHECK(answer.header.op == OP_ATTACH && (answer.header.flags & MSG_ERROR) == 0);
  /* One use only. */
  int again = connect_socket(s);
  send_message(again, OP_HELLO, 1, &hello, sizeof hello, NULL, 0);
  CHECK(receive_message(again, &answer, 2000) && (answer.header.flags & MSG_ERROR) != 0);
  close(again);
  return socket;
}

static int attach(struct session *s, const char *id, uint32_t streams, const int *fds, int count) {
  return attach_with_keys(s, id, streams, fds, count, "");
}

static void attach_in_and_out(void) {
  struct session s;
  char root[128];
  size_t length;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_OPEN, -1, -1);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"cat", NULL});
  int in[2], out[2];
  CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
  int socket = attach(&s, "", ATTACH_STDIN | ATTACH_STDOUT | ATTACH_BACK_PRESSURE,
                      (int[]){in[0], out[1]}, 2);
  close(in[0]);
  close(out[1]);
  start(&s);
  CHECK(write(in[1], "through", 7) == 7);
  close(in[1]);
  char *bytes = read_all(out[0], &length, 3000);
  CHECK(strcmp(bytes, "through") == 0);
  CHECK(wait_exit(&s, "").code == 0);
  CHECK(receive_message(socket, &answer, 2000) && answer.header.op == OP_EXIT);
  CHECK(receive_message(socket, &answer, 2000) && answer.header.op == OP_DRAINED);
  CHECK(!receive_message(socket, &answer, 2000));
  session_close(&s);
}

/* Reads until the text has come, in 3 s. */
static void await_text(int fd, const char *text) {
  char bytes[1000];
  size_t filled = 0;
  double deadline = seconds() + 3;
  bytes[0] = 0;
  while (strstr(bytes, text) == NULL) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    CHECK(seconds() < deadline && filled < sizeof bytes - 1);
    if (poll(&poll_fd, 1, 100) <= 0)
      continue;
    ssize_t n = read(fd, bytes + filled, sizeof bytes - 1 - filled);
    CHECK(n > 0);
    filled += (size_t)n;
    bytes[filled] = 0;
  }
}

static void terminal_cat(struct session *s) {
  char root[128];
  struct step_terminal size = {.rows = 24, .columns = 80};
  uint32_t console[2] = {0, 0};
  container_open(s, root);
  plan_container(&plan, NAMESPACES);
  plan_step(&plan, STEP_TERMINAL, 0, &size, sizeof size, NULL);
  plan_sink(&plan, 0, SINK_OPEN, -1, -1);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  plan_root(&plan, root);
  plan_step(&plan, STEP_CONSOLE, 0, console, sizeof console, NULL);
  plan_step(&plan, STEP_READY, 0, NULL, 0, NULL);
  plan_exec(&plan, (const char *[]){"/guest", "cat", NULL}, NULL);
  CHECK(plan_run(s, &plan, OP_CREATE, &answer) == 0);
}

/* A client that types its keys is let go; the process does not see them, nor that anyone left. */
static void attach_detach_keys(void) {
  struct session s;
  terminal_cat(&s);
  int in[2], out[2];
  CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
  uint32_t streams = ATTACH_STDIN | ATTACH_STDOUT | ATTACH_BACK_PRESSURE;
  int socket = attach_with_keys(&s, "", streams, (int[]){in[0], out[1]}, 2, "\020\021");
  start(&s);
  /* The begin of them alone is typed text, also when it comes in pieces. */
  CHECK(write(in[1], "a\020", 2) == 2);
  nap_ms(50);
  CHECK(write(in[1], "b\n", 2) == 2);
  await_text(out[0], "a\020b\r\n");
  CHECK(write(in[1], "c\020\020", 3) == 3);
  nap_ms(50);
  CHECK(write(in[1], "\021dropped\n", 9) == 9);
  CHECK(receive_message(socket, &answer, 2000) && answer.header.op == OP_DETACHED);
  CHECK(!receive_message(socket, &answer, 2000));
  struct state_reply state;
  CHECK(state_of(&s, "", &state).phase == PHASE_RUNNING);
  CHECK(pipe2(in, O_CLOEXEC) == 0);
  attach(&s, "", streams, (int[]){in[0], out[1]}, 2);
  CHECK(write(in[1], "d\020\021\n", 4) == 4);
  await_text(out[0], "c\020d\020");
  CHECK(call_id(&s, OP_CLOSE_STDIN, "") == 0);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

/* Longer keys with a begin that comes again in them. */
static void attach_keys_that_overlap(void) {
  struct session s;
  terminal_cat(&s);
  int in[2], out[2];
  CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
  uint32_t streams = ATTACH_STDIN | ATTACH_STDOUT | ATTACH_BACK_PRESSURE;
  int socket = attach_with_keys(&s, "", streams, (int[]){in[0], out[1]}, 2, "xxy");
  start(&s);
  CHECK(write(in[1], "axbxxcxx\n", 9) == 9);
  await_text(out[0], "axbxxcxx\r\naxbxxcxx\r\n");
  CHECK(write(in[1], "zxxxy", 5) == 5);
  CHECK(receive_message(socket, &answer, 2000) && answer.header.op == OP_DETACHED);
  CHECK(pipe2(in, O_CLOEXEC) == 0);
  attach(&s, "", streams, (int[]){in[0], out[1]}, 2);
  CHECK(write(in[1], "!\n", 2) == 2);
  await_text(out[0], "!\r\nzx!\r\n");
  CHECK(call_id(&s, OP_CLOSE_STDIN, "") == 0);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

/* What is written before anyone attaches is kept for the first client, the log takes its copy. */
static void attach_gets_what_was_held(void) {
  struct session s;
  char root[128];
  size_t length;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  add_log(1, fcntl(s.folder_fd, F_DUPFD_CLOEXEC, 20), 0, 0);
  create(&s, root, (const char *[]){"print", "early\n", NULL});
  start(&s);
  wait_exit(&s, "");
  nap_ms(100);
  int out[2];
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  attach(&s, "", ATTACH_STDOUT, (int[]){out[1]}, 1);
  close(out[1]);
  char *bytes = read_all(out[0], &length, 3000);
  CHECK(strcmp(bytes, "early\n") == 0);
  char *log = read_file(&s, "log", &length);
  CHECK(strstr(log, " stdout F early\n") != NULL);
  CHECK(wait_notice(&s, OP_DRAINED, "", 1000) != NULL);
  session_close(&s);
}

/* A client that does not read is dropped and holds nobody; its own descriptor stays blocking. */
static void attach_slow_reader_is_dropped(void) {
  struct session s;
  char root[128];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"flood", "3000000", NULL});
  int out[2];
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  attach(&s, "", ATTACH_STDOUT, (int[]){out[1]}, 1);
  start(&s);
  CHECK(wait_exit(&s, "").code == 0);
  CHECK((fcntl(out[1], F_GETFL) & O_NONBLOCK) == 0);
  CHECK(wait_notice(&s, OP_DRAINED, "", 3000) != NULL);
  session_close(&s);
}

static void attach_back_pressure(void) {
  struct session s;
  char root[128];
  size_t length;
  struct state_reply state;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"flood", "3000000", NULL});
  int out[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) == 0);
  attach(&s, "", ATTACH_STDOUT | ATTACH_BACK_PRESSURE, (int[]){out[1]}, 1);
  close(out[1]);
  start(&s);
  nap_ms(200);
  CHECK(state_of(&s, "", &state).phase == PHASE_RUNNING);
  char *bytes = read_all(out[0], &length, 3000);
  CHECK(length == 3000000 && bytes[2999999] == (char)('a' + 2999999 % 65536 % 26));
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

/* `< file > other`: what epoll refuses to watch. */
static void attach_files(void) {
  struct session s;
  char root[128];
  size_t length;
  static char block[100000];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_OPEN, -1, -1);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"cat", NULL});
  int in = openat(s.folder_fd, "in", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int out = openat(s.folder_fd, "out", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  for (int i = 0; i < 30; i++) {
    memset(block, 'a' + i % 26, sizeof block);
    CHECK(write(in, block, sizeof block) == (ssize_t)sizeof block);
  }
  CHECK(lseek(in, 100000, SEEK_SET) == 100000); /* the shell's offset counts */
  attach(&s, "", ATTACH_STDIN | ATTACH_STDOUT | ATTACH_BACK_PRESSURE, (int[]){in, out}, 2);
  start(&s);
  CHECK(wait_exit(&s, "").code == 0);
  CHECK(wait_notice(&s, OP_DRAINED, "", 2000) != NULL);
  char *bytes = read_file(&s, "out", &length);
  CHECK(length == 2900000 && bytes[0] == 'b' && bytes[100000] == 'c');
  session_close(&s);
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_OPEN, -1, -1);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"cat", NULL});
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  attach(&s, "", ATTACH_STDIN | ATTACH_STDOUT, (int[]){null, null}, 2);
  start(&s);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

static void attach_client_goes(void) {
  struct session s;
  char root[128];
  struct state_reply state;
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 0, SINK_OPEN, -1, -1);
  plan_sink(&plan, 1, SINK_OPEN, -1, -1);
  create(&s, root, (const char *[]){"cat", NULL});
  start(&s);
  int in[2];
  CHECK(pipe2(in, O_CLOEXEC) == 0);
  int socket = attach(&s, "", ATTACH_STDIN | ATTACH_KEEP_STDIN, (int[]){in[0]}, 1);
  close(in[1]);
  close(socket);
  nap_ms(100);
  CHECK(state_of(&s, "", &state).phase == PHASE_RUNNING); /* its input was to be kept */
  CHECK(pipe2(in, O_CLOEXEC) == 0);
  socket = attach(&s, "", ATTACH_STDIN, (int[]){in[0]}, 1);
  close(socket);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

const struct test stdio_tests[] = {
    {"fifo_back_pressure", fifo_back_pressure},
    {"fifo_late_reader", fifo_late_reader},
    {"dropped_output", dropped_output},
    {"stdin_until_closed", stdin_until_closed},
    {"stdin_closed_before_start", stdin_closed_before_start},
    {"stdin_flood", stdin_flood},
    {"file_sink", file_sink},
    {"log_format", log_format},
    {"log_partial_lines", log_partial_lines},
    {"log_lines_of_all_lengths", log_lines_of_all_lengths},
    {"log_rotation", log_rotation},
    {"grandchild_holds_output", grandchild_holds_output},
    {"terminal", terminal},
    {"console_not_announced", console_not_announced},
    {"terminal_end_of_input", terminal_end_of_input},
    {"attach_in_and_out", attach_in_and_out},
    {"attach_detach_keys", attach_detach_keys},
    {"attach_keys_that_overlap", attach_keys_that_overlap},
    {"attach_gets_what_was_held", attach_gets_what_was_held},
    {"attach_slow_reader_is_dropped", attach_slow_reader_is_dropped},
    {"attach_back_pressure", attach_back_pressure},
    {"attach_files", attach_files},
    {"attach_client_goes", attach_client_goes},
    {NULL, NULL},
};
