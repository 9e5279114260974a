#include "sync.h"

#include <errno.h>
#include <unistd.h>

void sync_send(int fd, uint32_t kind, uint32_t value) {
  uint32_t words[2] = {kind, value};
  /* write, not send: a seccomp filter of the container may be in force. A closed socket means that
   * the supervisor is gone. */
  if (write(fd, words, sizeof words) != (ssize_t)sizeof words)
    _exit(NOT_STARTED);
}

void sync_send_failure(int fd, const struct failure *failure) {
  struct sync_message message = {.kind = SYNC_FAILED, .failure = *failure};
  ssize_t n = write(fd, &message, sizeof message);
  (void)n;
}

void sync_wait(int fd) {
  uint32_t word = 0;
  ssize_t n;
  do {
    n = read(fd, &word, sizeof word);
  } while (n < 0 && errno == EINTR);
  if (n != (ssize_t)sizeof word || word != SYNC_GO)
    _exit(NOT_STARTED);
}
