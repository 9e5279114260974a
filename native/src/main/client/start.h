#ifndef START_H
#define START_H

#include "instance.h"

/*
 * Starts a resident command line, unless somebody else does, or did. Does not wait for it. Nothing is
 * done with another user's folder of sockets, while no service runs, and where lines would be carried
 * out for a place that is not the usual one: others would find a resident that cannot serve them.
 */
void start_resident(const char *program, const struct instance *instance);

#endif
