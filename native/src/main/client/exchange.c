#include "exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "carry.h"
#include "line.h"
#include "peer.h"
#include "signals.h"
#include "terminal.h"

#define OFFER_MS 1000  /* how long a resident that runs may take to say whether it takes the line */
#define WORD_MS 1000   /* after how long the person is told that the line waits for others */
#define QUEUE_MS 3000 /* how long it waits for others */
#define EFFECT_MS 500  /* how long a signal's effect waits for output that is on its way */

#define LAST_MOVES 16

#define FAILED 125
#define READER_GONE 141 /* what a shell shows for a program that SIGPIPE has ended */

static struct {
  int socket;
  int signals;
  bool kept;      /* signals are not for this process */
  int effect;     /* a signal that waits for its effect; 0 for none */
  int64_t effect_at;
  bool left;      /* a signal came before anything of the line had begun */
  bool ended;
  int code;
} line;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static bool send_message(uint32_t op, uint32_t value) {
  struct line_message message = {op, value};
  return send(line.socket, &message, sizeof message, MSG_NOSIGNAL) == (ssize_t)sizeof message;
}

static size_t lengths(char **strings, uint32_t *count) {
  size_t total = 0;
  for (*count = 0; strings[*count] != NULL; ++*count)
    total += strlen(strings[*count]) + 1;
  return total;
}

static char *append(char *to, const char *text) {
  size_t length = strlen(text) + 1;
  memcpy(to, text, length);
  return to + length;
}

/* The line as text in a memfd; -1 if it is too long for a resident, or the folder has no name. */
static int text_of(char **arguments, char **variables, uint32_t *size) {
  char folder[4096];
  uint32_t counts[2];
  if (getcwd(folder, sizeof folder) == NULL || folder[0] != '/')
    return -1;
  size_t total = sizeof counts + strlen(folder) + 1;
  total += lengths(arguments, &counts[0]) + lengths(variables, &counts[1]);
  if (total > LINE_MAX_TEXT)
    return -1;
  int fd = memfd_create("berth line", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, (off_t)total) < 0)
    return -1;
  char *text = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (text == MAP_FAILED) {
    close(fd);
    return -1;
  }
  memcpy(text, counts, sizeof counts);
  char *to = append(text + sizeof counts, folder);
  for (char **word = arguments; *word != NULL; word++)
    to = append(to, *word);
  for (char **variable = variables; *variable != NULL; variable++)
    to = append(to, *variable);
  munmap(text, total);
  *size = (uint32_t)total;
  return fd;
}

static bool send_hello(int text, uint32_t size) {
  struct stat program;
  if (stat("/proc/self/exe", &program) < 0)
    return false;
  mode_t mask = umask(0);
  umask(mask);
  struct line_hello hello = {
      .op = LINE_HELLO,
      .version = LINE_VERSION,
      .build_inode = program.st_ino,
      .build_size = (uint64_t)program.st_size,
      .build_time =
          (uint64_t)program.st_mtim.tv_sec * 1000000000u + (uint64_t)program.st_mtim.tv_nsec,
      .ignored = signals_ignored(),
      .umask = mask,
      .text_size = size,
  };
  int folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return false;
  int descriptors[LINE_DESCRIPTORS] = {text, folder, 0, 1, 2};
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof descriptors)];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec part = {&hello, sizeof hello};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control.room};
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof descriptors);
  memcpy(CMSG_DATA(&control.header), descriptors, sizeof descriptors);
  bool sent = sendmsg(line.socket, &message, MSG_NOSIGNAL) == (ssize_t)sizeof hello;
  close(folder);
  return sent;
}

/* While nothing of the line has begun, a signal has its effect on this process alone, and nothing of
 * the line begins behind its back: one that was stopped and goes on carries it out by itself. */
static void leave_by_signal(void) {
  struct signalfd_siginfo info;
  while (read(line.signals, &info, sizeof info) == (ssize_t)sizeof info) {
    int number = (int)info.ssi_signo;
    if (number == SIGWINCH || number == SIGCONT || (signals_ignored() >> (number - 1) & 1) != 0)
      continue;
    line.left = true;
    shutdown(line.socket, SHUT_RDWR);
    signals_effect(number);
  }
}

/* The next message; false if the connection has ended, or at the moment given. */
static bool receive(struct line_message *message, int64_t until) {
  while (!line.left) {
    ssize_t count = recv(line.socket, message, sizeof *message, 0);
    if (count == (ssize_t)sizeof *message)
      return true;
    if (count >= 0 || (errno != EAGAIN && errno != EINTR))
      return false;
    int64_t left = until - now();
    struct pollfd ready[] = {{.fd = line.socket, .events = POLLIN},
                             {.fd = line.signals, .events = POLLIN}};
    if (left <= 0 || poll(ready, 2, (int)left) < 0)
      return false;
    if (ready[1].revents != 0)
      leave_by_signal();
  }
  return false;
}

/* Waits for the offer to take the line. */
static enum exchange await_offer(void) {
  int64_t start = now();
  int64_t until = start + OFFER_MS;
  bool waits = false;
  uint32_t others = 0;
  struct line_message message;
  while (true) {
    if (!receive(&message, until)) {
      if (line.left || !waits || until >= start + QUEUE_MS || now() < until)
        return EXCHANGE_NOT;
      dprintf(2, "berth: %u commands are being carried out; waiting for one to end\n", others);
      until = start + QUEUE_MS;
      continue;
    }
    switch (message.op) {
    case LINE_OFFER:
      return send_message(LINE_GO, 0) ? EXCHANGE_ENDED : EXCHANGE_NOT;
    case LINE_WAITS:
      waits = true;
      others = message.value;
      until = start + WORD_MS;
      break;
    case LINE_REFUSED:
      return message.value == LINE_REFUSED_OLD ? EXCHANGE_OLD : EXCHANGE_NOT;
    default:
      return EXCHANGE_NOT;
    }
  }
}

