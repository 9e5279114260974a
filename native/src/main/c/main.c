/* One binary, five programs: the supervisor of a container, the keeper of descriptors
 * (protocol.h), a first process inside that reaps, the first act of the command line, and a process
 * that has a user namespace. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "keeper.h"
#include "protocol.h"
#include "reaper.h"
#include "stage.h"
#include "user_namespace.h"

int main(int argc, char **argv) {
  if (argc >= 2 && strcmp(argv[1], "supervise") == 0)
    return stage_main(argc, argv);
  if (argc == 3 && strcmp(argv[1], "keeper") == 0)
    return keeper_main(argv[2]);
  if (argc >= 3 && strcmp(argv[1], "client") == 0)
    return client_main(argv + 2);
  if (argc >= 3 && strcmp(argv[1], "--") == 0)
    return reaper_main(argv + 2);
  if (argc == 2 && strcmp(argv[1], "userns") == 0)
    return user_namespace_main();
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    dprintf(1, "berth-supervisor protocol %d plan %d\n", PROTOCOL_VERSION, PLAN_VERSION);
    return 0;
  }
  dprintf(2, "usage: berth-supervisor supervise [cgroup2=FD] [cgroup1=FD,...] [mntns=FD] "
             "[name=TEXT]\n       berth-supervisor keeper SOCKET-PATH\n"
             "       berth-supervisor client PROGRAM [ARGUMENT...]\n"
             "       berth-supervisor -- PROGRAM [ARGUMENT...]\n");
  return 2;
}
