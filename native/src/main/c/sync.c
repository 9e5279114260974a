#include "sync.h"

#include <sys/syscall.h>
#include <unistd.h>

_Noreturn void sync_end(int status) {
  syscall(SYS_exit_group, status);
  __builtin_trap(); /* a fault needs no system call, and nothing here catches its signal */
}

void sync_send(int fd, uint32_t kind, uint32_t value) {
  uint32_t words[2] = {kind, value};
  /* write, not send: a seccomp filter of the container may be in force. A closed socket means that
   * the supervisor is gone. */
  if (write(fd, words, sizeof words) != (ssize_t)sizeof words)
    sync_end(NOT_STARTED);
}

void sync_send_failure(int fd, const struct failure *failure) {
  struct sync_message message = {.kind = SYNC_FAILED, .failure = *failure};
  ssize_t n = write(fd, &message, sizeof message);
  (void)n;
}

void sync_wait(int fd) {
  uint32_t word = 0;
  /* Not repeated after EINTR: no signal has a handler here, and a filter may answer it for ever. */
  if (read(fd, &word, sizeof word) != (ssize_t)sizeof word || word != SYNC_GO)
    sync_end(NOT_STARTED);
}
