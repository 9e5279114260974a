#include "user_namespace.h"

#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "syscalls.h"

int user_namespace_main(void) {
  char byte = 0;
  if (sys_unshare(CLONE_NEWUSER) < 0) {
    dprintf(2, "berth-supervisor: cannot make a user namespace: %s\n", strerror(errno));
    return 1;
  }
  if (write(1, &byte, 1) != 1)
    return 1;
  while (read(0, &byte, 1) < 0 && errno == EINTR) {
  }
  return 0;
}
