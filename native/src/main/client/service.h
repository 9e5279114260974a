#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The service of containers is the model of the resident: it is the same for every line, while
 * whoever types the first one may be a job with half a processor, a cron table or a login that ends.
 */

/* The process that serves an instance; 0 where there is none that this one sees. */
pid_t service_of(const char *state);

/* Whether it sees the same of the machine as this process, and may do the same. */
bool service_is_alike(pid_t service);

/* Makes this process part of the cgroups that it is part of, with its bounds and processors. */
void service_join(pid_t service);

#endif
