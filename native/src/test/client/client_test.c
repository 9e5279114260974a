/*
 * Plays the resident command line for the thin client, which is given as the argument: it stands in
 * a folder of its own beside two scripts that take the place of the other programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "line.h"

#define PATIENCE_MS 20000
#define ONESHOT 9 /* what the script in the place of berth-oneshot ends with */

static char folder[64] = "/tmp/berth-client-XXXXXX";
static char started[128];
static const char *test = "";

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "client_test: %s: line %d: %s (errno %d)\n", test, __LINE__, #condition,     \
              errno);                                                                              \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static void in_folder(char *path, size_t room, const char *name) {
  CHECK(snprintf(path, room, "%s/%s", folder, name) < (int)room);
}

static void write_file(const char *name, const char *text, mode_t mode) {
  char path[128];
  in_folder(path, sizeof path, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  CHECK(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static ssize_t read_file(const char *path, char *text, size_t room) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t count = read(fd, text, room - 1);
  CHECK(count >= 0);
  text[count] = 0;
  close(fd);
  return count;
}

static void copy_program(const char *from) {
  char to[128];
  char buffer[65536];
  in_folder(to, sizeof to, "berth");
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  CHECK(in >= 0 && out >= 0);
  for (ssize_t count; (count = read(in, buffer, sizeof buffer)) > 0;)
    CHECK(write(out, buffer, (size_t)count) == count);
  CHECK(close(in) == 0 && close(out) == 0);
}

static int listen_at(const char *name, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  in_folder(address.sun_path, sizeof address.sun_path, name);
  unlink(address.sun_path);
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
  CHECK(listen(fd, 8) == 0);
  return fd;
}

/* A client that runs, with what it writes. */
struct client {
  pid_t pid;
  int output; /* of stdout and stderr */
};

/* With a standard output of its own, if there is one to be. */
static struct client run_to(char **arguments, int input, int output) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  struct client client = {fork(), ends[0]};
  CHECK(client.pid >= 0);
  if (client.pid == 0) {
    /* Whose parent is of another group: it can be stopped. After execve(2) the parent could not. */
    setpgid(0, 0);
    if (input >= 0)
      dup2(input, 0);
    dup2(output >= 0 ? output : ends[1], 1);
    dup2(ends[1], 2);
    char path[128];
    in_folder(path, sizeof path, "berth");
    execv(path, arguments);
    _exit(99);
  }
  close(ends[1]);
  return client;
}

static struct client run(char **arguments, int input) { return run_to(arguments, input, -1); }

static struct client call(char *word) {
  char *arguments[] = {"berth", word, NULL};
  return run(arguments, -1);
}

static int status_of(struct client client) {
  int status;
  CHECK(waitpid(client.pid, &status, 0) == client.pid);
  close(client.output);
  return status;
}

static void ends_with(struct client client, int code) {
  int status = status_of(client);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == code);
}

/* Everything that the client writes until its end. */
static void says(struct client client, const char *text) {
  char said[4096] = "";
  size_t length = 0;
  ssize_t count;
  while ((count = read(client.output, said + length, sizeof said - 1 - length)) > 0)
    length += (size_t)count;
  said[length] = 0;
  if (strstr(said, text) == NULL)
    fprintf(stderr, "said: %s\n", said);
  CHECK(strstr(said, text) != NULL);
}

static void await(int fd) {
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  CHECK(poll(&ready, 1, PATIENCE_MS) == 1);
}

static int accept_client(int listener) {
  await(listener);
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  CHECK(fd >= 0);
  return fd;
}

