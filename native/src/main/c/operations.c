#include "operations.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "connection.h"
#include "endings.h"
#include "exits.h"
#include "hook_runner.h"
#include "launch.h"
#include "log_program.h"
#include "process.h"
#include "results.h"
#include "supervisor.h"
#include "syscalls.h"

static int pending[PLAN_FDS_MAX]; /* what OP_FDS has brought, until a plan takes it */
static uint32_t pending_count;
static bool shutting_down;

void operations_reset(void) {
  for (uint32_t i = 0; i < pending_count; i++)
    close_fd(&pending[i]);
  pending_count = 0;
}

/* Moves the descriptors from `first` on to the pending table. */
static int take_fds(struct packet *packet, uint32_t first, struct failure *failure) {
  if (pending_count + packet->fd_count - first > PLAN_FDS_MAX)
    return fail(failure, EMFILE, "take descriptors", "too many");
  for (uint32_t i = first; i < packet->fd_count; i++)
    pending[pending_count++] = take_fd(&packet->fds[i]);
  return 0;
}

static struct process *named(const struct packet *packet, uint32_t offset,
                             struct failure *failure) {
  const char *id = packet_string(packet, offset);
  if (id == NULL || offset + strlen(id) + 1 != packet->header.length) {
    fail(failure, EINVAL, "request", "malformed");
    return NULL;
  }
  struct process *process = process_by_id(id);
  if (process == NULL)
    fail(failure, ENOENT, "request", id[0] != 0 ? id : "init");
  return process;
}

static int do_launch(struct packet *packet, uint32_t kind, struct failure *failure) {
  int result = -1;
  if (packet->fd_count < 1 || packet->header.length != 0)
    fail(failure, EINVAL, "launch", "no plan");
  else if (kind == PLAN_INIT && supervisor.phase != PHASE_EMPTY)
    fail(failure, EEXIST, "create", "there is an init already");
  else if (kind == PLAN_EXEC &&
           (supervisor.phase == PHASE_EMPTY || supervisor.phase == PHASE_EXITED))
    fail(failure, ESRCH, "exec", "the container does not run");
  else if (kind == PLAN_EXEC && supervisor.phase == PHASE_STOPPED_AT_STEP)
    fail(failure, EBUSY, "exec", "the container is being made");
  else if (take_fds(packet, 1, failure) == 0) {
    uint32_t count = pending_count;
    pending_count = 0; /* the launch owns them now, come what may */
    result = launch_begin(kind, packet->header.op, packet->header.request, packet->fds[0], pending,
                          count, failure);
  }
  if (result < 0)
    operations_reset();
  return result;
}

static int do_release(struct packet *packet, struct failure *failure) {
  struct process *init = process_init();
  if (init == NULL)
    return fail(failure, supervisor.phase == PHASE_EXITED ? ESRCH : ENOENT, "release", "init");
  return launch_release(init, packet->header.op, packet->header.request, failure);
}

static int do_signal(struct packet *packet, struct failure *failure) {
  struct signal_request request;
  if (packet->header.length < sizeof request)
    return fail(failure, EINVAL, "signal", "malformed");
  memcpy(&request, packet->payload, sizeof request);
  struct process *process = named(packet, sizeof request, failure);
  if (process == NULL)
    return -1;
  if (process->exited || process->pidfd < 0)
    return fail(failure, ESRCH, "signal", process->id);
  if (request.signal > 64 || sys_pidfd_send_signal(process->pidfd, (int)request.signal) < 0)
    return fail(failure, request.signal > 64 ? EINVAL : errno, "signal", process->id);
  return 0;
}

static int do_acknowledge(struct packet *packet, struct failure *failure) {
  struct process *process = named(packet, 0, failure);
  if (process == NULL)
    return -1;
  if (!process->exited)
    return fail(failure, EBUSY, "acknowledge", "the process lives");
  if (process->acked)
    return fail(failure, ENOENT, "acknowledge", "done before");
  exit_record_remove(process);
  process->acked = true;
  if (endings_settled(process))
    process_free(process);
  return 0;
}

static int do_hook(struct packet *packet, struct failure *failure) {
  if (packet->fd_count < 1 || packet->fd_count > 2 || packet->header.length != 0)
    return fail(failure, EINVAL, "hook", "descriptors");
  return hook_begin(packet->header.request, packet->fds[0],
                    packet->fd_count == 2 ? packet->fds[1] : -1, failure);
}

static int do_log_program(struct packet *packet, struct failure *failure) {
  if (packet->fd_count != 1 + LOG_PROGRAM_FDS || packet->header.length != 0)
    return fail(failure, EINVAL, "log program", "descriptors");
  return log_program_start(packet->fds[0], packet->fds + 1, failure);
}

static int do_shutdown(struct packet *packet, struct failure *failure) {
  struct shutdown_request request;
  if (packet->header.length != sizeof request)
    return fail(failure, EINVAL, "shutdown", "malformed");
  memcpy(&request, packet->payload, sizeof request);
  if (request.force == 0 && process_any_alive())
    return fail(failure, EBUSY, "shutdown", "a process lives");
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p))
    if (!p->exited && p->pidfd >= 0)
      sys_pidfd_send_signal(p->pidfd, SIGKILL);
  launch_abort_all();
  hook_kill_all();
  shutting_down = true;
  return 0;
}

