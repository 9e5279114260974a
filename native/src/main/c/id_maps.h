/* Ids of a user namespace, seen from outside. */
#ifndef BERTH_ID_MAPS_H
#define BERTH_ID_MAPS_H

#include "plan.h"
#include "stdio_pump.h"

/*
 * A process in a user namespace may open /dev/stdout anew only if it owns the pipe, and it cannot
 * take over what belongs to an id that is not mapped there. So the supervisor gives the pipes away
 * beforehand. Best effort, and nothing to do without a user namespace: then STEP_STDIO changes the
 * owner itself.
 */
void id_maps_give_pipes(const struct plan *plan, const struct stdio *stdio);

/* Looks `id` up in the lines "inside outside count"; false when it is not mapped. */
bool id_maps_outside(const char *map, uint32_t id, uint32_t *outside);

#endif
