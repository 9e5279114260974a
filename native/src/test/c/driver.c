#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *supervisor_program;

void check_failed(const char *file, int line, const char *expression) {
  fprintf(stderr, "%s:%d: failed: %s (errno %d)\n", file, line, expression, errno);
  exit(1);
}

void nap_ms(long milliseconds) {
  struct timespec t = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
  nanosleep(&t, NULL);
}

static int above(int fd) {
  int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  CHECK(high >= 0);
  close(fd);
  return high;
}

void session_open(struct session *session, const char *const *arguments) {
  memset(session, 0, sizeof *session);
  session->notices = calloc(NOTICES_MAX, sizeof *session->notices);
  strcpy(session->folder, "/tmp/berth-c-XXXXXX");
  CHECK(mkdtemp(session->folder) != NULL);
  session->folder_fd = above(open(session->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int pair[2];
  CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
  session->socket = above(pair[0]);
  int theirs = above(pair[1]);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    const char *argv[16] = {supervisor_program, "supervise"};
    for (int i = 0; arguments != NULL && arguments[i] != NULL && i < 12; i++)
      argv[2 + i] = arguments[i];
    if (dup2(theirs, 3) < 0 || dup2(session->folder_fd, 4) < 0)
      _exit(9);
    execv(supervisor_program, (char **)(uintptr_t)argv);
    _exit(8);
  }
  close(theirs);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  session->next_request = 1;
  struct hello_reply reply;
  CHECK(hello(session, 0, &reply) == 0);
}

int hello(struct session *session, uint64_t seen_epoch, struct hello_reply *reply) {
  struct hello_request request = {
      .version = PROTOCOL_VERSION, .role = ROLE_CONTROLLER, .seen_epoch = seen_epoch};
  struct message answer;
  int error = call(session, OP_HELLO, &request, sizeof request, NULL, 0, &answer);
  if (error == 0) {
    CHECK(answer.header.length == sizeof *reply);
    memcpy(reply, answer.payload, sizeof *reply);
  }
  for (int i = 0; i < answer.fd_count; i++)
    close(answer.fds[i]);
  return error;
}

static void remove_tree(const char *path) {
  char command[200];
  snprintf(command, sizeof command, "rm -rf -- '%s'", path);
  CHECK(system(command) == 0);
}

void session_close(struct session *session) {
  struct shutdown_request request = {.force = 1};
  struct message answer;
  CHECK(call(session, OP_SHUTDOWN, &request, sizeof request, NULL, 0, &answer) == 0);
  /* The end of the connection is the end of the supervisor. */
  while (receive_message(session->socket, &answer, 5000)) {
  }
  session_forget(session);
}

void session_forget(struct session *session) {
  close(session->socket);
  close(session->folder_fd);
  remove_tree(session->folder);
  free(session->notices);
}

int connect_socket(const struct session *session) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/sup.sock", session->folder);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

void send_message(int socket, uint16_t op, uint64_t request, const void *payload, size_t length,
                  const int *fds, int fd_count) {
  struct msg_header header = {
      .op = op, .flags = (uint16_t)fd_count, .length = (uint32_t)length, .request = request};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, length}};
  static char control[2048] __attribute__((aligned(8)));
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  if (fd_count > 0) {
    size_t bytes = (size_t)fd_count * sizeof(int);
    memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = (socklen_t)CMSG_SPACE(bytes);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = (socklen_t)CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), fds, bytes);
  }
  CHECK(sendmsg(socket, &message, MSG_NOSIGNAL) >= 0);
}

