/* What the test files share: a registry of tests, and a container that is quick to make. */
#ifndef BERTH_CONTAINER_TEST_H
#define BERTH_CONTAINER_TEST_H

#include "driver.h"

struct test {
  const char *name;
  void (*run)(void);
};

extern const struct test lifecycle_tests[];
extern const struct test stdio_tests[];
extern const struct test exec_tests[];
extern const struct test attach_tests[];
extern const struct test wire_tests[];
extern const struct test keeper_tests[];
extern const struct test reaper_tests[];
extern const struct test fuzz_tests[];

/* The program that runs inside (guest.c). */
extern const char *guest_program;

/* A session with a root folder that has /guest; the path of the root. */
void container_open(struct session *session, char root[128]);
/* The same with arguments for the supervisor. */
void container_open_with(struct session *session, char root[128], const char *const *arguments);
/* The init plan up to its streams: sinks are to be added next, then plan_container_rest. */
void plan_container(struct plan_writer *plan, uint32_t namespaces);
/* Root, stdio, user 0, look-up, READY, EXEC of /guest with the arguments up to NULL. */
void plan_container_rest(struct plan_writer *plan, const char *root, const char *const *arguments);
/* The whole: made and started, without streams. */
void container_run(struct session *session, const char *root, const char *const *arguments);
/* An exec plan up to its streams, joining the init by `pidfd`. */
void plan_exec_begin(struct plan_writer *plan, const char *id, int pidfd);
void plan_exec_rest(struct plan_writer *plan, const char *const *arguments);
int init_pidfd(struct session *session);

#endif
