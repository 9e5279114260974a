#include "results.h"

#include <errno.h>
#include <string.h>

#include "connection.h"
#include "wire.h"

struct result {
  uint64_t request; /* 0: free */
  uint64_t order;
  uint16_t op;
  bool pending; /* not yet answered */
  bool waited;  /* the present controller wants the answer */
  bool unsent;
  uint16_t flags;
  pid_t pidfd_of;
  uint32_t length;
  uint8_t payload[RESULT_PAYLOAD_MAX];
};

static struct result results[RESULTS_MAX];
static uint64_t orders;
static unsigned unsent;

static struct result *find(uint64_t request) {
  for (unsigned i = 0; i < RESULTS_MAX; i++)
    if (results[i].request == request)
      return &results[i];
  return NULL;
}

static void send_result(struct result *result) {
  struct msg_header header = {.op = result->op,
                              .flags = (uint16_t)(MSG_REPLY | result->flags),
                              .length = result->length,
                              .request = result->request};
  int fds[1];
  uint32_t fd_count = 0;
  struct process *process = result->pidfd_of > 0 ? process_next(NULL) : NULL;
  for (; process != NULL && fd_count == 0; process = process_next(process))
    if (process->pid == result->pidfd_of && process->pidfd >= 0)
      fds[fd_count++] = process->pidfd;
  bool full = controller_send(&header, result->payload, fds, fd_count) < 0 && errno == EAGAIN;
  unsent += (full ? 1u : 0u) - (result->unsent ? 1u : 0u);
  result->unsent = full;
}

bool results_begin(uint64_t request, uint16_t op, enum result_state *state) {
  struct result *result = find(request);
  if (result != NULL) {
    *state = RESULT_KNOWN;
    result->waited = true;
    if (!result->pending)
      send_result(result);
    return true;
  }
  for (unsigned i = 0; i < RESULTS_MAX; i++) {
    struct result *r = &results[i];
    if (r->request == 0) {
      result = r;
      break;
    }
    if (!r->pending && !r->unsent && (result == NULL || r->order < result->order))
      result = r;
  }
  if (result == NULL)
    return false;
  result->request = request;
  result->order = ++orders;
  result->op = op;
  result->pending = result->waited = true;
  result->unsent = false;
  *state = RESULT_NEW;
  return true;
}

static void complete(struct result *result) {
  result->pending = false;
  if (result->waited)
    send_result(result);
}

void results_answer(uint64_t request, const void *payload, uint32_t length,
                    const struct process *pidfd_of) {
  struct result *result = find(request);
  if (result == NULL || !result->pending)
    return;
  result->flags = 0;
  result->length = length > RESULT_PAYLOAD_MAX ? RESULT_PAYLOAD_MAX : length;
  if (result->length > 0)
    memcpy(result->payload, payload, result->length);
  result->pidfd_of = pidfd_of != NULL ? pidfd_of->pid : 0;
  complete(result);
}

void results_fail(uint64_t request, const struct failure *failure) {
  struct result *result = find(request);
  if (result == NULL || !result->pending)
    return;
  result->flags = MSG_ERROR;
  result->length = packet_error(result->payload, failure);
  result->pidfd_of = 0;
  complete(result);
}

bool results_unsent(void) { return unsent > 0; }

bool results_flush(void) {
  for (unsigned i = 0; i < RESULTS_MAX && unsent > 0; i++)
    if (results[i].unsent)
      send_result(&results[i]);
  return unsent == 0;
}

void results_forget_waiters(void) {
  for (unsigned i = 0; i < RESULTS_MAX; i++)
    if (results[i].waited || results[i].unsent) /* a write to each would cost a page each */
      results[i].waited = results[i].unsent = false;
  unsent = 0;
}
