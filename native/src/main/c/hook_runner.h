/* Hooks that the controller asks for (OP_HOOK): run by the supervisor, so that no JVM's death loses
 * their end. */
#ifndef BERTH_HOOK_RUNNER_H
#define BERTH_HOOK_RUNNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "fail.h"
#include "hook.h"

/* Starts the hook in `memfd`; joins the mount namespace `mount_ns` (-1: none). The answer comes
 * later. */
int hook_begin(uint64_t request, int memfd, int mount_ns, struct failure *failure);
/* Nobody waits for their ends any more. */
void hook_kill_all(void);
/* Reaps a hook that has ended; false when the pid is no hook's. */
bool hook_ended(pid_t pid);

#endif
