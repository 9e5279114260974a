/*
 * Drives a real berth-supervisor over its socket, as the Java side does: builds plans, starts the
 * program, sends requests with descriptors, waits for answers and notices. Also the smallest
 * example of the protocol in use.
 */
#ifndef BERTH_TEST_DRIVER_H
#define BERTH_TEST_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../main/c/protocol.h"

#define NOTICES_MAX 64

struct message {
  struct msg_header header;
  uint8_t payload[MSG_MAX_PAYLOAD];
  int fds[8];
  int fd_count;
};

/* A supervisor and one connection to it. */
struct session {
  char folder[64];
  int folder_fd;
  int socket;
  uint64_t next_request;
  struct message *notices; /* NOTICES_MAX, in the order they came */
  int notice_count;
};

struct plan_writer {
  uint8_t bytes[1 << 16];
  size_t length;
  struct plan_header header;
  int fds[64];
};

/* Everything below ends the test program with a message when it fails, unless it says otherwise. */

extern const char *supervisor_program;
void check_failed(const char *file, int line, const char *expression);
#define CHECK(e) ((e) ? (void)0 : check_failed(__FILE__, __LINE__, #e))

void session_open(struct session *session, const char *const *arguments);
/* Shuts the supervisor down by force, and removes the folder. */
void session_close(struct session *session);
/* Removes the folder of one whose supervisor has ended by itself. */
void session_forget(struct session *session);
/* Another connection to the same supervisor; greets as told. Returns the socket. */
int connect_socket(const struct session *session);
void send_message(int socket, uint16_t op, uint64_t request, const void *payload, size_t length,
                  const int *fds, int fd_count);
/* False at the end of the connection or after `timeout_ms`. */
bool receive_message(int socket, struct message *message, int timeout_ms);

/* Sends and waits for the answer; notices that come before it are kept. Returns errno of the answer
 * (0: done). */
int call(struct session *session, uint16_t op, const void *payload, size_t length, const int *fds,
         int fd_count, struct message *answer);
int call_as(struct session *session, uint64_t request, uint16_t op, const void *payload,
            size_t length, const int *fds, int fd_count, struct message *answer);
int call_id(struct session *session, uint16_t op, const char *id);
int call_signal(struct session *session, const char *id, uint32_t signal);
int hello(struct session *session, uint64_t seen_epoch, struct hello_reply *reply);
struct process_entry state_of(struct session *session, const char *id, struct state_reply *state);
/* Waits for a notice of that kind about that process. */
struct message *wait_notice(struct session *session, uint16_t op, const char *id, int timeout_ms);
struct exit_notice wait_exit(struct session *session, const char *id);

void plan_begin(struct plan_writer *plan, uint16_t kind, uint32_t namespaces);
/* Appends a step: `fixed` bytes, then strings up to NULL. */
void plan_step(struct plan_writer *plan, uint16_t code, uint16_t flags, const void *fixed,
               size_t length, ...);
uint32_t plan_fd(struct plan_writer *plan, int fd);
void plan_exec(struct plan_writer *plan, const char *const *argv, const char *const *envp);
int plan_memfd(struct plan_writer *plan);
int sealed_memfd(const void *bytes, size_t length);
/* Runs OP_CREATE or OP_EXEC with it; returns errno. */
int plan_run(struct session *session, struct plan_writer *plan, uint16_t op,
             struct message *answer);

/* Steps for a small container: root from `root`, /proc, /dev/pts, pivot. */
void plan_root(struct plan_writer *plan, const char *root);
void plan_sink(struct plan_writer *plan, uint32_t stream, uint32_t kind, int fd, int fd2);
void plan_user(struct plan_writer *plan, uint32_t uid, uint32_t gid);

char *read_all(int fd, size_t *length, int timeout_ms);
void nap_ms(long milliseconds);

#endif
