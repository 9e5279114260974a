/* `berth-supervisor -- PROGRAM ARGUMENT...`: the first process inside a container that asks for one
 * which reaps and passes signals on. */
#ifndef BERTH_REAPER_H
#define BERTH_REAPER_H

/* Runs the program and ends as it does: with its exit code, or 128 + the signal; 127 and 126 as
 * shells say it when it cannot be run. */
int reaper_main(char **argv);

#endif