/* What a signal does that is for this process, with the terminal as it was at first. */
static void take_effect(int number) {
  line.effect = 0;
  terminal_restore();
  signals_effect(number);
  if (number == SIGPIPE)
    _exit(READER_GONE); /* it was ignored, which is no reason to go on without a reader */
  terminal_again();
  send_message(LINE_CONTINUED, 0);
}

static void tell_carried(uint32_t streams, int error) {
  send_message(LINE_CARRIED, (streams & LINE_STREAM_MASK) | (uint32_t)error << LINE_ERROR_SHIFT);
}

/* Takes the descriptor, if one came along. */
static void take_message(const struct line_message *message, int descriptor) {
  if (message->op == LINE_CARRY) {
    carry_begin(message->value, descriptor, tell_carried);
    return;
  }
  if (descriptor >= 0)
    close(descriptor);
  switch (message->op) {
  case LINE_KEEPS:
    line.kept = message->value != 0;
    if (line.kept)
      line.effect = 0;
    break;
  case LINE_MODE:
    send_message(LINE_TERMINAL, (uint32_t)terminal_change(message->value));
    break;
  case LINE_EFFECT:
    take_effect((int)message->value);
    break;
  case LINE_ENDED:
    line.ended = true;
    line.code = (int)message->value;
    break;
  default:
    break; /* of a newer resident: not asked for */
  }
}

/* As recv(2); with a descriptor if there is one, else -1. */
static ssize_t receive_with(struct line_message *message, int *descriptor) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof *descriptor)];
  } control;
  struct iovec part = {message, sizeof *message};
  struct msghdr packet = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = &control,
                          .msg_controllen = sizeof control};
  *descriptor = -1;
  ssize_t count = recvmsg(line.socket, &packet, MSG_CMSG_CLOEXEC);
  struct cmsghdr *header = count < 0 ? NULL : CMSG_FIRSTHDR(&packet);
  if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
    return count;
  for (size_t end = CMSG_LEN(sizeof *descriptor); end <= header->cmsg_len; end += sizeof *descriptor) {
    if (*descriptor >= 0)
      close(*descriptor); /* the room for one has place for two, by its alignment */
    memcpy(descriptor, (char *)header + end - sizeof *descriptor, sizeof *descriptor);
  }
  return count;
}

static bool take_messages(void) {
  struct line_message message;
  int descriptor;
  while (!line.ended) {
    ssize_t count = receive_with(&message, &descriptor);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
      return true;
    if (count != (ssize_t)sizeof message)
      return false;
    take_message(&message, descriptor);
  }
  return true;
}

static void take_signals(void) {
  struct signalfd_siginfo info;
  while (read(line.signals, &info, sizeof info) == (ssize_t)sizeof info) {
    if (!signals_meant(&info))
      continue;
    int number = (int)info.ssi_signo;
    bool told = send_message(LINE_SIGNAL, info.ssi_signo);
    /* The resident says when what the line has said so far is out; but a signal has its effect
     * whatever becomes of the resident. */
    if (!line.kept && number != SIGWINCH && number != SIGCONT) {
      line.effect = number;
      line.effect_at = told ? now() + EFFECT_MS : now();
    }
  }
}

/* What has come already is said, but nothing is waited for. */
static void carry_the_last(void) {
  struct pollfd ready[CARRY_ENTRIES];
  for (int i = 0; i < LAST_MOVES; i++) {
    carry_await(ready);
    if (poll(ready, CARRY_ENTRIES, 0) <= 0)
      return;
    carry_move(ready);
  }
}

/* Stays until the line has ended, and answers its exit code. */
static int stay(void) {
  while (!line.ended) {
    struct pollfd ready[2 + CARRY_ENTRIES] = {{.fd = line.socket, .events = POLLIN},
                                          {.fd = line.signals, .events = POLLIN}};
    carry_await(ready + 2);
    int64_t left = line.effect == 0 ? -1 : line.effect_at - now();
    int count = line.effect != 0 && left <= 0 ? 0 : poll(ready, 2 + CARRY_ENTRIES, (int)left);
    if (count == 0) {
      take_effect(line.effect);
      continue;
    }
    if (count < 0)
      continue;
    carry_move(ready + 2);
    if (ready[0].revents != 0 && !take_messages()) {
      carry_the_last();
      terminal_restore();
      if (line.effect != 0)
        signals_effect(line.effect);
      dprintf(2, "berth: the resident command line has gone, and with it this command; see whether "
                 "it was carried out, and call it again\n");
      return FAILED;
    }
    if (ready[1].revents != 0 && !line.ended)
      take_signals();
  }
  terminal_restore();
  return line.code;
}

enum exchange exchange_line(const char *socket, char **arguments, char **variables, int *code) {
  pid_t resident;
  line.socket = connect_to_own(socket, SOCK_SEQPACKET, &resident);
  if (line.socket < 0)
    return errno == ENOENT || errno == ECONNREFUSED ? EXCHANGE_NOBODY : EXCHANGE_NOT;
  uint32_t size = 0;
  int text = text_of(arguments, variables, &size);
  enum exchange outcome = EXCHANGE_NOT;
  if (text >= 0) {
    line.signals = signals_take();
    if (line.signals >= 0 && send_hello(text, size))
      outcome = await_offer();
    close(text);
    if (outcome == EXCHANGE_ENDED)
      *code = stay();
    else
      signals_give_back();
    if (line.signals >= 0)
      close(line.signals);
  }
  close(line.socket);
  return outcome;
}
