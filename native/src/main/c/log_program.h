/* Programs that read a container's output (OP_LOG_PROGRAM): children of the supervisor, so that no
 * JVM's death takes them along. */
#ifndef BERTH_LOG_PROGRAM_H
#define BERTH_LOG_PROGRAM_H

#include "fail.h"

#define LOG_PROGRAM_FDS 3u

/*
 * Starts the program that `memfd` names (as a hook); the descriptors become its 3, 4 and 5, and
 * stay the caller's. Waits for its execve, and reports why it failed. It ends when it likes,
 * usually at the end of what it reads, and is reaped like any stranger.
 */
int log_program_start(int memfd, const int *fds, struct failure *failure);

#endif