/* Receives the greeting, its descriptors as well. */
static struct line_hello hello_from(int fd, int *descriptors) {
  struct line_hello hello;
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(LINE_DESCRIPTORS * sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec part = {&hello, sizeof hello};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  await(fd);
  CHECK(recvmsg(fd, &message, MSG_CMSG_CLOEXEC) == (ssize_t)sizeof hello);
  CHECK(control.header.cmsg_len == CMSG_LEN(LINE_DESCRIPTORS * sizeof(int)));
  memcpy(descriptors, CMSG_DATA(&control.header), LINE_DESCRIPTORS * sizeof(int));
  CHECK(hello.op == LINE_HELLO && hello.version == LINE_VERSION);
  return hello;
}

static void tell(int fd, uint32_t op, uint32_t value) {
  struct line_message message = {op, value};
  CHECK(send(fd, &message, sizeof message, MSG_NOSIGNAL) == (ssize_t)sizeof message);
}

static void hears(int fd, uint32_t op, uint32_t value) {
  struct line_message message;
  await(fd);
  CHECK(recv(fd, &message, sizeof message, 0) == (ssize_t)sizeof message);
  CHECK(message.op == op);
  CHECK(message.value == value);
}

static void close_all(const int *descriptors) {
  for (int i = 0; i < LINE_DESCRIPTORS; i++)
    close(descriptors[i]);
}

/* Takes the line of the next client, and answers the connection. */
static int take(int listener) {
  int descriptors[LINE_DESCRIPTORS];
  int fd = accept_client(listener);
  hello_from(fd, descriptors);
  close_all(descriptors);
  tell(fd, LINE_OFFER, 0);
  hears(fd, LINE_GO, 0);
  return fd;
}

static int lines_in(const char *text) {
  int lines = 0;
  for (; *text != 0; text++)
    lines += *text == '\n';
  return lines;
}

static void without_services_no_resident_is_started(void) {
  char path[128];
  in_folder(path, sizeof path, "cli.lock");
  struct client client = call("version");
  says(client, "oneshot version");
  ends_with(client, ONESHOT);
  CHECK(access(path, F_OK) < 0);
}

/* This test is the service: what the resident shall be like. */
static void without_a_resident_one_is_started_and_the_line_goes_on_alone(void) {
  char text[512] = "";
  char expected[32];
  cpu_set_t all, one;
  CPU_ZERO(&one);
  CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
  for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
    if (CPU_ISSET(i, &all))
      CPU_SET(i, &one);
  for (int i = 0; i < 2; i++) {
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    struct client client = call("version");
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
    says(client, "oneshot version");
    ends_with(client, ONESHOT);
    /* The resident has read what this process may do; the second line starts no other. */
    for (int j = 0; j < PATIENCE_MS / 10 && read_file(started, text, sizeof text) <= 0; j++)
      usleep(10000);
  }
  CHECK(strstr(text, "--lock=3 --config ") != NULL);
  snprintf(expected, sizeof expected, " on %d\n", CPU_COUNT(&all));
  CHECK(strstr(text, expected) != NULL);
  char pid[32];
  char path[128];
  in_folder(path, sizeof path, "cli.pid");
  CHECK(read_file(path, pid, sizeof pid) > 0 && atoi(pid) == atoi(text));
  struct client client = call("version");
  ends_with(client, ONESHOT);
  CHECK(read_file(started, text, sizeof text) > 0);
  CHECK(lines_in(text) == 1); /* whoever has the lock is the only one */
  CHECK(kill(atoi(text), SIGKILL) == 0);
}

static void a_line_that_stays_does_not_hold_the_resident(void) {
  char text[512] = "";
  char path[128];
  in_folder(path, sizeof path, "cli.lock");
  int lock = open(path, O_RDWR | O_CLOEXEC);
  CHECK(lock >= 0 && flock(lock, LOCK_EX) == 0 && close(lock) == 0); /* the one before has ended */
  CHECK(unlink(started) == 0);
  struct client client = call("stay");
  for (int i = 0; i < PATIENCE_MS / 10 && read_file(started, text, sizeof text) <= 0; i++)
    usleep(10000);
  CHECK(strstr(text, "--lock=3 --config ") != NULL);
  CHECK(kill(client.pid, SIGKILL) == 0 && WIFSIGNALED(status_of(client)));
  CHECK(kill(atoi(text), SIGKILL) == 0);
}

static void a_line_is_brought_with_everything_that_belongs_to_it(int listener) {
  char *arguments[] = {"berth", "--timing", "run", "a b", "", NULL};
  struct client client = run(arguments, -1);
  int descriptors[LINE_DESCRIPTORS];
  int fd = accept_client(listener);
  struct line_hello hello = hello_from(fd, descriptors);
  char text[65536];
  ssize_t size = read(descriptors[0], text, sizeof text);
  CHECK(size == (ssize_t)hello.text_size);
  uint32_t count;
  memcpy(&count, text, sizeof count);
  CHECK(count == 4);
  char here[256];
  CHECK(getcwd(here, sizeof here) != NULL);
  const char *at = text + 2 * sizeof count;
  CHECK(strcmp(at, here) == 0);
  at += strlen(at) + 1;
  for (int i = 1; i < 5; i++) {
    CHECK(strcmp(at, arguments[i]) == 0);
    at += strlen(at) + 1;
  }
  struct stat own, given;
  CHECK(stat(".", &own) == 0 && fstat(descriptors[1], &given) == 0);
  CHECK(own.st_ino == given.st_ino && own.st_dev == given.st_dev);
  tell(fd, LINE_OFFER, 0);
  hears(fd, LINE_GO, 0);
  CHECK(write(descriptors[3], "from the resident\n", 18) == 18);
  tell(fd, LINE_ENDED, 42);
  close_all(descriptors);
  says(client, "from the resident");
  ends_with(client, 42);
  close(fd);
}

static void a_line_that_is_refused_or_not_taken_goes_on_alone(int listener) {
  int descriptors[LINE_DESCRIPTORS];
  for (int silent = 0; silent < 2; silent++) {
    struct client client = call("version");
    int fd = accept_client(listener);
    hello_from(fd, descriptors);
    if (!silent)
      tell(fd, LINE_REFUSED, LINE_REFUSED_PEER);
    close_all(descriptors);
    says(client, "oneshot version");
    ends_with(client, ONESHOT);
    /* What was taken too late is not carried out by two. */
    struct line_message offer = {LINE_OFFER, 0};
    if (silent)
      CHECK(send(fd, &offer, sizeof offer, MSG_NOSIGNAL) < 0);
    close(fd);
  }
}

static void a_resident_that_takes_no_more_lines_is_not_replaced(int listener) {
  int descriptors[LINE_DESCRIPTORS];
  char path[128];
  struct client client = call("version");
  int fd = accept_client(listener);
  hello_from(fd, descriptors);
  close_all(descriptors);
  tell(fd, LINE_REFUSED, LINE_REFUSED_NOW);
  says(client, "oneshot version");
  ends_with(client, ONESHOT);
  close(fd);
  /* Whoever was started would have the lock since before the client's end. */
  in_folder(path, sizeof path, "cli.lock");
  int lock = open(path, O_RDWR | O_CLOEXEC);
  CHECK(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0);
  close(lock);
}

static void a_line_that_waits_says_so(int listener) {
  int descriptors[LINE_DESCRIPTORS];
  char word[256];
  struct client client = call("version");
  int fd = accept_client(listener);
  hello_from(fd, descriptors);
  close_all(descriptors);
  tell(fd, LINE_WAITS, 64);
  await(client.output);
  ssize_t count = read(client.output, word, sizeof word - 1);
  CHECK(count > 0);
  word[count] = 0;
  CHECK(strstr(word, "64 commands") != NULL);
  tell(fd, LINE_OFFER, 0);
  hears(fd, LINE_GO, 0);
  tell(fd, LINE_ENDED, 3);
  ends_with(client, 3);
  close(fd);
}

static void a_signal_ends_a_line_that_waits(int listener) {
  static const int all[] = {SIGINT, SIGTSTP};
  int descriptors[LINE_DESCRIPTORS];
  struct line_message message;
  int status;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct client client = call("version");
    int fd = accept_client(listener);
    hello_from(fd, descriptors);
    close_all(descriptors);
    tell(fd, LINE_WAITS, 64);
    CHECK(kill(client.pid, all[i]) == 0);
    CHECK(waitpid(client.pid, &status, WUNTRACED) == client.pid);
    CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == all[i] : WIFSTOPPED(status));
    await(fd);
    /* No acceptance of an offer to come; a reset if the word to wait was never read. */
    ssize_t count = recv(fd, &message, sizeof message, 0);
    CHECK(count == 0 || (count < 0 && errno == ECONNRESET));
    close(fd);
    if (all[i] == SIGTSTP) {
      CHECK(kill(client.pid, SIGCONT) == 0);
      says(client, "oneshot version");
      ends_with(client, ONESHOT);
    } else {
      close(client.output);
    }
  }
}

