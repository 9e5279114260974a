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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "container_test.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)

static struct plan_writer plan;
static struct message answer;

static const char *object_of(const struct message *m) {
  const char *what = (const char *)m->payload + sizeof(struct msg_error);
  return what + strlen(what) + 1;
}

static struct msg_error error_of(const struct message *m) {
  struct msg_error error;
  memcpy(&error, m->payload, sizeof error);
  return error;
}

static void record_is(const struct session *s, const char *name, const char *wanted) {
  char path[200], text[512] = "";
  snprintf(path, sizeof path, "%s/exit/%s", s->folder, name);
  int fd = open(path, O_RDONLY);
  CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
  close(fd);
  if (strstr(text, wanted) == NULL)
    fprintf(stderr, "record:\n%s", text);
  CHECK(strstr(text, wanted) != NULL);
}

static void create_start_exit(void) {
  struct session s;
  struct state_reply state;
  char root[128];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_container_rest(&plan, root, (const char *[]){"exit", "7", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  struct launch_reply launched;
  memcpy(&launched, answer.payload, sizeof launched);
  CHECK(answer.fd_count == 1 && launched.stop == STEP_NONE);
  CHECK(state_of(&s, "", &state).pid == launched.pid && state.phase == PHASE_CREATED);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  struct exit_notice notice = wait_exit(&s, "");
  CHECK(notice.how == EXIT_EXITED && notice.code == 7 && notice.pid == launched.pid);
  CHECK(wait_notice(&s, OP_DRAINED, "", 3000) != NULL);
  record_is(&s, "init", "version=1\nid=\npid=");
  record_is(&s, "init", "\nhow=exited\ncode=7\ncore=0\noom_kills=0\nexited_at=");
  CHECK(call_signal(&s, "", SIGTERM) == ESRCH);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == ESRCH);
  CHECK(call_id(&s, OP_ACK, "") == 0);
  char path[200];
  snprintf(path, sizeof path, "%s/exit/init", s.folder);
  CHECK(access(path, F_OK) < 0);
  CHECK(call_id(&s, OP_ACK, "") == ENOENT);
  state_of(&s, "", &state);
  CHECK(state.phase == PHASE_EXITED && state.count == 0);
  session_close(&s);
}

static void killed_while_created(void) {
  struct session s;
  char root[128];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_container_rest(&plan, root, (const char *[]){"exit", "0", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  CHECK(call_id(&s, OP_ACK, "") == EBUSY);
  CHECK(call_signal(&s, "", SIGKILL) == 0);
  struct exit_notice notice = wait_exit(&s, "");
  CHECK(notice.how == EXIT_SIGNALLED && notice.code == SIGKILL);
  record_is(&s, "init", "how=signalled\ncode=9\n");
  session_close(&s);
}

static void create_fails(const char *program, const char *search, int error) {
  struct session s;
  struct state_reply state;
  char root[128];
  const char *argv[] = {program, NULL};
  container_open(&s, root);
  char path[200];
  snprintf(path, sizeof path, "%s/plain", root);
  close(open(path, O_CREAT | O_WRONLY, 0644));
  plan_container(&plan, NAMESPACES);
  plan_root(&plan, root);
  plan_user(&plan, 0, 0);
  plan_step(&plan, STEP_LOOK_UP, 0, NULL, 0, program, search, NULL);
  plan_step(&plan, STEP_READY, 0, NULL, 0, NULL);
  plan_exec(&plan, argv, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == error);
  CHECK(error_of(&answer).code == STEP_LOOK_UP && error_of(&answer).step == 8);
  CHECK(strcmp(object_of(&answer), program) == 0);
  state_of(&s, "", &state);
  CHECK(state.phase == PHASE_EMPTY && state.count == 0);
  /* A refused creation leaves the supervisor as it was. */
  container_run(&s, root, (const char *[]){"exit", "3", NULL});
  CHECK(wait_exit(&s, "").code == 3);
  session_close(&s);
}

static void program_is_absent(void) { create_fails("nothing", "/bin:/sbin", ENOENT); }
static void program_is_forbidden(void) { create_fails("plain", "/bin:/", EACCES); }
static void program_is_a_folder(void) { create_fails("/proc", "/bin", EISDIR); }

static void start_reports_execve(void) {
  struct session s;
  char root[128], path[200];
  container_open(&s, root);
  snprintf(path, sizeof path, "%s/broken", root);
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
  CHECK(write(fd, "no program", 10) == 10);
  close(fd);
  plan_container(&plan, NAMESPACES);
  plan_root(&plan, root);
  plan_step(&plan, STEP_READY, 0, NULL, 0, NULL);
  plan_exec(&plan, (const char *[]){"/broken", NULL}, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == ENOEXEC);
  CHECK(error_of(&answer).code == STEP_EXEC);
  struct exit_notice notice = wait_exit(&s, "");
  CHECK(notice.how == EXIT_EXITED && notice.code == 127);
  session_close(&s);
}

static void stops_and_continues(void) {
  struct session s;
  struct launch_reply launched;
  char root[128];
  uint32_t numbers[2] = {5, 9};
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_step(&plan, STEP_STOP, 0, &numbers[0], 4, NULL);
  plan_step(&plan, STEP_STOP, 0, &numbers[1], 4, NULL);
  plan_container_rest(&plan, root, (const char *[]){"exit", "0", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  memcpy(&launched, answer.payload, sizeof launched);
  CHECK(launched.stop == 5);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == EBUSY);
  CHECK(call(&s, OP_CONTINUE, NULL, 0, NULL, 0, &answer) == 0);
  memcpy(&launched, answer.payload, sizeof launched);
  CHECK(launched.stop == 9);
  CHECK(call(&s, OP_CONTINUE, NULL, 0, NULL, 0, &answer) == 0);
  memcpy(&launched, answer.payload, sizeof launched);
  CHECK(launched.stop == STEP_NONE);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  CHECK(wait_exit(&s, "").code == 0);
  session_close(&s);
}

/* Waits, a few seconds at most, for the end of a supervisor that has lost its controller. */
static bool ends(int pidfd) {
  struct pollfd end = {.fd = pidfd, .events = POLLIN};
  return poll(&end, 1, 5000) == 1;
}

/* Case K7: nobody can come any more once the folder is gone, so that what waits for a start ends;
 * what runs goes on. */
static void ends_when_nobody_can_start_it(bool started, bool removed, bool wanted) {
  struct session s;
  char root[128], path[200];
  int other[2];
  CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, other) == 0);
  container_open_with(&s, root, (const char *[]){"lonely=50", NULL});
  struct hello_reply greeted;
  CHECK(hello(&s, EPOCH_ANY, &greeted) == 0);
  int supervisor_fd = (int)syscall(SYS_pidfd_open, greeted.pid, 0);
  CHECK(supervisor_fd >= 0);
  plan_container(&plan, NAMESPACES);
  plan_container_rest(&plan, root, (const char *[]){"sleep", "60000", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  int init = answer.fds[0];
  if (started)
    CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  snprintf(path, sizeof path, "%s/sup.sock", s.folder);
  if (removed)
    CHECK(unlink(path) == 0);
  dup3(other[0], s.socket, O_CLOEXEC); /* the connection ends */
  if (wanted) {
    CHECK(ends(supervisor_fd) && ends(init));
  } else {
    struct pollfd end = {.fd = supervisor_fd, .events = POLLIN};
    CHECK(poll(&end, 1, 400) == 0);
    syscall(SYS_pidfd_send_signal, supervisor_fd, SIGKILL, NULL, 0);
    CHECK(ends(supervisor_fd) && ends(init));
  }
  close(init);
  close(supervisor_fd);
  close(other[0]);
  close(other[1]);
  session_forget(&s);
}

static void a_birth_that_nobody_can_release_ends(void) {
  ends_when_nobody_can_start_it(false, true, true);
}

static void what_can_still_be_adopted_lives(void) {
  ends_when_nobody_can_start_it(false, false, false);
  ends_when_nobody_can_start_it(true, true, false);
}

static uint64_t micros(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int compare(const void *a, const void *b) {
  return (*(const uint64_t *)a > *(const uint64_t *)b) -
         (*(const uint64_t *)a < *(const uint64_t *)b);
}

/* Prints what a whole life costs; bounded loosely, for a busy machine. */
static void is_fast(void) {
  uint64_t times[20], births[20];
  for (int i = 0; i < 20; i++) {
    struct session s;
    char root[128];
    uint64_t before = micros();
    container_open(&s, root);
    births[i] = micros() - before;
    uint64_t start = micros();
    container_run(&s, root, (const char *[]){"exit", "0", NULL});
    wait_exit(&s, "");
    times[i] = micros() - start;
    session_close(&s);
  }
  qsort(times, 20, sizeof times[0], compare);
  qsort(births, 20, sizeof births[0], compare);
  printf("  plan in, program run, exit record out: median %lu us, worst %lu us\n",
         (unsigned long)times[10], (unsigned long)times[19]);
  CHECK(times[10] < 45000);
}

const struct test lifecycle_tests[] = {
    {"create_start_exit", create_start_exit},
    {"killed_while_created", killed_while_created},
    {"program_is_absent", program_is_absent},
    {"program_is_forbidden", program_is_forbidden},
    {"program_is_a_folder", program_is_a_folder},
    {"start_reports_execve", start_reports_execve},
    {"stops_and_continues", stops_and_continues},
    {"a_birth_that_nobody_can_release_ends", a_birth_that_nobody_can_release_ends},
    {"what_can_still_be_adopted_lives", what_can_still_be_adopted_lives},
    {"is_fast", is_fast},
    {NULL, NULL},
};
