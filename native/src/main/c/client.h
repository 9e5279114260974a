/* The command line's first act; client.c. */
#ifndef BERTH_CLIENT_H
#define BERTH_CLIENT_H

/* Returns only when the program cannot be run. */
int client_main(char **arguments);

#endif