/* cases L1, L2 */
static void signals_that_are_kept_reach_the_resident_alone(int listener) {
  static const int all[] = {SIGQUIT, SIGUSR1, SIGUSR2, SIGHUP,  SIGPIPE, SIGIO,
                            SIGTSTP, SIGTERM, SIGINT,  SIGALRM, 34,      64};
  struct client client = call("run");
  int fd = take(listener);
  tell(fd, LINE_KEEPS, 1);
  tell(fd, LINE_MODE, LINE_MODE_BEFORE);
  hears(fd, LINE_TERMINAL, 0);
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    CHECK(kill(client.pid, all[i]) == 0);
    hears(fd, LINE_SIGNAL, (uint32_t)all[i]);
  }
  tell(fd, LINE_ENDED, 0);
  ends_with(client, 0);
  close(fd);
}

static void signals_that_are_not_have_their_effect_whatever_the_resident_does(int listener) {
  for (int hangs = 0; hangs < 2; hangs++) {
    struct client client = call("pull");
    int fd = take(listener);
    CHECK(kill(client.pid, SIGTERM) == 0);
    hears(fd, LINE_SIGNAL, SIGTERM);
    if (!hangs)
      tell(fd, LINE_EFFECT, SIGTERM);
    int status = status_of(client);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    close(fd);
  }
}

