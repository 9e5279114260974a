/* A launch plan, mapped and proven well-formed before anything is done with it. */
#ifndef BERTH_PLAN_H
#define BERTH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "protocol.h"

#define EXEC_ID_MAX 128u

struct plan {
  const uint8_t *bytes;
  size_t mapped;
  struct plan_header header; /* a copy */
};

struct step {
  uint16_t code;
  uint16_t flags;
  uint32_t index;
  uint32_t length;
  const uint8_t *payload; /* on a multiple of 8 */
};

/* Maps a memfd that must be sealed against shrinking and writing: else its sender could change it
 * under our eyes. */
int plan_map(int memfd, struct plan *plan, struct failure *failure);
void plan_unmap(struct plan *plan);

/* Everything that can be checked without doing anything: shapes, order, counts, descriptors,
 * strings. */
int plan_validate(struct plan *plan, uint32_t fd_count, struct failure *failure);
/* Checks the payload of a step that travels alone (OP_HOOK). */
int plan_validate_step(const struct step *step, uint32_t fd_count, struct failure *failure);

/* Walks the steps: start with step.payload = NULL; false at the end. Only for a validated plan. */
bool plan_next(const struct plan *plan, struct step *step);

/* True for steps that the supervisor carries out itself. */
static inline bool step_is_supervisors(uint16_t code) { return code < 32; }

/* The n-th string after the fixed part; validated before. */
const char *step_string(const struct step *step, uint32_t fixed, uint32_t n);

/* An exec id names a file: no slash, no control characters, not too long. "" is init's. */
bool exec_id_valid(const char *id);

#endif
