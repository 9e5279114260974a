/*
 * Errors. Every function that can fail for a reason worth telling returns an int (negative: failed)
 * and takes a `struct failure *` last, which it has filled when it failed: errno, what was tried,
 * on what. The words for people are made by the Java side.
 */
#ifndef BERTH_FAIL_H
#define BERTH_FAIL_H

#include <stdint.h>
#include <unistd.h>

struct failure {
  int32_t error;
  uint32_t step; /* index in the plan, or STEP_NONE */
  uint16_t code;
  uint16_t unused;
  char what[60];
  char object[440];
};

/* Fills the failure and returns -1, so that `return fail(...)` is one line. `step` stays as the
 * caller set it before. */
int fail(struct failure *failure, int error, const char *what, const char *object);
void failure_clear(struct failure *failure);

/* A descriptor that closes itself at the end of its scope. */
static inline void close_at_end(int *fd) {
  if (*fd >= 0)
    close(*fd);
}
#define cleanup_close __attribute__((cleanup(close_at_end)))

/* Gives a descriptor out of a cleanup_close variable. */
static inline int take_fd(int *fd) {
  int taken = *fd;
  *fd = -1;
  return taken;
}

static inline void close_fd(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

#define container_of(pointer, type, member)                                                        \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