static void a_reader_that_has_gone_ends_the_client(int listener) {
  struct client client = call("save");
  int fd = take(listener);
  tell(fd, LINE_EFFECT, SIGPIPE);
  int status = status_of(client);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
  close(fd);
}

static void the_client_stops_and_goes_on(int listener) {
  struct client client = call("pull");
  int fd = take(listener);
  CHECK(kill(client.pid, SIGTSTP) == 0);
  hears(fd, LINE_SIGNAL, SIGTSTP);
  tell(fd, LINE_EFFECT, SIGTSTP);
  int status;
  CHECK(waitpid(client.pid, &status, WUNTRACED) == client.pid && WIFSTOPPED(status));
  CHECK(kill(client.pid, SIGCONT) == 0);
  struct line_message message;
  do { /* the signal and its effect come in either order */
    await(fd);
    CHECK(recv(fd, &message, sizeof message, 0) == (ssize_t)sizeof message);
  } while (message.op != LINE_CONTINUED);
  tell(fd, LINE_ENDED, 0);
  ends_with(client, 0);
  close(fd);
}

static void the_terminal_is_as_it_was_when_the_resident_dies(int listener) {
  int master, slave;
  CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
  char *arguments[] = {"berth", "run", NULL};
  struct termios before, raw, after;
  CHECK(tcgetattr(slave, &before) == 0);
  struct client client = run(arguments, slave);
  int fd = take(listener);
  tell(fd, LINE_MODE, LINE_MODE_RAW);
  hears(fd, LINE_TERMINAL, 0);
  CHECK(tcgetattr(slave, &raw) == 0);
  CHECK((raw.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG)) == 0);
  close(fd);
  says(client, "the resident command line has gone");
  ends_with(client, 125);
  CHECK(tcgetattr(slave, &after) == 0);
  CHECK(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag);
  close(master);
  close(slave);
}

static char *const carrying[] = {"berth", "run", NULL};

/* Has streams carried, by a pipe whose other end is answered. */
static int carried(int fd, uint32_t streams) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  int theirs = streams == LINE_STREAM_IN ? 1 : 0;
  struct line_message text = {LINE_CARRY, streams};
  struct iovec part = {&text, sizeof text};
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.header), &ends[theirs], sizeof(int));
  CHECK(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof text);
  close(ends[theirs]);
  return ends[1 - theirs];
}

static void check_pattern(int fd, size_t size) {
  static unsigned char bytes[65536];
  size_t length = 0;
  ssize_t count;
  while ((count = read(fd, bytes, sizeof bytes)) > 0)
    for (ssize_t i = 0; i < count; i++, length++)
      CHECK(bytes[i] == (unsigned char)(length / 7));
  CHECK(count == 0 && length == size);
}

