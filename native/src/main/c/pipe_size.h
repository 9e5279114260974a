/* Pipes that carry much are made larger, and only they: the room of an idle one costs memory, and a
 * container is charged for what lies in its pipes. */
#ifndef BERTH_PIPE_SIZE_H
#define BERTH_PIPE_SIZE_H

#include <fcntl.h>
#include <stdbool.h>

#define PIPE_USUAL 65536
#define PIPE_LARGE (256 << 10)

/* Once for a pipe that was seen full: each time that it is, two processes wait for each other. */
static inline void pipe_enlarge(int fd, bool *done) {
  if (!*done)
    fcntl(fd, F_SETPIPE_SZ, PIPE_LARGE); /* else it stays as it is */
  *done = true;
}

#endif
