/* What a hook is, wherever it runs. */
#ifndef BERTH_HOOK_H
#define BERTH_HOOK_H

#include <stdint.h>

#include "fail.h"
#include "plan.h"

#define HOOK_OUTPUT_MAX 4096u

/* The strings of a validated STEP_HOOK. */
struct hook {
  struct step_hook head;
  const char *path;
  const char *argv; /* first of argc strings */
  const char *envp; /* first of envc strings */
  const char *before;
  const char *after;
};

void hook_parse(const struct step *step, struct hook *hook);
/* Builds a NULL-terminated array over `count` strings; memory of the process that is about to exec.
 * NULL: no memory. */
char **hook_strings(const char *first, uint32_t count);
/* Runs in a fresh clone: stdin gets before + pid + after, then execve. Never returns. */
_Noreturn void hook_exec(const struct hook *hook, int pid, int output);
/* Runs a hook from a child of a plan, and waits for it. */
int hook_run_and_wait(const struct hook *hook, int pid, struct failure *failure);

#endif