static void write_pattern(int fd, size_t size) {
  static unsigned char bytes[65536];
  for (size_t length = 0; length < size;) {
    size_t some = size - length < sizeof bytes ? size - length : sizeof bytes;
    for (size_t i = 0; i < some; i++)
      bytes[i] = (unsigned char)((length + i) / 7);
    ssize_t count = write(fd, bytes, some);
    CHECK(count > 0);
    length += (size_t)count;
  }
}

#define MUCH 3000001u

static int temporary_file(void) {
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  CHECK(fd >= 0);
  return fd;
}

static void files_are_carried_both_ways(int listener) {
  int input = temporary_file();
  write_pattern(input, MUCH);
  for (int appends = 0; appends < 2; appends++) {
    int output = temporary_file();
    CHECK(fcntl(output, F_SETFL, appends ? O_APPEND : 0) == 0);
    CHECK(lseek(input, 0, SEEK_SET) == 0);
    struct client client = run_to((char **)carrying, input, output);
    int fd = take(listener);
    int in = carried(fd, LINE_STREAM_IN);
    check_pattern(in, MUCH);
    hears(fd, LINE_CARRIED, LINE_STREAM_IN);
    int out = carried(fd, LINE_STREAM_OUT);
    write_pattern(out, MUCH);
    close(out);
    hears(fd, LINE_CARRIED, LINE_STREAM_OUT);
    tell(fd, LINE_ENDED, 7);
    ends_with(client, 7);
    CHECK(lseek(output, 0, SEEK_SET) == 0);
    check_pattern(output, MUCH);
    close(in);
    close(output);
    close(fd);
  }
  close(input);
}

static void outputs_of_one_file_keep_their_order(int listener) {
  struct client client = call("run");
  int fd = take(listener);
  int both = carried(fd, LINE_STREAM_OUT | LINE_STREAM_ERR);
  CHECK(write(both, "one two", 7) == 7);
  close(both);
  hears(fd, LINE_CARRIED, LINE_STREAM_OUT | LINE_STREAM_ERR);
  tell(fd, LINE_ENDED, 0);
  says(client, "one two");
  ends_with(client, 0);
  close(fd);
}

static void what_nobody_takes_is_told(int listener) {
  int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  int ends[2];
  CHECK(full >= 0 && pipe2(ends, O_CLOEXEC) == 0);
  close(ends[0]);
  for (int gone = 0; gone < 2; gone++) {
    struct client client = run_to((char **)carrying, -1, gone ? ends[1] : full);
    int fd = take(listener);
    tell(fd, LINE_KEEPS, 1);
    int out = carried(fd, LINE_STREAM_OUT);
    CHECK(write(out, "words", 5) == 5);
    hears(fd, LINE_CARRIED, LINE_STREAM_OUT | (uint32_t)(gone ? EPIPE : ENOSPC) << LINE_ERROR_SHIFT);
    /* Its own SIGPIPE is no message of anybody's. */
    CHECK(kill(client.pid, SIGUSR1) == 0);
    hears(fd, LINE_SIGNAL, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    CHECK(write(out, "words", 5) < 0 && errno == EPIPE);
    signal(SIGPIPE, SIG_DFL);
    tell(fd, LINE_ENDED, 0);
    ends_with(client, 0);
    close(out);
    close(fd);
  }
  close(full);
  close(ends[1]);
}

static void a_program_that_reads_no_more_is_no_failure(int listener) {
  int input = temporary_file();
  write_pattern(input, MUCH);
  CHECK(lseek(input, 0, SEEK_SET) == 0);
  struct client client = run((char **)carrying, input);
  int fd = take(listener);
  tell(fd, LINE_KEEPS, 1);
  close(carried(fd, LINE_STREAM_IN));
  hears(fd, LINE_CARRIED, LINE_STREAM_IN);
  CHECK(kill(client.pid, SIGUSR1) == 0);
  hears(fd, LINE_SIGNAL, SIGUSR1);
  tell(fd, LINE_ENDED, 0);
  ends_with(client, 0);
  close(input);
  close(fd);
}

/* What cannot be carried is said to have ended. */
static void wrong_wishes_are_refused(int listener) {
  static const uint32_t all[] = {0, 3, 5, 7, 8, 255};
  struct client client = call("run");
  int fd = take(listener);
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    int end = carried(fd, all[i]);
    hears(fd, LINE_CARRIED, all[i] | (uint32_t)EINVAL << LINE_ERROR_SHIFT);
    close(end);
  }
  tell(fd, LINE_CARRY, LINE_STREAM_OUT); /* without a pipe */
  hears(fd, LINE_CARRIED, LINE_STREAM_OUT | (uint32_t)EINVAL << LINE_ERROR_SHIFT);
  int both = carried(fd, LINE_STREAM_OUT | LINE_STREAM_ERR);
  int again = carried(fd, LINE_STREAM_ERR);
  hears(fd, LINE_CARRIED, LINE_STREAM_ERR | (uint32_t)EINVAL << LINE_ERROR_SHIFT);
  close(both);
  close(again);
  hears(fd, LINE_CARRIED, LINE_STREAM_OUT | LINE_STREAM_ERR);
  tell(fd, LINE_ENDED, 0);
  ends_with(client, 0);
  close(fd);
}