bool receive_message(int socket, struct message *message, int timeout_ms) {
  struct pollfd p = {.fd = socket, .events = POLLIN};
  if (poll(&p, 1, timeout_ms) <= 0)
    return false;
  struct iovec parts[2] = {{&message->header, sizeof message->header},
                           {message->payload, sizeof message->payload}};
  static char control[2048] __attribute__((aligned(8)));
  struct msghdr head = {
      .msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t n = recvmsg(socket, &head, MSG_CMSG_CLOEXEC);
  message->fd_count = 0;
  if (n <= 0)
    return false;
  CHECK((size_t)n == sizeof message->header + message->header.length);
  struct cmsghdr *c = CMSG_FIRSTHDR(&head);
  if (c != NULL) {
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    CHECK(count <= 8);
    memcpy(message->fds, CMSG_DATA(c), count * sizeof(int));
    message->fd_count = (int)count;
  }
  CHECK((message->header.flags & MSG_FDS_MASK) == message->fd_count);
  return true;
}

int call_as(struct session *session, uint64_t request, uint16_t op, const void *payload,
            size_t length, const int *fds, int fd_count, struct message *answer) {
  send_message(session->socket, op, request, payload, length, fds, fd_count);
  for (;;) {
    CHECK(receive_message(session->socket, answer, 20000));
    if ((answer->header.flags & MSG_REPLY) != 0 && answer->header.request == request)
      break;
    CHECK((answer->header.flags & MSG_REPLY) == 0 && session->notice_count < NOTICES_MAX);
    session->notices[session->notice_count++] = *answer;
  }
  CHECK(answer->header.op == op);
  if ((answer->header.flags & MSG_ERROR) == 0)
    return 0;
  struct msg_error error;
  memcpy(&error, answer->payload, sizeof error);
  CHECK(error.error > 0);
  return error.error;
}

int call(struct session *session, uint16_t op, const void *payload, size_t length, const int *fds,
         int fd_count, struct message *answer) {
  return call_as(session, session->next_request++, op, payload, length, fds, fd_count, answer);
}

int call_id(struct session *session, uint16_t op, const char *id) {
  struct message answer;
  return call(session, op, id, strlen(id) + 1, NULL, 0, &answer);
}

int call_signal(struct session *session, const char *id, uint32_t signal) {
  uint8_t payload[200];
  struct signal_request request = {.signal = signal};
  struct message answer;
  memcpy(payload, &request, sizeof request);
  strcpy((char *)payload + sizeof request, id);
  return call(session, OP_SIGNAL, payload, sizeof request + strlen(id) + 1, NULL, 0, &answer);
}

struct process_entry state_of(struct session *session, const char *id, struct state_reply *state) {
  struct message answer;
  struct process_entry entry, none = {0};
  CHECK(call(session, OP_STATE, NULL, 0, NULL, 0, &answer) == 0);
  memcpy(state, answer.payload, sizeof *state);
  uint8_t *p = answer.payload + sizeof *state;
  for (int i = 0; i < state->count; i++) {
    memcpy(&entry, p, sizeof entry);
    p += sizeof entry;
    if (strcmp((char *)p, id) == 0)
      return entry;
    p += strlen((char *)p) + 1;
  }
  return none;
}

static const char *notice_id(const struct message *m) {
  size_t skip = m->header.op == OP_EXIT ? sizeof(struct exit_notice) : 0;
  return (const char *)m->payload + skip;
}

struct message *wait_notice(struct session *session, uint16_t op, const char *id, int timeout_ms) {
  for (int i = 0;;) {
    for (; i < session->notice_count; i++) {
      struct message *m = &session->notices[i];
      if (m->header.op == op && (op == OP_DEPOSED || strcmp(notice_id(m), id) == 0)) {
        m->header.op = 0; /* taken */
        return m;
      }
    }
    CHECK(session->notice_count < NOTICES_MAX);
    if (!receive_message(session->socket, &session->notices[session->notice_count], timeout_ms))
      return NULL;
    CHECK((session->notices[session->notice_count].header.flags & MSG_REPLY) == 0);
    session->notice_count++;
  }
}

struct exit_notice wait_exit(struct session *session, const char *id) {
  struct exit_notice notice;
  struct message *m = wait_notice(session, OP_EXIT, id, 10000);
  CHECK(m != NULL);
  memcpy(&notice, m->payload, sizeof notice);
  return notice;
}

void plan_begin(struct plan_writer *plan, uint16_t kind, uint32_t namespaces) {
  memset(plan, 0, sizeof *plan);
  plan->header = (struct plan_header){
      .magic = PLAN_MAGIC, .version = PLAN_VERSION, .kind = kind, .namespaces = namespaces};
  plan->length = sizeof plan->header;
}

static void put(struct plan_writer *plan, const void *bytes, size_t length) {
  CHECK(plan->length + length <= sizeof plan->bytes);
  memcpy(plan->bytes + plan->length, bytes, length);
  plan->length += length;
}

static size_t step_begin(struct plan_writer *plan, uint16_t code, uint16_t flags) {
  plan->length = (plan->length + 7) & ~(size_t)7;
  struct plan_step head = {.code = code, .flags = flags};
  size_t at = plan->length;
  put(plan, &head, sizeof head);
  plan->header.count++;
  return at;
}

static void step_end(struct plan_writer *plan, size_t at) {
  uint32_t length = (uint32_t)(plan->length - at - sizeof(struct plan_step));
  memcpy(plan->bytes + at + offsetof(struct plan_step, length), &length, sizeof length);
}

void plan_step(struct plan_writer *plan, uint16_t code, uint16_t flags, const void *fixed,
               size_t length, ...) {
  size_t at = step_begin(plan, code, flags);
  if (length > 0)
    put(plan, fixed, length);
  va_list strings;
  va_start(strings, length);
  for (const char *s; (s = va_arg(strings, const char *)) != NULL;)
    put(plan, s, strlen(s) + 1);
  va_end(strings);
  step_end(plan, at);
}

uint32_t plan_fd(struct plan_writer *plan, int fd) {
  CHECK(plan->header.fds < 64);
  plan->fds[plan->header.fds] = fd;
  return plan->header.fds++;
}

void plan_exec(struct plan_writer *plan, const char *const *argv, const char *const *envp) {
  uint32_t counts[2] = {0, 0};
  size_t at = step_begin(plan, STEP_EXEC, 0);
  put(plan, counts, sizeof counts);
  for (; argv[counts[0]] != NULL; counts[0]++)
    put(plan, argv[counts[0]], strlen(argv[counts[0]]) + 1);
  for (; envp != NULL && envp[counts[1]] != NULL; counts[1]++)
    put(plan, envp[counts[1]], strlen(envp[counts[1]]) + 1);
  memcpy(plan->bytes + at + sizeof(struct plan_step), counts, sizeof counts);
  step_end(plan, at);
}

int sealed_memfd(const void *bytes, size_t length) {
  int fd = memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
  CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
  return fd;
}

int plan_memfd(struct plan_writer *plan) {
  plan->header.length = (uint32_t)plan->length;
  memcpy(plan->bytes, &plan->header, sizeof plan->header);
  return sealed_memfd(plan->bytes, plan->length);
}

int plan_run(struct session *session, struct plan_writer *plan, uint16_t op,
             struct message *answer) {
  int fds[65] = {plan_memfd(plan)};
  memcpy(fds + 1, plan->fds, plan->header.fds * sizeof(int));
  int error = call(session, op, NULL, 0, fds, 1 + (int)plan->header.fds, answer);
  close(fds[0]);
  for (int i = 0; i < answer->fd_count; i++)
    close(answer->fds[i]);
  return error;
}

void plan_root(struct plan_writer *plan, const char *root) {
  uint64_t rslave = 1u << 19 | 1u << 14;
  struct step_root step = {.fd = NO_FD};
  struct step_mount mount = {.flags = MOUNT_MAKE_FOLDER, .mode = 0755};
  uint32_t how = PIVOT_ROOT;
  plan_step(plan, STEP_PROPAGATION, 0, &rslave, sizeof rslave, "/", NULL);
  plan_step(plan, STEP_ROOT, 0, &step, sizeof step, root, NULL);
  plan_step(plan, STEP_MOUNT, 0, &mount, sizeof mount, "proc", "proc", "/proc", "", NULL);
  plan_step(plan, STEP_MOUNT, 0, &mount, sizeof mount, "tmpfs", "tmpfs", "/dev",
            "mode=755,size=64k", NULL);
  plan_step(plan, STEP_MOUNT, 0, &mount, sizeof mount, "devpts", "devpts", "/dev/pts",
            "newinstance,ptmxmode=0666,mode=0620", NULL);
  plan_step(plan, STEP_PIVOT, 0, &how, sizeof how, NULL);
}

void plan_sink(struct plan_writer *plan, uint32_t stream, uint32_t kind, int fd, int fd2) {
  struct step_sink sink = {.stream = stream, .kind = kind, .fd = NO_FD, .fd2 = NO_FD};
  if (fd >= 0)
    sink.fd = plan_fd(plan, fd);
  if (fd2 >= 0)
    sink.fd2 = plan_fd(plan, fd2);
  plan_step(plan, STEP_SINK, 0, &sink, sizeof sink, "", NULL);
}

void plan_user(struct plan_writer *plan, uint32_t uid, uint32_t gid) {
  struct step_user user = {.uid = uid, .gid = gid};
  plan_step(plan, STEP_USER, 0, &user, sizeof user, NULL);
}

char *read_all(int fd, size_t *length, int timeout_ms) {
  char *bytes = malloc(64 << 20);
  CHECK(bytes != NULL);
  *length = 0;
  for (;;) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK(poll(&p, 1, timeout_ms) > 0); /* else no end came */
    ssize_t n = read(fd, bytes + *length, (64u << 20) - 1 - *length);
    CHECK(n >= 0);
    if (n == 0)
      break;
    *length += (size_t)n;
  }
  bytes[*length] = 0;
  return bytes;
}
