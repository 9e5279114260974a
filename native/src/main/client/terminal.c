#include "terminal.h"

#include <errno.h>
#include <stdbool.h>
#include <termios.h>

#include "line.h"

static struct termios before;
static uint32_t wanted = LINE_MODE_BEFORE;

static int set(const struct termios *settings) {
  while (tcsetattr(0, TCSADRAIN, settings) < 0)
    if (errno != EINTR)
      return errno;
  return 0;
}

static int apply(uint32_t mode) {
  struct termios settings = before;
  if (mode == LINE_MODE_RAW)
    cfmakeraw(&settings);
  else if (mode == LINE_MODE_SILENT)
    settings.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
  return set(&settings);
}

int terminal_change(uint32_t mode) {
  if (mode > LINE_MODE_SILENT)
    return EINVAL;
  if (wanted == LINE_MODE_BEFORE && mode != LINE_MODE_BEFORE && tcgetattr(0, &before) < 0)
    return errno;
  if (wanted == LINE_MODE_BEFORE && mode == LINE_MODE_BEFORE)
    return 0;
  int error = apply(mode);
  if (error == 0)
    wanted = mode;
  return error;
}

void terminal_restore(void) {
  if (wanted != LINE_MODE_BEFORE)
    set(&before);
}

void terminal_again(void) {
  if (wanted != LINE_MODE_BEFORE && tcgetattr(0, &before) == 0)
    apply(wanted);
}