static void a_terminal_that_takes_nothing_holds_up_nothing_else(int listener) {
  int master, slave;
  char bytes[4096];
  CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
  struct client client = run_to((char **)carrying, slave, slave);
  int fd = take(listener);
  tell(fd, LINE_KEEPS, 1);
  tell(fd, LINE_MODE, LINE_MODE_RAW);
  hears(fd, LINE_TERMINAL, 0);
  int in = carried(fd, LINE_STREAM_IN);
  int out = carried(fd, LINE_STREAM_OUT);
  CHECK(fcntl(out, F_SETFL, O_NONBLOCK) == 0);
  memset(bytes, 'x', sizeof bytes);
  size_t total = 0;
  for (int i = 0; i < 100; i++) { /* until everything on the way is full */
    ssize_t count;
    while ((count = write(out, bytes, sizeof bytes)) > 0)
      total += (size_t)count;
    usleep(2000);
  }
  CHECK(kill(client.pid, SIGUSR1) == 0);
  hears(fd, LINE_SIGNAL, SIGUSR1);
  CHECK(write(master, "k", 1) == 1);
  await(in);
  CHECK(read(in, bytes, sizeof bytes) == 1 && bytes[0] == 'k');
  /* The terminal's description is its owner's. */
  CHECK((fcntl(slave, F_GETFL) & O_NONBLOCK) == 0);
  close(out);
  while (total > 0) {
    await(master);
    ssize_t count = read(master, bytes, sizeof bytes);
    CHECK(count > 0 && (size_t)count <= total);
    total -= (size_t)count;
  }
  hears(fd, LINE_CARRIED, LINE_STREAM_OUT);
  /* What is typed when nobody reads any more is not taken. */
  close(in);
  hears(fd, LINE_CARRIED, LINE_STREAM_IN);
  tell(fd, LINE_ENDED, 0);
  ends_with(client, 0);
  close(master);
  close(slave);
  close(fd);
}

/* Keys that are typed while others are in the terminal's foreground are theirs. */
static void in_the_background_no_keys_are_taken(int listener) {
  int master, slave;
  char key;
  CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
  pid_t shell = fork();
  CHECK(shell >= 0);
  if (shell == 0) {
    int status;
    CHECK(setsid() >= 0 && ioctl(slave, TIOCSCTTY, 0) == 0);
    struct client client = run((char **)carrying, slave);
    CHECK(waitpid(client.pid, &status, WUNTRACED) == client.pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
    CHECK(read(slave, &key, 1) == 1 && key == 'k');
    kill(client.pid, SIGKILL);
    _exit(0);
  }
  int fd = take(listener);
  int in = carried(fd, LINE_STREAM_IN);
  CHECK(write(master, "k\n", 2) == 2);
  int status;
  CHECK(waitpid(shell, &status, 0) == shell && status == 0);
  CHECK(read(in, &key, 1) == 0);
  close(in);
  close(master);
  close(slave);
  close(fd);
}

static void what_has_come_is_said_when_the_resident_dies(int listener) {
  struct client client = call("run");
  int fd = take(listener);
  int out = carried(fd, LINE_STREAM_OUT);
  CHECK(kill(client.pid, SIGSTOP) == 0);
  CHECK(write(out, "last words", 10) == 10);
  close(fd);
  CHECK(kill(client.pid, SIGCONT) == 0);
  says(client, "last words");
  ends_with(client, 125);
  close(out);
}

static void nobody_connected(int listener) {
  struct pollfd ready = {.fd = listener, .events = POLLIN};
  CHECK(poll(&ready, 1, 0) == 0);
}

static void a_bounded_line_goes_on_alone(int listener) {
  static const struct {
    int what;
    rlim_t bound;
  } all[] = {{RLIMIT_CPU, 1000}, {RLIMIT_FSIZE, 1 << 30}, {RLIMIT_NOFILE, 255}};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct rlimit before;
    CHECK(getrlimit(all[i].what, &before) == 0);
    struct rlimit bounded = {all[i].bound, before.rlim_max};
    CHECK(setrlimit(all[i].what, &bounded) == 0);
    struct client client = call("version");
    CHECK(setrlimit(all[i].what, &before) == 0);
    says(client, "oneshot version");
    ends_with(client, ONESHOT);
    nobody_connected(listener);
  }
}

