/* Who answers for the system calls that a filter asks about (SCMP_ACT_NOTIFY). */
#ifndef BERTH_LISTENER_H
#define BERTH_LISTENER_H

#include "fail.h"
#include "plan.h"
#include "process.h"

/* The step that names the listener; NULL if the plan has none. Its index goes to `index`. */
const char *listener_of(const struct plan *plan, uint32_t *index);
/*
 * Hands the listening descriptor `number` of the process to whoever listens at the step's path,
 * with the step's text around the pids (config-linux.md of the runtime specification, "The Container
 * Process State"). It waits for nobody.
 */
int listener_hand_over(const char *step, const struct process *process, int number,
                       struct failure *failure);

#endif
