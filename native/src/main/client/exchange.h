#ifndef EXCHANGE_H
#define EXCHANGE_H

enum exchange {
  EXCHANGE_NOBODY, /* there is no resident */
  EXCHANGE_OLD,    /* there is one of an older build, which ends */
  EXCHANGE_NOT,    /* this one does not take the line */
  EXCHANGE_ENDED   /* the line was carried out, or is lost with its resident */
};

/*
 * Has the resident at a socket carry a line out, and stays until its end. Unless it is
 * EXCHANGE_ENDED, nothing was done, and signals and terminal are as they were.
 */
enum exchange exchange_line(const char *socket, char **arguments, char **variables, int *code);

#endif
