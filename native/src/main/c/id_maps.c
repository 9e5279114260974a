#include "id_maps.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "supervisor.h"

bool id_maps_outside(const char *map, uint32_t id, uint32_t *outside) {
  for (const char *line = map; *line != 0;) {
    char *end;
    unsigned long inside = strtoul(line, &end, 10);
    unsigned long first = strtoul(end, &end, 10);
    unsigned long count = strtoul(end, &end, 10);
    if (id >= inside && id - inside < count) {
      *outside = (uint32_t)(first + (id - inside));
      return true;
    }
    line = strchr(end, '\n');
    if (line == NULL)
      return false;
    line++;
  }
  return false;
}

static bool outside_of_init(const char *file, uint32_t id, uint32_t *outside) {
  char path[64], text[4096];
  const struct process *init = process_init();
  if (init == NULL || init->pid <= 0)
    return false;
  snprintf(path, sizeof path, "%d/%s", (int)init->pid, file);
  cleanup_close int fd = openat(supervisor.proc_fd, path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (n <= 0)
    return false;
  text[n] = 0;
  return id_maps_outside(text, id, outside);
}

void id_maps_give_pipes(const struct plan *plan, const struct stdio *stdio) {
  const char *uid_map = NULL, *gid_map = NULL;
  bool joins = false, user = false;
  uint32_t owner[2] = {0, 0}, mapped[2];
  struct step step = {.payload = NULL};
  while (plan_next(plan, &step)) {
    if (step.code == STEP_ID_MAPS) {
      uid_map = step_string(&step, sizeof(struct step_id_maps), 0);
      gid_map = step_string(&step, sizeof(struct step_id_maps), 1);
    } else if (step.code == STEP_JOIN_PIDFD) {
      uint32_t types;
      memcpy(&types, step.payload + 4, sizeof types);
      joins = joins || (types & CLONE_NEWUSER) != 0;
    } else if (step.code == STEP_STDIO) {
      memcpy(owner, step.payload, sizeof owner);
      user = true;
    }
  }
  bool found = user && uid_map != NULL && id_maps_outside(uid_map, owner[0], &mapped[0]) &&
               id_maps_outside(gid_map, owner[1], &mapped[1]);
  if (!found && user && joins)
    found = outside_of_init("uid_map", owner[0], &mapped[0]) &&
            outside_of_init("gid_map", owner[1], &mapped[1]);
  for (int i = 0; i < 3 && found; i++)
    if (stdio->child_ends[i] >= 0 && fchown(stdio->child_ends[i], mapped[0], mapped[1]) < 0)
      return;
}
