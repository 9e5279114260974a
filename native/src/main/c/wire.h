/* Packets of protocol.h on a seqpacket socket, with their descriptors. */
#ifndef BERTH_WIRE_H
#define BERTH_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "protocol.h"

struct packet {
  struct msg_header header;
  uint8_t payload[MSG_MAX_PAYLOAD + 1]; /* one more for a NUL that no peer can forget */
  int fds[MSG_MAX_FDS];
  uint32_t fd_count;
};

/*
 * Takes one packet. Returns 1, 0 at the end of the connection, -1 with errno: EAGAIN when none
 * waits, EBADMSG for a packet that breaks the framing (its descriptors are closed).
 */
int packet_receive(int socket, struct packet *packet);
/* Closes the descriptors that are still in the packet. */
void packet_close_fds(struct packet *packet);

/* Sends without blocking. Returns 0, or -1 with errno (EAGAIN: full). */
int packet_send(int socket, const struct msg_header *header, const void *payload, const int *fds,
                uint32_t fd_count);

/* Writes struct msg_error and its strings; `size` must be at least ERROR_MAX. Returns the length.
 */
#define ERROR_MAX 640u
uint32_t packet_error(uint8_t *out, const struct failure *failure);

/* The string that starts at `offset` of a payload, or NULL when it is not terminated within. */
const char *packet_string(const struct packet *packet, uint32_t offset);

#endif
