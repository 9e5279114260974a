/* What a controller asks for. */
#ifndef BERTH_OPERATIONS_H
#define BERTH_OPERATIONS_H

#include "connection.h"

/* Carries out a request of the controller and answers it, now or later. */
void operations_take(struct connection *connection, struct packet *packet);
/* Descriptors that OP_FDS has brought and no plan has taken belong to a controller that has gone.
 */
void operations_reset(void);

#endif
