/*
 * Feeds damaged plans to the validator, under sanitizers, without a supervisor around it. What it
 * accepts is then walked as a child would walk it. Seeded: a failure names the round, and the same
 * round fails again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../main/c/hook.h"
#include "../../main/c/plan.h"
#include "../../main/c/supervisor.h"

struct supervisor supervisor; /* hook.c refers to it; nothing here runs a hook */

#define SEED 20261121u
#define SIZE 4096u

static uint64_t state = SEED;

static uint32_t next_random(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33);
}

static size_t put_step(uint8_t *plan, size_t at, uint16_t code, const void *payload, uint32_t n) {
  struct plan_step step = {.code = code, .length = n};
  memcpy(plan + at, &step, sizeof step);
  memcpy(plan + at + sizeof step, payload, n);
  return (at + sizeof step + n + 7) & ~(size_t)7;
}

/* A plan with every shape there is. */
static size_t make_plan(uint8_t *plan) {
  static const uint8_t zeros[64];
  static const char exec[] = "\2\0\0\0\1\0\0\0/x\0y\0A=b";
  static const char hook[] = "\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0/h\0a\0E=f\0before\0after";
  static const char user[] = "\1\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0";
  static const char filter[] = "\0\0\0\0\1\0\0\0\6\0\0\0\0\0\377\177";
  static const char mount[24 + 16] = {[24] = 'p', [26] = 'q', [28] = '/', [29] = 'x', [31] = 'd'};
  static const char sink[32 + 4] = {[0] = 1, [4] = 3, [12] = 1, [32] = 'l'};
  struct plan_header header = {
      .magic = PLAN_MAGIC, .version = PLAN_VERSION, .kind = PLAN_INIT, .fds = 2, .count = 0};
  size_t at = sizeof header;
#define PUT(code, payload, n) (header.count++, at = put_step(plan, at, code, payload, n))
  PUT(STEP_ID, zeros, 1);
  PUT(STEP_SINK, sink, 34);
  PUT(STEP_CGROUP2, zeros, 4);
  PUT(STEP_ID_MAPS, zeros, 10);
  PUT(STEP_LISTENER, "/s\0{\0,\0}", 9);
  PUT(STEP_CGROUP1, zeros, 4);
  PUT(STEP_MOUNT, mount, 33);
  PUT(STEP_BIND, zeros, 33);
  PUT(STEP_USER, user, 24);
  PUT(STEP_SECCOMP, filter, 16);
  PUT(STEP_HOOK, hook, sizeof hook);
  PUT(STEP_LOOK_UP, "prog\0/bin", 10);
  PUT(STEP_READY, zeros, 0);
  PUT(STEP_EXEC, exec, sizeof exec);
  header.length = (uint32_t)at;
  memcpy(plan, &header, sizeof header);
  return at;
}

/* Reads every string that a child would read; sanitizers watch. */
static size_t walk(const struct plan *plan) {
  struct step step = {.payload = NULL};
  size_t seen = 0;
  while (plan_next(plan, &step)) {
    if (step.code == STEP_LISTENER) {
      for (unsigned i = 0; i < 4; i++)
        seen += strlen(step_string(&step, 0, i));
    } else if (step.code == STEP_HOOK) {
      struct hook hook;
      hook_parse(&step, &hook);
      seen += strlen(hook.before) + strlen(hook.after) + strlen(hook.path);
    } else if (step.code == STEP_EXEC) {
      uint32_t counts[2];
      memcpy(counts, step.payload, sizeof counts);
      const char *s = step_string(&step, 8, 0);
      for (uint64_t i = 0; i < (uint64_t)counts[0] + counts[1]; i++)
        s += strlen(s) + 1;
      seen += (size_t)(s - (const char *)step.payload);
    } else if (step.code == STEP_MOUNT) {
      seen += strlen(step_string(&step, sizeof(struct step_mount), 3));
    }
  }
  return seen;
}

int main(int argc, char **argv) {
  unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 300000u, accepted = 0;
  static uint8_t good[SIZE];
  size_t length = make_plan(good);
  /* At the end of its memory, so that one byte too many is seen. */
  for (unsigned round = 0; round < rounds; round++) {
    size_t size = next_random() % 4 == 0 ? next_random() % (length + 1) : length;
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL)
      return 1;
    memcpy(bytes, good, size);
    unsigned flips = round == 0 ? 0 : next_random() % 6;
    for (unsigned i = 0; i < flips && size > 0; i++) {
      size_t at = next_random() % size;
      if (next_random() % 3 == 0)
        bytes[at] = (uint8_t)next_random();
      else
        bytes[at] ^= (uint8_t)(1u << next_random() % 8);
    }
    struct plan plan = {.bytes = bytes, .mapped = size};
    struct failure failure;
    failure_clear(&failure);
    if (size >= sizeof(struct plan_header) && plan_validate(&plan, 2, &failure) == 0) {
      accepted++;
      if (walk(&plan) > SIZE)
        return 1;
    } else if (round == 0 && size == length) {
      fprintf(stderr, "the whole plan is refused: %s %s (step %u)\n", failure.what, failure.object,
              failure.step);
      return 1;
    }
    free(bytes);
  }
  printf("plan_fuzz: %u rounds, %u accepted\n", rounds, accepted);
  return accepted == 0;
}
