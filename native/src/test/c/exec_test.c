#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container_test.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)

static struct plan_writer plan;
static struct message answer;

/* Runs /guest as an exec and gives its output. */
static char *exec_output(struct session *s, int pidfd, const char *id,
                         const char *const *arguments) {
  int out[2];
  size_t length;
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_exec_begin(&plan, id, pidfd);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_exec_rest(&plan, arguments);
  CHECK(plan_run(s, &plan, OP_EXEC, &answer) == 0);
  CHECK(answer.fd_count == 1);
  close(out[1]);
  char *bytes = read_all(out[0], &length, 5000);
  close(out[0]);
  return bytes;
}

static void exec_joins(void) {
  struct session s;
  char root[128];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_step(&plan, STEP_HOSTNAME, 0, NULL, 0, "inside", NULL);
  plan_container_rest(&plan, root, (const char *[]){"sleep", "60000", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  int pidfd = init_pidfd(&s);
  char *text = exec_output(&s, pidfd, "one", (const char *[]){"self", NULL});
  CHECK(strstr(text, "uid=0 gid=0 pid=2 host=inside umask=022 cwd=/ death=9") != NULL);
  text = exec_output(&s, pidfd, "two", (const char *[]){"fds", NULL});
  CHECK(strcmp(text, "0 1 2 \n") == 0);
  CHECK(wait_exit(&s, "one").code == 0 && wait_exit(&s, "two").code == 0);
  CHECK(wait_notice(&s, OP_DRAINED, "one", 2000) != NULL);
  CHECK(wait_notice(&s, OP_DRAINED, "two", 2000) != NULL);
  CHECK(faccessat(s.folder_fd, "exit/exec.one", F_OK, 0) == 0);
  CHECK(call_id(&s, OP_ACK, "one") == 0 && call_id(&s, OP_ACK, "two") == 0);
  CHECK(faccessat(s.folder_fd, "exit/exec.one", F_OK, 0) < 0);
  /* The same name may be used again. */
  text = exec_output(&s, pidfd, "one", (const char *[]){"exit", "4", NULL});
  CHECK(wait_exit(&s, "one").code == 4);
  CHECK(call_signal(&s, "", SIGKILL) == 0);
  CHECK(wait_exit(&s, "").code == SIGKILL);
  session_close(&s);
}

static void exec_with_terminal(void) {
  struct session s;
  char root[128];
  int out[2];
  size_t length;
  uint32_t console[2] = {0, 0};
  struct step_terminal size = {.rows = 12, .columns = 34};
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  int pidfd = init_pidfd(&s);
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_exec_begin(&plan, "t", pidfd);
  plan_step(&plan, STEP_TERMINAL, 0, &size, sizeof size, NULL);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_step(&plan, STEP_CONSOLE, 0, console, sizeof console, NULL);
  plan_exec(&plan, (const char *[]){"/guest", "tty", NULL}, NULL);
  CHECK(plan_run(&s, &plan, OP_EXEC, &answer) == 0);
  close(out[1]);
  char *text = read_all(out[0], &length, 3000);
  CHECK(strcmp(text, "tty=111 rows=12 cols=34\r\n") == 0);
  CHECK(wait_exit(&s, "t").code == 0);
  session_close(&s);
}

/* Not even for the moment of execve can an image name a descriptor of ours. */
static void exec_of_a_descriptor(void) {
  struct session s;
  char root[128], path[32];
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  int pidfd = init_pidfd(&s);
  int guest = open(guest_program, O_RDONLY | O_CLOEXEC);
  for (int fd = 3; fd < 40; fd++) {
    plan_exec_begin(&plan, "d", pidfd);
    plan_fd(&plan, guest);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    plan_exec(&plan, (const char *[]){path, "exit", "0", NULL}, NULL);
    CHECK(plan_run(&s, &plan, OP_EXEC, &answer) != 0);
  }
  session_close(&s);
}

static void exec_fails(void) {
  struct session s;
  char root[128];
  struct msg_error error;
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  int pidfd = init_pidfd(&s);
  plan_exec_begin(&plan, "bad", pidfd);
  plan_step(&plan, STEP_LOOK_UP, 0, NULL, 0, "absent", "/:/bin", NULL);
  plan_exec_rest(&plan, (const char *[]){"exit", NULL});
  CHECK(plan_run(&s, &plan, OP_EXEC, &answer) == ENOENT);
  memcpy(&error, answer.payload, sizeof error);
  CHECK(error.code == STEP_LOOK_UP && error.step == 2);
  CHECK(call_signal(&s, "bad", 0) == ENOENT);
  /* The name is free, and there is no record. */
  CHECK(faccessat(s.folder_fd, "exit/exec.bad", F_OK, 0) < 0);
  exec_output(&s, pidfd, "bad", (const char *[]){"exit", "0", NULL});
  CHECK(wait_exit(&s, "bad").code == 0);
  plan_exec_begin(&plan, "../evil", pidfd);
  plan_exec_rest(&plan, (const char *[]){"exit", NULL});
  CHECK(plan_run(&s, &plan, OP_EXEC, &answer) == EINVAL);
  session_close(&s);
}

/* Case S12: a process that can say nothing more, not even by its exit code, is answered for. */
static void exec_that_dies_before_its_word(void) {
  struct session s;
  char root[128];
  struct msg_error error;
  const uint32_t verdicts[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRAP,
                               SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ERRNO | 0};
  /* Where every call fails, the sanitizers' own library loops before our last instruction. */
  unsigned count = strstr(supervisor_program, "sanitized") != NULL ? 2 : 4;
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  int pidfd = init_pidfd(&s);
  for (unsigned i = 0; i < count; i++) {
    struct {
      uint32_t flags, count;
      struct sock_filter filter[1];
    } seccomp = {0, 1, {BPF_STMT(BPF_RET | BPF_K, verdicts[i])}};
    plan_exec_begin(&plan, "mute", pidfd);
    plan_step(&plan, STEP_SECCOMP, 0, &seccomp, sizeof seccomp, NULL);
    plan_exec_rest(&plan, (const char *[]){"exit", NULL});
    CHECK(plan_run(&s, &plan, OP_EXEC, &answer) == EPERM);
    memcpy(&error, answer.payload, sizeof error);
    CHECK(error.code == STEP_SECCOMP && error.step == 2);
    CHECK(call_signal(&s, "mute", 0) == ENOENT);
  }
  exec_output(&s, pidfd, "mute", (const char *[]){"exit", "0", NULL});
  CHECK(wait_exit(&s, "mute").code == 0);
  session_close(&s);
}

static void many_execs(void) {
  struct session s;
  char root[128], id[32];
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  int pidfd = init_pidfd(&s);
  /* More than the table holds: ended ones that nobody acknowledges make room. */
  for (int i = 0; i < 300; i++) {
    snprintf(id, sizeof id, "e%d", i);
    plan_exec_begin(&plan, id, pidfd);
    plan_exec_rest(&plan, (const char *[]){"exit", "1", NULL});
    CHECK(plan_run(&s, &plan, OP_EXEC, &answer) == 0);
    CHECK(wait_exit(&s, id).code == 1);
    CHECK(wait_notice(&s, OP_DRAINED, id, 2000) != NULL);
    s.notice_count = 0;
  }
  CHECK(faccessat(s.folder_fd, "exit/exec.e0", F_OK, 0) < 0);
  CHECK(faccessat(s.folder_fd, "exit/exec.e299", F_OK, 0) == 0);
  session_close(&s);
}

/* Thirty at a time, each of which ends at once: births and deaths overlap in every order. */
static void execs_at_once(void) {
  struct session s;
  char root[128], id[32];
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  int pidfd = init_pidfd(&s);
  for (int round = 0; round < 10; round++) {
    int answers = 0, exits = 0, drained = 0;
    for (int i = 0; i < 30; i++) {
      snprintf(id, sizeof id, "r%d-%d", round, i);
      plan_exec_begin(&plan, id, pidfd);
      plan_exec_rest(&plan, (const char *[]){"exit", "2", NULL});
      int fds[2] = {plan_memfd(&plan), pidfd};
      send_message(s.socket, OP_EXEC, s.next_request++, NULL, 0, fds, 2);
      close(fds[0]);
    }
    while (answers < 30 || exits < 30 || drained < 30) {
      CHECK(receive_message(s.socket, &answer, 5000));
      for (int i = 0; i < answer.fd_count; i++)
        close(answer.fds[i]);
      CHECK((answer.header.flags & MSG_ERROR) == 0);
      answers += (answer.header.flags & MSG_REPLY) != 0;
      exits += answer.header.op == OP_EXIT;
      drained += answer.header.op == OP_DRAINED;
    }
    for (int i = 0; i < 30; i++) {
      snprintf(id, sizeof id, "r%d-%d", round, i);
      CHECK(call_id(&s, OP_ACK, id) == 0);
    }
  }
  struct state_reply state;
  state_of(&s, "", &state);
  CHECK(state.count == 1);
  session_close(&s);
}

static void user_namespace(void) {
  struct session s;
  char root[128], path[200];
  struct step_id_maps maps = {0};
  container_open(&s, root);
  CHECK(chmod(s.folder, 0755) == 0 && chown(root, 200000, 200000) == 0);
  plan_container(&plan, NAMESPACES | CLONE_NEWUSER);
  plan_step(&plan, STEP_ID_MAPS, 0, &maps, sizeof maps, "0 200000 65536\n", "0 200000 65536\n",
            NULL);
  int proc = open("/proc", O_PATH | O_CLOEXEC);
  uint32_t write[2] = {plan_fd(&plan, proc), 0};
  plan_step(&plan, STEP_PROC_WRITE, 0, write, sizeof write, "oom_score_adj", "123", NULL);
  plan_container_rest(&plan, root, (const char *[]){"sleep", "60000", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  struct state_reply state;
  uint32_t pid = state_of(&s, "", &state).pid;
  struct stat st;
  snprintf(path, sizeof path, "/proc/%u", pid);
  CHECK(stat(path, &st) == 0 && st.st_uid == 200000);
  snprintf(path, sizeof path, "/proc/%u/oom_score_adj", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  char text[16] = "";
  CHECK(read(fd, text, sizeof text - 1) > 0 && strcmp(text, "123\n") == 0);
  close(fd);
  int pidfd = init_pidfd(&s);
  int out[2];
  size_t length;
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_begin(&plan, PLAN_EXEC, 0);
  uint32_t join[2] = {plan_fd(&plan, pidfd), NAMESPACES | CLONE_NEWUSER};
  plan_step(&plan, STEP_ID, 0, NULL, 0, "e", NULL);
  plan_step(&plan, STEP_JOIN_PIDFD, 0, join, sizeof join, NULL);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_exec_rest(&plan, (const char *[]){"self", NULL});
  CHECK(plan_run(&s, &plan, OP_EXEC, &answer) == 0);
  close(out[1]);
  char *bytes = read_all(out[0], &length, 3000);
  CHECK(strstr(bytes, "uid=0 gid=0 pid=2 ") != NULL);
  /* What is mapped owns its pipes, so it can open /dev/stdout by name. */
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_begin(&plan, PLAN_EXEC, 0);
  join[0] = plan_fd(&plan, pidfd);
  plan_step(&plan, STEP_ID, 0, NULL, 0, "f", NULL);
  plan_step(&plan, STEP_JOIN_PIDFD, 0, join, sizeof join, NULL);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_exec_rest(&plan, (const char *[]){"status", NULL});
  CHECK(plan_run(&s, &plan, OP_EXEC, &answer) == 0);
  close(out[1]);
  bytes = read_all(out[0], &length, 3000);
  CHECK(strstr(bytes, " reopen 0\n") != NULL);
  session_close(&s);
}

static void joins_foreign_namespaces(void) {
  struct session s, other;
  char root[128], other_root[128], path[64];
  static const struct {
    const char *name;
    uint32_t type;
  } joins[] = {{"uts", CLONE_NEWUTS}, {"pid", CLONE_NEWPID}, {"net", CLONE_NEWNET}};
  container_open(&other, other_root);
  plan_container(&plan, NAMESPACES | CLONE_NEWNET);
  plan_step(&plan, STEP_HOSTNAME, 0, NULL, 0, "sandbox", NULL);
  plan_step(&plan, STEP_LOOPBACK_UP, 0, NULL, 0, NULL);
  plan_container_rest(&plan, other_root, (const char *[]){"sleep", "60000", NULL});
  CHECK(plan_run(&other, &plan, OP_CREATE, &answer) == 0);
  CHECK(call(&other, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  struct state_reply state;
  uint32_t pid = state_of(&other, "", &state).pid;
  container_open(&s, root);
  int out[2];
  size_t length;
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_container(&plan, CLONE_NEWNS | CLONE_NEWIPC);
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "/proc/%u/ns/%s", pid, joins[i].name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    uint32_t join[2] = {joins[i].type, plan_fd(&plan, fd)};
    plan_step(&plan, STEP_JOIN, 0, join, sizeof join, NULL);
  }
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_container_rest(&plan, root, (const char *[]){"self", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  close(out[1]);
  char *bytes = read_all(out[0], &length, 3000);
  CHECK(strstr(bytes, " pid=2 host=sandbox ") != NULL);
  session_close(&s);
  session_close(&other);
}

static void time_namespace(void) {
  struct session s;
  char root[128];
  int out[2];
  size_t length;
  container_open(&s, root);
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_container(&plan, NAMESPACES);
  plan_step(&plan, STEP_TIME_OFFSETS, 0, NULL, 0, "boottime 8640000 0\n", NULL);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_container_rest(&plan, root, (const char *[]){"read", "/proc/uptime", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  close(out[1]);
  char *bytes = read_all(out[0], &length, 3000);
  CHECK(atof(bytes) > 8640000);
  session_close(&s);
}

static char *hook_payload(size_t *length, uint32_t timeout, const char *const *strings,
                          uint32_t argc, uint32_t envc) {
  static char bytes[4096];
  struct step_hook hook = {.timeout_ms = timeout, .argc = argc, .envc = envc};
  memcpy(bytes, &hook, sizeof hook);
  *length = sizeof hook;
  for (int i = 0; strings[i] != NULL; i++) {
    strcpy(bytes + *length, strings[i]);
    *length += strlen(strings[i]) + 1;
  }
  return bytes;
}

static int run_hook(struct session *s, const char *payload, size_t length) {
  int fd = sealed_memfd(payload, length);
  int error = call(s, OP_HOOK, NULL, 0, &fd, 1, &answer);
  close(fd);
  return error;
}

static void hooks(void) {
  struct session s;
  struct hook_reply reply;
  char root[128], expected[64];
  size_t length;
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  struct state_reply state;
  uint32_t pid = state_of(&s, "", &state).pid;
  char *payload = hook_payload(&length, 5000,
                               (const char *[]){"/bin/sh", "sh", "-c", "cat; echo $K >&2; exit 3",
                                                "K=v", "{\"pid\":", "}", NULL},
                               3, 1);
  CHECK(run_hook(&s, payload, length) == 0);
  memcpy(&reply, answer.payload, sizeof reply);
  CHECK(reply.how == EXIT_EXITED && reply.code == 3 && reply.timed_out == 0);
  snprintf(expected, sizeof expected, "{\"pid\":%u}v\n", pid);
  CHECK(strcmp((char *)answer.payload + sizeof reply, expected) == 0);
  payload =
      hook_payload(&length, 100, (const char *[]){"/bin/sleep", "sleep", "30", "", "", NULL}, 2, 0);
  CHECK(run_hook(&s, payload, length) == 0);
  memcpy(&reply, answer.payload, sizeof reply);
  CHECK(reply.timed_out == 1 && reply.how == EXIT_SIGNALLED);
  session_close(&s);
}

/* The same pipe as 3 and 4; 5 is what it says. */
static void log_programs(void) {
  struct session s;
  int in[2], out[2];
  size_t length;
  session_open(&s, NULL);
  CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
  char *payload =
      hook_payload(&length, 0,
                   (const char *[]){"/bin/sh", "sh", "-c",
                                    "echo $K >&5; cat <&3 >&5; readlink /proc/self/fd/0 >&5; pwd "
                                    ">&5; [ -e /proc/self/fd/6 ] || echo no more >&5",
                                    "K=v", "", "", NULL},
                   3, 1);
  int fds[4] = {sealed_memfd(payload, length), in[0], in[0], out[1]};
  CHECK(call(&s, OP_LOG_PROGRAM, NULL, 0, fds, 4, &answer) == 0);
  CHECK(call(&s, OP_LOG_PROGRAM, NULL, 0, fds, 3, &answer) == EINVAL);
  close(fds[0]);
  close(in[0]);
  close(out[1]);
  CHECK(write(in[1], "line\n", 5) == 5);
  close(in[1]);
  char *said = read_all(out[0], &length, 5000);
  const char *expected = "v\nline\n/dev/null\n/\nno more\n";
  CHECK(length == strlen(expected) && memcmp(said, expected, length) == 0);
  close(out[0]);
  payload = hook_payload(&length, 0, (const char *[]){"/no/such/program", "p", "", "", NULL}, 1, 0);
  int none[4] = {sealed_memfd(payload, length), s.folder_fd, s.folder_fd, s.folder_fd};
  CHECK(call(&s, OP_LOG_PROGRAM, NULL, 0, none, 4, &answer) == ENOENT);
  close(none[0]);
  session_close(&s);
}

static void hook_within_plan(void) {
  struct session s;
  struct msg_error error;
  char root[128];
  size_t length;
  for (int i = 0; i < 2; i++) {
    container_open(&s, root);
    plan_container(&plan, NAMESPACES);
    char *payload =
        hook_payload(&length, 5000,
                     (const char *[]){"/bin/sh", "sh", "-c",
                                      i == 0 ? "exit 0" : "echo why >&2; exit 9", "", "", NULL},
                     3, 0);
    plan_step(&plan, STEP_HOOK, 0, payload, length, NULL);
    plan_container_rest(&plan, root, (const char *[]){"exit", "0", NULL});
    CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == (i == 0 ? 0 : ECANCELED));
    if (i == 1) {
      memcpy(&error, answer.payload, sizeof error);
      const char *what = (const char *)answer.payload + sizeof error;
      CHECK(error.code == STEP_HOOK && strcmp(what, "hook exited with 9") == 0);
      CHECK(strstr(what + strlen(what) + 1, "/bin/sh: why") != NULL);
    }
    session_close(&s);
  }
}

static void rooted_paths(void) {
  struct session s;
  char root[128], path[256];
  struct stat st;
  uint32_t mode = 0700;
  container_open(&s, root);
  /* Every way out of the root that an image could plant. */
  snprintf(path, sizeof path, "%s/up", root);
  CHECK(symlink("../../../../outside", path) == 0);
  snprintf(path, sizeof path, "%s/abs", root);
  CHECK(symlink("/var/dangling/deep", path) == 0);
  snprintf(path, sizeof path, "%s/magic", root);
  CHECK(symlink("/proc/self/root/tmp", path) == 0);
  plan_container(&plan, NAMESPACES);
  struct step_root step = {.fd = NO_FD};
  uint64_t rslave = 1u << 19 | 1u << 14;
  plan_step(&plan, STEP_PROPAGATION, 0, &rslave, sizeof rslave, "/", NULL);
  plan_step(&plan, STEP_ROOT, 0, &step, sizeof step, root, NULL);
  plan_step(&plan, STEP_MAKE_FOLDER, 0, &mode, 4, "/up/a", NULL);
  plan_step(&plan, STEP_MAKE_FOLDER, 0, &mode, 4, "/abs/b", NULL);
  plan_step(&plan, STEP_SYMLINK, 0, NULL, 0, "content", "/x/../../../../link", NULL);
  plan_step(&plan, STEP_PIVOT, 0, &(uint32_t){PIVOT_ROOT}, 4, NULL);
  plan_step(&plan, STEP_EXEC, 0, (uint32_t[]){1, 0}, 8, "/guest", NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  snprintf(path, sizeof path, "%s/outside/a", root);
  CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700);
  snprintf(path, sizeof path, "%s/var/dangling/deep/b", root);
  CHECK(stat(path, &st) == 0);
  snprintf(path, sizeof path, "%s/link", root);
  CHECK(lstat(path, &st) == 0);
  CHECK(stat("/outside", &st) < 0 && stat("/var/dangling", &st) < 0 && stat("/link", &st) < 0);
  session_close(&s);
}

static void masks_and_attributes(void) {
  struct session s;
  char root[128];
  int out[2];
  size_t length;
  uint32_t none = NO_FD;
  struct step_make_node null = {.mode = S_IFCHR | 0666, .major = 1, .minor = 3};
  uint32_t owner[2] = {0, 0};
  container_open(&s, root);
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_root(&plan, root);
  plan_step(&plan, STEP_MAKE_NODE, 0, &null, sizeof null, "/dev/null", NULL);
  plan_step(&plan, STEP_MASK, 0, &none, 4, "/proc/version", NULL);
  plan_step(&plan, STEP_MASK, 0, &none, 4, "/proc/uptime", NULL);
  plan_step(&plan, STEP_MASK, 0, &none, 4, "/proc/tty", NULL);
  plan_step(&plan, STEP_MASK, 0, &none, 4, "/proc/fs", NULL);
  plan_step(&plan, STEP_MASK, 0, &none, 4, "/proc/absent", NULL);
  plan_step(&plan, STEP_READ_ONLY, 0, NULL, 0, "/proc/sys", NULL);
  plan_step(&plan, STEP_READ_ONLY, 0, NULL, 0, "/proc/absent", NULL);
  plan_step(&plan, STEP_STDIO, 0, owner, sizeof owner, NULL);
  plan_exec(&plan, (const char *[]){"/guest", "read", "/proc/self/mounts", NULL}, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  close(out[1]);
  char *bytes = read_all(out[0], &length, 3000);
  CHECK(strstr(bytes, " /proc/version ") != NULL);
  CHECK(strstr(bytes, " /proc/uptime ") != NULL);
  CHECK(strstr(bytes, " /proc/tty tmpfs ro,") != NULL &&
        strstr(bytes, " /proc/fs tmpfs ro,") != NULL);
  CHECK(strstr(bytes, " /proc/sys proc ro,") != NULL);
  session_close(&s);
}

static int detached(const char *path) {
  int fd = (int)syscall(428 /* open_tree */, AT_FDCWD, path, 1 | O_CLOEXEC | 0x8000);
  CHECK(fd >= 0);
  return fd;
}

static void write_file(const char *folder, const char *name, const char *text) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
  CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

/* As the Java side does it: everything from elsewhere comes as a detached mount, in a user
 * namespace too. */
static void detached_mounts(uint32_t user, uint32_t pivot) {
  struct session s;
  char root[128], path[256];
  int out[2];
  size_t length;
  struct step_id_maps maps = {0};
  uint64_t rslave = 1u << 19 | 1u << 14;
  container_open(&s, root);
  CHECK(chmod(s.folder, 0755) == 0);
  snprintf(path, sizeof path, "%s/volume/sub/deep", s.folder);
  CHECK(mkdirat(s.folder_fd, "volume", 0755) == 0 &&
        mkdirat(s.folder_fd, "volume/sub", 0750) == 0 && mkdir(path, 0700) == 0);
  write_file(path, "file", "from the volume");
  snprintf(path, sizeof path, "%s/lower", root);
  CHECK(mkdir(path, 0711) == 0 && mkdirat(open(path, O_RDONLY | O_CLOEXEC), "in", 0701) == 0);
  CHECK(symlinkat("in", open(path, O_RDONLY | O_CLOEXEC), "link") == 0);
  strcat(path, "/in");
  write_file(path, "copied", "from below");
  if (user != 0) {
    char command[300];
    snprintf(command, sizeof command, "chown -R 300000:300000 %s/root %s/volume", s.folder,
             s.folder);
    CHECK(system(command) == 0);
  }
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_container(&plan, NAMESPACES | user);
  if (user != 0)
    plan_step(&plan, STEP_ID_MAPS, 0, &maps, sizeof maps, "0 300000 65536\n", "0 300000 65536\n",
              NULL);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_sink(&plan, 2, SINK_PIPE, out[1], -1);
  plan_step(&plan, STEP_PROPAGATION, 0, &rslave, sizeof rslave, "/", NULL);
  snprintf(path, sizeof path, "%s/volume", s.folder);
  struct step_root top = {.fd = plan_fd(&plan, detached(root))};
  struct step_bind bind = {.set = 1,
                           .flags = MOUNT_MAKE_FOLDER | MOUNT_RECURSIVE,
                           .propagation = 1u << 18,
                           .fd = plan_fd(&plan, detached(path))};
  struct step_mount tmpfs = {.attributes = 1 | 2, .flags = MOUNT_MAKE_FOLDER, .mode = 0700};
  struct step_mount proc = {.flags = MOUNT_MAKE_FOLDER, .mode = 0755};
  uint32_t null = plan_fd(&plan, detached("/dev/null"));
  uint32_t owner[2] = {0, 0};
  plan_step(&plan, STEP_ROOT, 0, &top, sizeof top, root, NULL);
  plan_step(&plan, STEP_BIND, 0, &bind, sizeof bind, "/a/b/volume", NULL);
  plan_step(&plan, STEP_COPY_UP, 0, &tmpfs, sizeof tmpfs, "tmpfs", "tmpfs", "/lower", "", NULL);
  plan_step(&plan, STEP_MOUNT, 0, &proc, sizeof proc, "proc", "proc", "/proc", "", NULL);
  plan_step(&plan, STEP_MASK, 0, &null, 4, "/proc/version", NULL);
  plan_step(&plan, STEP_MASK, 0, &null, 4, "/proc/uptime", NULL);
  plan_step(&plan, STEP_MASK, 0, &null, 4, "/proc/fs", NULL);
  plan_step(&plan, STEP_PIVOT, 0, &pivot, 4, NULL);
  plan_step(&plan, STEP_STDIO, 0, owner, sizeof owner, NULL);
  plan_step(&plan, STEP_READY, 0, NULL, 0, NULL);
  plan_exec(&plan,
            (const char *[]){"/guest", "cat-all", "/a/b/volume/sub/deep/file", "/lower/link/copied",
                             "/proc/version", "/proc/uptime", "/etc", "/proc/self/mounts", NULL},
            NULL);
  int error = plan_run(&s, &plan, OP_CREATE, &answer);
  if (error != 0)
    fprintf(stderr, "errno %d: %s %s\n", error, (char *)answer.payload + 12,
            strchr((char *)answer.payload + 12, 0) + 1);
  CHECK(error == 0);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  close(out[1]);
  char *text = read_all(out[0], &length, 3000);
  CHECK(strstr(text, "from the volume;from below;;;errno=2;") == text);
  CHECK(strstr(text, " /a/b/volume tmpfs ro,") != NULL &&
        strstr(text, " /lower tmpfs ro,nosuid") != NULL);
  CHECK(pivot != PIVOT_ROOT ||
        strstr(text, "/berth-c-") == NULL); /* nothing of the host is in sight */
  wait_exit(&s, "");
  session_close(&s);
}

static void mounts_by_descriptor(void) { detached_mounts(0, PIVOT_ROOT); }
static void mounts_in_user_namespace(void) { detached_mounts(CLONE_NEWUSER, PIVOT_ROOT); }
static void mounts_without_pivot(void) { detached_mounts(0, PIVOT_MOVE_CHROOT); }

const struct test exec_tests[] = {
    {"mounts_by_descriptor", mounts_by_descriptor},
    {"mounts_in_user_namespace", mounts_in_user_namespace},
    {"mounts_without_pivot", mounts_without_pivot},
    {"exec_joins", exec_joins},
    {"exec_with_terminal", exec_with_terminal},
    {"exec_of_a_descriptor", exec_of_a_descriptor},
    {"exec_fails", exec_fails},
    {"exec_that_dies_before_its_word", exec_that_dies_before_its_word},
    {"many_execs", many_execs},
    {"execs_at_once", execs_at_once},
    {"user_namespace", user_namespace},
    {"joins_foreign_namespaces", joins_foreign_namespaces},
    {"time_namespace", time_namespace},
    {"hooks", hooks},
    {"log_programs", log_programs},
    {"hook_within_plan", hook_within_plan},
    {"rooted_paths", rooted_paths},
    {"masks_and_attributes", masks_and_attributes},
    {NULL, NULL},
};
