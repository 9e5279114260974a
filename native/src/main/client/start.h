#ifndef START_H
#define START_H

#include "instance.h"

/*
 * Starts a resident command line, unless somebody else does, or did. Does not wait for it. With
 * another user's folder of sockets, nothing is done.
 */
void start_resident(const char *program, const struct instance *instance);

#endif
