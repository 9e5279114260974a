/*
 * The command line that people call: has the resident command line of the instance carry a line
 * out, which takes a millisecond, or carries it out by a process of its own, berth-oneshot.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exchange.h"
#include "instance.h"
#include "start.h"

extern char **environ;

/* The path of a program that stands beside this one. */
static int beside(char *path, size_t room, const char *name) {
  ssize_t length = readlink("/proc/self/exe", path, room);
  if (length <= 0 || (size_t)length >= room)
    return -1;
  path[length] = 0;
  char *slash = strrchr(path, '/');
  if (slash == NULL || (size_t)(slash - path) + 2 + strlen(name) > room)
    return -1;
  strcpy(slash + 1, name);
  return 0;
}

/* A stream that the caller has closed would be the number of whatever is opened first; what stands
 * in for it here answers EBADF, as it should. */
static int fill_streams(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
      return -1;
  return 0;
}

static void ask_resident(char **arguments) {
  static struct instance instance;
  char socket[sizeof instance.state + 16];
  char program[PATH_MAX];
  if (!instance_of(arguments, &instance))
    return;
  snprintf(socket, sizeof socket, "%s/cli.sock", instance.state);
  int code = 0;
  switch (exchange_line(socket, arguments + 1, environ, &code)) {
  case EXCHANGE_ENDED:
    _exit(code);
  case EXCHANGE_NOBODY:
  case EXCHANGE_OLD:
    if (beside(program, sizeof program, "berth-resident") == 0)
      start_resident(program, &instance);
    return;
  case EXCHANGE_NOT:
    return;
  }
}

int main(int argc, char **argv) {
  const char *set = getenv("BERTH_RESIDENT");
  const char *wanted = set == NULL || *set == 0 ? "yes" : set;
  bool only = strcmp(wanted, "only") == 0;
  if (argc > 0 && (only || strcmp(wanted, "yes") == 0) && fill_streams() == 0)
    ask_resident(argv);
  if (only) {
    dprintf(2, "berth: no resident command line took this line; without BERTH_RESIDENT=only it is "
               "carried out without one\n");
    return 125;
  }
  char program[PATH_MAX];
  if (beside(program, sizeof program, "berth-oneshot") < 0) {
    dprintf(2, "berth: find berth-oneshot beside this program: /proc is not mounted, or the path "
               "is too long\n");
    return 125;
  }
  execv(program, argv);
  dprintf(2, "berth: run `%s`: %s; the installation is not whole\n", program, strerror(errno));
  return 125;
}
