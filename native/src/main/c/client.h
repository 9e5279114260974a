/* The first act of the command line, before its JVM starts. */
#ifndef BERTH_CLIENT_H
#define BERTH_CLIENT_H

/* Returns only when the program cannot be run. */
int client_main(char **arguments);

#endif
