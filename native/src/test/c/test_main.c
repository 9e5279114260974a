/* Runs every test in a process and a mount namespace of its own; without root it prints what it
 * leaves out. */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "container_test.h"

#define TEST_SECONDS 60u

const char *guest_program;

/* A test is a process of its own and short: what it has allocated goes with it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

void container_open(struct session *session, char root[128]) {
  container_open_with(session, root, NULL);
}

void container_open_with(struct session *session, char root[128], const char *const *arguments) {
  char command[512];
  session_open(session, arguments);
  snprintf(root, 128, "%s/root", session->folder);
  snprintf(command, sizeof command, "mkdir '%s' && cp '%s' '%s/guest'", root, guest_program, root);
  CHECK(system(command) == 0);
}

void plan_container(struct plan_writer *plan, uint32_t namespaces) {
  plan_begin(plan, PLAN_INIT, namespaces);
  plan_step(plan, STEP_ID, 0, NULL, 0, "", NULL);
}

void plan_container_rest(struct plan_writer *plan, const char *root, const char *const *arguments) {
  const char *argv[16] = {"/guest"};
  uint32_t owner[2] = {0, 0};
  for (int i = 0; arguments[i] != NULL; i++)
    argv[i + 1] = arguments[i];
  plan_root(plan, root);
  plan_step(plan, STEP_STDIO, 0, owner, sizeof owner, NULL);
  plan_user(plan, 0, 0);
  plan_step(plan, STEP_LOOK_UP, 0, NULL, 0, argv[0], "/bin", NULL);
  plan_step(plan, STEP_READY, 0, NULL, 0, NULL);
  plan_exec(plan, argv, NULL);
}

void container_run(struct session *session, const char *root, const char *const *arguments) {
  static struct plan_writer plan;
  static struct message answer;
  plan_container(&plan, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC);
  plan_container_rest(&plan, root, arguments);
  CHECK(plan_run(session, &plan, OP_CREATE, &answer) == 0);
  CHECK(call(session, OP_START, NULL, 0, NULL, 0, &answer) == 0);
}

int init_pidfd(struct session *session) {
  struct state_reply state;
  struct process_entry entry = state_of(session, "", &state);
  int fd = (int)syscall(434 /* pidfd_open */, entry.pid, 0);
  CHECK(fd >= 0);
  return fd;
}

void plan_exec_begin(struct plan_writer *plan, const char *id, int pidfd) {
  plan_begin(plan, PLAN_EXEC, 0);
  uint32_t join[2] = {plan_fd(plan, pidfd),
                      CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC};
  plan_step(plan, STEP_ID, 0, NULL, 0, id, NULL);
  plan_step(plan, STEP_JOIN_PIDFD, 0, join, sizeof join, NULL);
}

void plan_exec_rest(struct plan_writer *plan, const char *const *arguments) {
  const char *argv[16] = {"/guest"};
  uint32_t owner[2] = {0, 0};
  for (int i = 0; arguments[i] != NULL; i++)
    argv[i + 1] = arguments[i];
  plan_step(plan, STEP_STDIO, 0, owner, sizeof owner, NULL);
  plan_exec(plan, argv, NULL);
}

/* Nothing of a test may be left: no process, no folder. */
static bool left_behind(void) { return system("ls -d /tmp/berth-c-* >/dev/null 2>&1") == 0; }

/* A failed test may leave its supervisor, which is ours then (this program is a subreaper); its
 * containers go with it. */
static void kill_orphans(void) {
  char path[64];
  int pid;
  for (int round = 0; round < 20; round++) {
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "r");
    int found = 0;
    while (children != NULL && fscanf(children, "%d", &pid) == 1) {
      found++;
      kill(pid, SIGKILL);
      waitpid(pid, NULL, 0);
    }
    if (children != NULL)
      fclose(children);
    if (found == 0)
      return;
  }
}

static bool run_one(const struct test *test) {
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    alarm(TEST_SECONDS);
    if (syscall(SYS_unshare, CLONE_NEWNS) < 0)
      _exit(1);
    if (syscall(SYS_mount, NULL, "/", NULL, 1UL << 18 | 1UL << 14, NULL) < 0)
      _exit(1);
    /* Folders of the test live in a mount that goes with its namespace. */
    if (syscall(SYS_mount, "tmpfs", "/tmp", "tmpfs", 0UL, NULL) < 0)
      _exit(1);
    test->run();
    CHECK(!left_behind());
    exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  kill_orphans();
  if (!good)
    printf("FAILED %s (status %x)\n", test->name, (unsigned)status);
  return good;
}

int main(int argc, char **argv) {
  static const struct test *const groups[] = {lifecycle_tests, stdio_tests, attach_tests,
                                              exec_tests,      wire_tests,  keeper_tests,
                                              fuzz_tests,      reaper_tests};
  if (argc < 3) {
    fprintf(stderr, "usage: %s SUPERVISOR GUEST [name...]\n", argv[0]);
    return 2;
  }
  supervisor_program = argv[1];
  guest_program = argv[2];
  setvbuf(stdout, NULL, _IOLBF, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  int run = 0, failed = 0;
  for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
    for (const struct test *test = groups[g]; test->name != NULL; test++) {
      bool chosen = argc == 3;
      for (int i = 3; i < argc; i++)
        chosen = chosen || strstr(test->name, argv[i]) != NULL;
      if (!chosen)
        continue;
      if (geteuid() != 0) {
        printf("SKIPPED (needs root) %s\n", test->name);
        continue;
      }
      run++;
      failed += !run_one(test);
    }
  }
  printf("%d tests, %d failed\n", run, failed);
  return failed > 0;
}