static void a_line_for_a_resident_only_fails_without_one(int listener) {
  setenv("BERTH_RESIDENT", "only", 1);
  char *arguments[] = {"berth", "load", "-i", "/dev/stdin", NULL};
  struct client client = run(arguments, -1);
  unsetenv("BERTH_RESIDENT");
  says(client, "no resident command line took this line");
  ends_with(client, 125);
  nobody_connected(listener);
}

static void a_line_that_wants_none_goes_on_alone(int listener) {
  setenv("BERTH_RESIDENT", "no", 1);
  struct client client = call("version");
  unsetenv("BERTH_RESIDENT");
  says(client, "oneshot version");
  ends_with(client, ONESHOT);
  nobody_connected(listener);
}

static void what_a_resident_cannot_do_goes_on_alone(int listener) {
  char *lines[][5] = {
      {"berth", "load", "-i", "/dev/stdin", NULL},
      {"berth", "load", "-i", "/proc/self/fd/63", NULL},
      {"berth", "load", "-i", "/dev//stdin", NULL},
      {"berth", "load", "--input=/.//proc/.//self/fd/63", NULL},
      {"berth", "load", "-i", "/dev/shm/../stdin", NULL},
      {"berth", "load", "--input=../..//proc/1/../self/fd/63", NULL},
      {"berth", "--unknown", "ps", NULL},
      {"berth", "--config", NULL},
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    struct client client = run(lines[i], -1);
    says(client, "oneshot");
    ends_with(client, ONESHOT);
    nobody_connected(listener);
  }
  setenv("JAVA_TOOL_OPTIONS", "-Da=b", 1);
  struct client client = call("version");
  unsetenv("JAVA_TOOL_OPTIONS");
  ends_with(client, ONESHOT);
  nobody_connected(listener);
}

static void names_in_dev_and_proc_are_of_each_process(int listener) {
  static const char *const folders[] = {"/dev", "/dev/fd/.", "/proc/self"};
  char here[256];
  CHECK(getcwd(here, sizeof here) != NULL);
  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
    CHECK(chdir(folders[i]) == 0);
    struct client client = call("version");
    CHECK(chdir(here) == 0);
    says(client, "oneshot version");
    ends_with(client, ONESHOT);
    nobody_connected(listener);
  }
}

static void in_the_root_folder_they_begin_without_a_slash(int listener) {
  static char *const words[] = {"dev/stdin", "./proc//self/fd/63", "--input=dev/fd/63",
                                "dev/shm/../stdin"};
  char here[256];
  CHECK(getcwd(here, sizeof here) != NULL);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    char *arguments[] = {"berth", "load", "-i", words[i], NULL};
    CHECK(chdir("/") == 0);
    struct client client = run(arguments, -1);
    CHECK(chdir(here) == 0);
    says(client, "oneshot load");
    ends_with(client, ONESHOT);
    nobody_connected(listener);
  }
}

