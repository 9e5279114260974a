/* The supervisor's life: from the first event to the last. */
#ifndef BERTH_RUN_H
#define BERTH_RUN_H

/* Runs the supervisor on its controller socket and listening socket; returns when it was told to
 * end. */
int supervisor_run(int controller, int listener);

#endif
