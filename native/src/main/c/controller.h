/*
 * Who greets, and who commands. At most one controller commands at a time; a newer epoch deposes
 * the older one. Requests are read only while every answer before has been taken by the socket, so
 * a peer that does not read slows itself.
 */
#ifndef BERTH_CONTROLLER_H
#define BERTH_CONTROLLER_H

int controller_listen(int listener);
/* Takes on the socket that the first controller left with stage 0. */
int controller_adopt(int socket);

#endif
