/* Copies what lies below a folder into a fresh mount that will cover it. */
#ifndef BERTH_COPY_UP_H
#define BERTH_COPY_UP_H

#include "fail.h"

/* From the folder `from` (O_PATH) into the root of the detached mount `to`. Bounded in depth; no
 * recursion. */
int copy_up_tree(int from, int to, const char *target, struct failure *failure);

#endif
