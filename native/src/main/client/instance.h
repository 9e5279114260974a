#ifndef INSTANCE_H
#define INSTANCE_H

#include <limits.h>
#include <stdbool.h>

/* Where the resident command line of a line's instance is to be found. */
struct instance {
  char config[PATH_MAX]; /* from the root on; empty for the usual one */
  char state[96];        /* the folder of its sockets, short enough for one */
};

/* False where it takes more than this to tell, or where the line is none for a resident. */
bool instance_of(char **arguments, struct instance *instance);

#endif
