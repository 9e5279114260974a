#include "fail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol.h"

int fail(struct failure *failure, int error, const char *what, const char *object) {
  failure->error = error ? error : EIO;
  snprintf(failure->what, sizeof failure->what, "%s", what);
  snprintf(failure->object, sizeof failure->object, "%s", object ? object : "");
  return -1;
}

void failure_clear(struct failure *failure) {
  memset(failure, 0, sizeof *failure);
  failure->step = STEP_NONE;
}
