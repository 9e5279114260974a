#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container_test.h"

/* Starts PROGRAM -- command..., with its output in a pipe. */
static pid_t start(const char *const *command, int *out) {
  const char *argv[16] = {supervisor_program, "--"};
  int ends[2];
  for (int i = 0; command[i] != NULL; i++)
    argv[i + 2] = command[i];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    signal(SIGHUP, SIG_DFL); /* ignored under nohup(1), and a shell could not trap it then */
    execv(supervisor_program, (char **)(uintptr_t)argv);
    _exit(9);
  }
  close(ends[1]);
  *out = ends[0];
  return pid;
}

static int end_of(pid_t pid) {
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int run(const char *const *command, const char **said) {
  size_t length;
  int out;
  pid_t pid = start(command, &out);
  char *bytes = read_all(out, &length, 5000);
  bytes[length] = 0;
  *said = bytes;
  close(out);
  return end_of(pid);
}

static void reaper_ends_as_its_program(void) {
  const char *said;
  CHECK(run((const char *[]){guest_program, "exit", "5", NULL}, &said) == 5);
  CHECK(run((const char *[]){guest_program, "kill", "15", NULL}, &said) == 128 + 15);
  CHECK(run((const char *[]){"sh", "-c", "echo $0 $1", "a", "b c", NULL}, &said) == 0);
  CHECK(strcmp(said, "a b c\n") == 0);
  CHECK(run((const char *[]){"/no/such/program", NULL}, &said) == 127);
  CHECK(strcmp(said, "init: cannot run `/no/such/program`: No such file or directory\n") == 0);
  CHECK(run((const char *[]){"/etc/passwd", NULL}, &said) == 126);
}

static void reaper_passes_signals_on(void) {
  const char *script = "trap 'echo hup' HUP; trap 'echo term; exit 7' TERM; echo ready; while :; "
                       "do sleep 0.05; done";
  char word[16];
  int out;
  pid_t pid = start((const char *[]){"sh", "-c", script, NULL}, &out);
  CHECK(read(out, word, sizeof word) == 6);
  kill(pid, SIGHUP);
  CHECK(read(out, word, sizeof word) == 4 && memcmp(word, "hup\n", 4) == 0);
  kill(pid, SIGTERM);
  CHECK(read(out, word, sizeof word) == 5 && memcmp(word, "term\n", 5) == 0);
  CHECK(end_of(pid) == 7);
  close(out);
}

/* An orphan becomes its child, and no zombie. */
static void reaper_reaps(void) {
  const char *said;
  const char *script =
      "(sleep 0.2 & echo $! > /tmp/orphan); sleep 0.1; p=$(cat /tmp/orphan);"
      " grep PPid: /proc/$p/status | tr -dc 0-9 > /tmp/parent; [ $(cat /tmp/parent) = $PPID ] &&"
      " echo ours; sleep 0.4; [ -e /proc/$p ] || echo gone";
  CHECK(run((const char *[]){"sh", "-c", script, NULL}, &said) == 0);
  CHECK(strcmp(said, "ours\ngone\n") == 0);
}

const struct test reaper_tests[] = {
    {"reaper_ends_as_its_program", reaper_ends_as_its_program},
    {"reaper_passes_signals_on", reaper_passes_signals_on},
    {"reaper_reaps", reaper_reaps},
    {NULL, NULL},
};
