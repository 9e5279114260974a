/* `berth-supervisor keeper SOCKET-PATH`: holds descriptors over restarts of the services that own
 * them. */
#ifndef BERTH_KEEPER_H
#define BERTH_KEEPER_H

int keeper_main(const char *path);

#endif
