#include "exits.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fail.h"
#include "supervisor.h"

static void record_name(const struct process *process, char *out, size_t size) {
  if (process->init)
    snprintf(out, size, "init");
  else
    snprintf(out, size, "exec.%s", process->id);
}

void exit_record_write(const struct process *process) {
  static const char *const how[] = {"unknown", "exited", "signalled", "unknown"};
  char name[EXEC_ID_MAX + 16], text[512];
  record_name(process, name, sizeof name);
  int length =
      snprintf(text, sizeof text,
               "version=1\nid=%s\npid=%u\nhow=%s\ncode=%u\ncore=%u\noom_kills=%u\nexited_at=%llu\n",
               process->id, process->exit.pid, how[process->exit.how & 3], process->exit.code,
               (unsigned)process->exit.core, process->exit.oom_kills,
               (unsigned long long)process->exit.exited_at);
  /* There is no fsync, for the record has to outlive processes, not the machine. */
  cleanup_close int fd = openat(supervisor.exit_fd, ".new",
                                O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, text, (size_t)length) != length)
    return;
  renameat(supervisor.exit_fd, ".new", supervisor.exit_fd, name);
}

void exit_record_remove(const struct process *process) {
  char name[EXEC_ID_MAX + 16];
  record_name(process, name, sizeof name);
  unlinkat(supervisor.exit_fd, name, 0);
}
