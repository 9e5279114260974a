/* The program that the tests run inside containers: one static binary with a few verbs, so that a
 * root needs nothing else. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void nap(long milliseconds) {
  struct timespec t = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
  while (nanosleep(&t, &t) < 0 && errno == EINTR) {
  }
}

static int cat(int from) {
  static char buffer[65536];
  ssize_t n;
  while ((n = read(from, buffer, sizeof buffer)) > 0)
    for (ssize_t done = 0; done < n;) {
      ssize_t w = write(1, buffer + done, (size_t)(n - done));
      if (w < 0)
        return 3;
      done += w;
    }
  return n < 0 ? 4 : 0;
}

static int flood(long bytes) {
  static char buffer[65536];
  for (size_t i = 0; i < sizeof buffer; i++)
    buffer[i] = (char)('a' + i % 26);
  while (bytes > 0) {
    size_t part = bytes > (long)sizeof buffer ? sizeof buffer : (size_t)bytes;
    ssize_t n = write(1, buffer, part);
    if (n < 0)
      return 5;
    bytes -= n;
  }
  return 0;
}

static int list_fds(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL)
    return 6;
  int own = dirfd(folder);
  for (struct dirent *e; (e = readdir(folder)) != NULL;)
    if (e->d_name[0] != '.' && atoi(e->d_name) != own)
      printf("%s ", e->d_name);
  printf("\n");
  return 0;
}

static int show_self(void) {
  struct utsname names;
  char cwd[4096] = "";
  int death = 0;
  uname(&names);
  prctl(PR_GET_PDEATHSIG, &death);
  mode_t mask = umask(0);
  if (getcwd(cwd, sizeof cwd) == NULL)
    return 7;
  printf("uid=%d gid=%d pid=%d host=%s umask=%03o cwd=%s death=%d sid=%d\n", (int)getuid(),
         (int)getgid(), (int)getpid(), names.nodename, (unsigned)mask, cwd, death, (int)getsid(0));
  return 0;
}

static int terminal(void) {
  struct winsize size = {0};
  ioctl(0, TIOCGWINSZ, &size);
  printf("tty=%d%d%d rows=%d cols=%d\n", isatty(0), isatty(1), isatty(2), size.ws_row, size.ws_col);
  return 0;
}

/* What a plan has set, as the process sees it. */
static int show_status(void) {
  struct rlimit files;
  char oom[16] = "", msgmax[16] = "";
  int fd = open("/proc/self/status", O_RDONLY);
  if (fd < 0 || cat(fd) != 0)
    return 8;
  getrlimit(RLIMIT_NOFILE, &files);
  fd = open("/proc/self/oom_score_adj", O_RDONLY);
  oom[read(fd, oom, sizeof oom - 1) - 1] = 0;
  fd = open("/proc/sys/kernel/msgmax", O_RDONLY);
  msgmax[read(fd, msgmax, sizeof msgmax - 1) - 1] = 0;
  long made = syscall(SYS_mkdir, "/denied", 0755);
  int error = made < 0 ? errno : 0;
  fd = open("/proc/self/fd/1", O_WRONLY);
  printf("files %d %d oom %s mkdir %d msgmax %s reopen %d\n", (int)files.rlim_cur,
         (int)files.rlim_max, oom, error, msgmax, fd < 0 ? errno : 0);
  return 0;
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  const char *a = argc > 2 ? argv[2] : "0";
  setvbuf(stdout, NULL, _IOFBF, 65536);
  int result = 0;
  if (strcmp(verb, "exit") == 0)
    result = atoi(a);
  else if (strcmp(verb, "print") == 0)
    printf("%s", a);
  else if (strcmp(verb, "both") == 0)
    printf("%s\n", a), fflush(stdout), fprintf(stderr, "%s\n", argv[3]);
  else if (strcmp(verb, "cat") == 0)
    result = cat(0);
  else if (strcmp(verb, "sleep") == 0)
    nap(atol(a));
  else if (strcmp(verb, "flood") == 0)
    result = flood(atol(a));
  else if (strcmp(verb, "self") == 0)
    result = show_self();
  else if (strcmp(verb, "status") == 0)
    result = show_status();
  else if (strcmp(verb, "tty") == 0)
    result = terminal();
  else if (strcmp(verb, "fds") == 0)
    result = list_fds();
  else if (strcmp(verb, "env") == 0)
    printf("%s\n", getenv(a) != NULL ? getenv(a) : "(none)");
  else if (strcmp(verb, "kill") == 0)
    raise(atoi(a));
  else if (strcmp(verb, "read") == 0) {
    int fd = open(a, O_RDONLY);
    if (fd < 0)
      printf("errno=%d\n", errno);
    else
      result = cat(fd);
  } else if (strcmp(verb, "cat-all") == 0) {
    for (int i = 2; i < argc; i++) {
      int fd = open(argv[i], O_RDONLY);
      if (fd < 0)
        dprintf(1, "errno=%d", errno);
      else
        result = cat(fd);
      dprintf(1, ";");
    }
  } else if (strcmp(verb, "write") == 0) {
    int fd = open(a, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    printf("%d\n", fd < 0 ? errno : 0);
  } else if (strcmp(verb, "orphan") == 0) { /* a grandchild keeps the output open */
    if (fork() == 0) {
      setsid();
      nap(atol(a));
      _exit(0);
    }
    printf("parent\n");
  } else if (strcmp(verb, "spam") == 0) { /* ... and goes on writing */
    if (fork() == 0) {
      for (long i = 0; i < atol(a) / 10; i++) {
        if (write(1, "spam\n", 5) < 0)
          _exit(1);
        nap(10);
      }
      _exit(0);
    }
  } else if (strcmp(verb, "size") == 0) { /* after waiting for a signal: the terminal's size */
    sigset_t set;
    int got;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    printf("waiting\n");
    fflush(stdout);
    sigwait(&set, &got);
    result = terminal();
  } else
    result = 99;
  fflush(stdout);
  return result;
}