static void a_line_that_is_too_long_is_not_brought(int listener) {
  static char long_word[LINE_MAX_TEXT];
  memset(long_word, 'x', sizeof long_word - 1);
  char *arguments[] = {"berth", "echo", long_word, NULL};
  struct client client = run(arguments, -1);
  int fd = accept_client(listener);
  struct line_message message;
  await(fd);
  CHECK(recv(fd, &message, sizeof message, 0) == 0);
  says(client, "oneshot echo");
  ends_with(client, ONESHOT);
  close(fd);
}

#define RUN(...)                                                                                   \
  do {                                                                                             \
    test = #__VA_ARGS__;                                                                           \
    __VA_ARGS__;                                                                                   \
  } while (0)

int main(int argc, char **argv) {
  CHECK(argc == 2 && mkdtemp(folder) != NULL);
  /* Clients inherit what is ignored, and a shell has its jobs in the background ignore SIGINT. */
  for (const int *number = (const int[]){SIGPIPE, SIGINT, SIGQUIT, SIGHUP, 0}; *number != 0; number++)
    signal(*number, SIG_DFL);
  alarm(120);
  in_folder(started, sizeof started, "started");
  copy_program(argv[1]);
  char text[512];
  write_file("berth-oneshot",
             "#!/bin/sh\n[ \"$1\" != stay ] || exec sleep 60\necho oneshot \"$1\"\nexit 9\n", 0755);
  snprintf(text, sizeof text, "#!/bin/sh\necho $$ \"$@\" on $(env -i nproc) >>%s\nexec sleep 60\n", started);
  write_file("berth-resident", text, 0755);
  snprintf(text, sizeof text, "root = \"/nonexistent\" # state = \"no\"\n state = '%s' # here\n",
           folder);
  write_file("config.toml", text, 0600);
  char config[128];
  in_folder(config, sizeof config, "config.toml");
  setenv("BERTH_CONFIG", config, 1);
  unsetenv("BERTH_RESIDENT"); /* which is as good as yes */

  RUN(without_services_no_resident_is_started());
  int service = listen_at("containerd.sock", SOCK_STREAM);
  RUN(without_a_resident_one_is_started_and_the_line_goes_on_alone());
  RUN(a_line_that_stays_does_not_hold_the_resident());
  CHECK(close(service) == 0);
  int listener = listen_at("cli.sock", SOCK_SEQPACKET);
  RUN(a_line_is_brought_with_everything_that_belongs_to_it(listener));
  RUN(a_line_that_is_refused_or_not_taken_goes_on_alone(listener));
  RUN(a_resident_that_takes_no_more_lines_is_not_replaced(listener));
  RUN(a_line_that_waits_says_so(listener));
  RUN(a_signal_ends_a_line_that_waits(listener));
  RUN(signals_that_are_kept_reach_the_resident_alone(listener));
  RUN(signals_that_are_not_have_their_effect_whatever_the_resident_does(listener));
  RUN(a_reader_that_has_gone_ends_the_client(listener));
  RUN(the_client_stops_and_goes_on(listener));
  RUN(the_terminal_is_as_it_was_when_the_resident_dies(listener));
  RUN(files_are_carried_both_ways(listener));
  RUN(outputs_of_one_file_keep_their_order(listener));
  RUN(what_nobody_takes_is_told(listener));
  RUN(a_program_that_reads_no_more_is_no_failure(listener));
  RUN(wrong_wishes_are_refused(listener));
  RUN(a_terminal_that_takes_nothing_holds_up_nothing_else(listener));
  RUN(in_the_background_no_keys_are_taken(listener));
  RUN(what_has_come_is_said_when_the_resident_dies(listener));
  RUN(a_line_that_wants_none_goes_on_alone(listener));
  RUN(what_a_resident_cannot_do_goes_on_alone(listener));
  RUN(names_in_dev_and_proc_are_of_each_process(listener));
  RUN(in_the_root_folder_they_begin_without_a_slash(listener));
  RUN(a_line_that_is_too_long_is_not_brought(listener));
  RUN(a_line_for_a_resident_only_fails_without_one(listener));
  RUN(a_bounded_line_goes_on_alone(listener));
  snprintf(text, sizeof text, "rm -rf '%s'", folder);
  CHECK(system(text) == 0);
  printf("client_test: 28 tests passed\n");
  return 0;
}