static int do_token(struct packet *packet, struct failure *failure) {
  struct token_request request;
  if (packet->header.length < sizeof request)
    return fail(failure, EINVAL, "token", "malformed");
  memcpy(&request, packet->payload, sizeof request);
  struct process *process = named(packet, sizeof request, failure);
  return process == NULL ? -1 : attach_allow(process, &request, failure);
}

static int do_stream(struct packet *packet, struct failure *failure) {
  struct resize_request size = {0};
  bool resize = packet->header.op == OP_RESIZE;
  if (resize && packet->header.length < sizeof size)
    return fail(failure, EINVAL, "resize", "malformed");
  struct process *process = named(packet, resize ? sizeof size : 0, failure);
  if (process == NULL)
    return -1;
  if (resize) {
    memcpy(&size, packet->payload, sizeof size);
    if (process->stdio.terminal)
      stdio_resize(&process->stdio, size.rows, size.columns);
  } else if (packet->header.op == OP_CLOSE_STDIN) {
    stdio_close_stdin(&process->stdio);
  } else {
    stdio_drop_output(&process->stdio);
  }
  return 0;
}

static void send_state(struct connection *connection, const struct packet *packet) {
  static uint8_t payload[MSG_MAX_PAYLOAD];
  struct state_reply state = {.phase = (uint16_t)supervisor.phase,
                              .epoch = supervisor.epoch,
                              .log_dropped = supervisor.log_dropped};
  uint32_t length = sizeof state;
  for (struct process *p = process_next(NULL); p != NULL; p = process_next(p)) {
    uint32_t id = (uint32_t)strlen(p->id) + 1;
    struct process_entry entry = {
        .pid = (uint32_t)p->pid,
        .phase = (uint16_t)p->phase,
        .how = p->exit.how,
        .code = p->exit.code,
        .flags = (p->stdio.terminal ? PROCESS_TERMINAL : 0) |
                 (endings_settled(p) ? PROCESS_DRAINED : 0) | (p->acked ? PROCESS_ACKED : 0),
        .exited_at = p->exit.exited_at,
    };
    if (length + sizeof entry + id > sizeof payload)
      break; /* cannot happen: PROCESSES_MAX entries fit */
    memcpy(payload + length, &entry, sizeof entry);
    memcpy(payload + length + sizeof entry, p->id, id);
    length += (uint32_t)sizeof entry + id;
    state.count++;
  }
  memcpy(payload, &state, sizeof state);
  connection_reply(connection, packet, payload, length);
}

_Static_assert(PROCESSES_MAX *(sizeof(struct process_entry) + EXEC_ID_MAX + 1) +
                       sizeof(struct state_reply) <=
                   MSG_MAX_PAYLOAD,
               "a state fits a packet");

/* Returns 0 when it is done, -1 when it failed, and 1 when it is answered later. */
static int changing(struct packet *packet, struct failure *failure) {
  switch (packet->header.op) {
  case OP_CREATE:
    return do_launch(packet, PLAN_INIT, failure) < 0 ? -1 : 1;
  case OP_EXEC:
    return do_launch(packet, PLAN_EXEC, failure) < 0 ? -1 : 1;
  case OP_CONTINUE:
  case OP_START:
    return do_release(packet, failure) < 0 ? -1 : 1;
  case OP_HOOK:
    return do_hook(packet, failure) < 0 ? -1 : 1;
  case OP_SIGNAL:
    return do_signal(packet, failure);
  case OP_ACK:
    return do_acknowledge(packet, failure);
  default:
    return do_shutdown(packet, failure);
  }
}

static int plain(struct packet *packet, struct failure *failure) {
  switch (packet->header.op) {
  case OP_FDS:
    return take_fds(packet, 0, failure);
  case OP_LOG_PROGRAM:
    return do_log_program(packet, failure);
  case OP_TOKEN:
    return do_token(packet, failure);
  case OP_RESIZE:
  case OP_CLOSE_STDIN:
  case OP_DROP_OUTPUT:
    return do_stream(packet, failure);
  default:
    return fail(failure, ENOSYS, "request", "unknown operation");
  }
}

static bool is_changing(uint16_t op) {
  return op == OP_CREATE || op == OP_EXEC || op == OP_CONTINUE || op == OP_START || op == OP_HOOK ||
         op == OP_SIGNAL || op == OP_ACK || op == OP_SHUTDOWN;
}

void operations_take(struct connection *connection, struct packet *packet) {
  struct failure failure;
  failure_clear(&failure);
  if (packet->header.op == OP_STATE) {
    send_state(connection, packet);
    return;
  }
  if (!is_changing(packet->header.op) || packet->header.request == 0) {
    if (packet->header.request == 0 && is_changing(packet->header.op))
      fail(&failure, EINVAL, "request", "a changing operation needs a request id");
    else if (plain(packet, &failure) == 0) {
      connection_reply(connection, packet, NULL, 0);
      return;
    }
    connection_reply_failure(connection, packet, &failure);
    return;
  }
  enum result_state state;
  uint64_t request = packet->header.request;
  if (!results_begin(request, packet->header.op, &state)) {
    fail(&failure, EUSERS, "request", "too many in progress");
    connection_reply_failure(connection, packet, &failure);
    return;
  }
  if (state == RESULT_KNOWN)
    return;
  int done = changing(packet, &failure);
  if (done < 0)
    results_fail(request, &failure);
  else if (done == 0)
    results_answer(request, NULL, 0, NULL);
  if (shutting_down)
    loop_end();
}
