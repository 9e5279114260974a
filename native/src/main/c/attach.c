#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "input.h"
#include "output.h"
#include "supervisor.h"

#define TOKENS_MAX 256u
#define CLIENTS_MAX 128u
#define TOKEN_TTL_MAX_MS 600000u
#define AFTER_TOKEN_MS 10000u /* how long an output is still held when a token was not used */

struct token {
  bool used;
  uint8_t bytes[32];
  struct process *process;
  struct timer ttl;
};

struct client {
  bool used;
  bool attached;
  bool told_exit, told_drained;
  bool breaks;     /* ATTACH_BREAKS */
  bool carried[2]; /* ATTACH_CARRIED_* */
  struct process *process;
  struct connection *connection; /* NULL once it has gone */
  struct source in;
  struct sink out[2];
  struct broken_notice broken;
  struct timer break_off; /* in the loop's next round: an output is in use when one of its sinks
                             breaks */
};

_Static_assert(CLIENTS_MAX + 16 <= CONNECTIONS_MAX, "clients leave room for a controller");
_Static_assert(PROCESSES_MAX *(2 * (2 + SINKS_PER_OUTPUT) + 3) + TOKENS_MAX + CLIENTS_MAX * 3 +
                       CONNECTIONS_MAX + 128 <=
                   TIMERS_MAX,
               "every timer that is set fires");

static struct token tokens[TOKENS_MAX];
static struct client clients[CLIENTS_MAX];

static void break_off(struct timer *timer);

static void token_over(struct timer *timer) {
  struct token *token = container_of(timer, struct token, ttl);
  token->used = false;
  token->process->events->unattended(token->process);
}

bool attach_expected(const struct process *process) {
  for (unsigned i = 0; i < TOKENS_MAX; i++)
    if (tokens[i].used && tokens[i].process == process)
      return true;
  for (unsigned i = 0; i < CLIENTS_MAX; i++)
    if (clients[i].used && clients[i].process == process)
      return true;
  return false;
}

int attach_allow(struct process *process, const struct token_request *request,
                 struct failure *failure) {
  for (unsigned i = 0; i < TOKENS_MAX; i++) {
    struct token *token = &tokens[i];
    if (token->used)
      continue;
    uint32_t ttl = request->ttl_ms > TOKEN_TTL_MAX_MS ? TOKEN_TTL_MAX_MS : request->ttl_ms;
    token->used = true;
    token->process = process;
    memcpy(token->bytes, request->token, sizeof token->bytes);
    token->ttl.fire = token_over;
    timer_set(&token->ttl, ttl);
    if (process->launch == NULL)
      stdio_running(&process->stdio, ttl + AFTER_TOKEN_MS);
    return 0;
  }
  return fail(failure, EUSERS, "token", "too many outstanding");
}

uint64_t attach_hold_ms(const struct process *process) {
  uint64_t longest = 0, now = monotonic_now();
  for (unsigned i = 0; i < TOKENS_MAX; i++)
    if (tokens[i].used && tokens[i].process == process && tokens[i].ttl.at > now &&
        tokens[i].ttl.at - now > longest)
      longest = tokens[i].ttl.at - now;
  return longest / 1000000u + AFTER_TOKEN_MS;
}

/* Compares in a time that does not depend on where the first difference is, so that no token can be
 * guessed byte by byte. */
static bool same_token(const uint8_t *a, const uint8_t *b) {
  unsigned difference = 0;
  for (unsigned i = 0; i < 32; i++)
    difference |= (unsigned)(a[i] ^ b[i]);
  return difference == 0;
}

int attach_greet(struct connection *connection, const uint8_t token[32], struct failure *failure) {
  struct token *found = NULL;
  for (unsigned i = 0; i < TOKENS_MAX; i++)
    if (tokens[i].used && same_token(tokens[i].bytes, token))
      found = &tokens[i];
  if (found == NULL)
    return fail(failure, EACCES, "hello", "unknown or used token");
  for (unsigned i = 0; i < CLIENTS_MAX; i++) {
    struct client *client = &clients[i];
    if (client->used)
      continue;
    memset(client, 0, sizeof *client);
    client->used = true;
    client->process = found->process;
    client->connection = connection;
    client->in.watch.fd = client->out[0].watch.fd = client->out[1].watch.fd = -1;
    client->break_off.fire = break_off;
    found->used = false;
    timer_clear(&found->ttl);
    return 0;
  }
  return fail(failure, EUSERS, "hello", "as many are attached as there can be");
}

static struct client *client_of(const struct connection *connection) {
  for (unsigned i = 0; i < CLIENTS_MAX; i++)
    if (clients[i].used && clients[i].connection == connection)
      return &clients[i];
  return NULL;
}

static void forget_streams(struct client *client) {
  if (client->in.used)
    input_remove_source(&client->process->stdio.input, &client->in);
  for (int i = 0; i < 2; i++) {
    struct sink *sink = &client->out[i];
    if (sink->used) {
      struct output *output = sink->output;
      output_remove_sink(output, sink);
      output_pump(output); /* it may have been the one that held the process */
    }
  }
}

static void client_free(struct client *client) {
  struct connection *connection = client->connection;
  struct process *process = client->process;
  client->connection = NULL;
  timer_clear(&client->break_off);
  forget_streams(client);
  client->used = false;
  if (connection != NULL)
    connection_close(connection);
  if (process->used)
    process->events->unattended(process);
}

/* Opened anew, the master of a terminal is that of another one. */
static bool is_master(const struct stat *st) {
  return S_ISCHR(st->st_mode) && major(st->st_rdev) == 5 && minor(st->st_rdev) == 2;
}

/*
 * The client's descriptions are shared with its own process, often a shell's terminal: O_NONBLOCK
 * on them would surprise others. A pipe, FIFO or terminal can be opened anew; a socket has
 * MSG_DONTWAIT; a file does not block. What is none of these is looked at before each transfer.
 */
static int own_description(int fd, int mode) {
  struct stat st;
  if (fstat(fd, &st) < 0 || (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) || is_master(&st))
    return fd;
  int own = supervisor_reopen(fd, mode | O_NONBLOCK | O_NOCTTY);
  if (own < 0)
    return fd;
  close(fd);
  return own;
}

static void break_later(struct client *client, uint32_t stream, int error) {
  if (client->broken.stream != 0)
    return;
  client->broken.stream = stream;
  client->broken.error = error;
  timer_set(&client->break_off, 0);
}

static void broken(struct sink *sink, int error) {
  unsigned i = 0;
  while (sink != &clients[i].out[0] && sink != &clients[i].out[1])
    i++;
  struct client *client = &clients[i];
  uint32_t stream = sink == &client->out[0] ? 1 : 2;
  if (!client->carried[stream - 1])
    break_later(client, stream, error);
}

static void attach_output(struct client *client, int number, int fd, bool back_pressure) {
  struct output *output = &client->process->stdio.outputs[number];
  struct sink *sink = &client->out[number];
  if (output->source.fd < 0 && output->filled == 0) {
    close(fd); /* nothing will come */
    return;
  }
  sink_open(sink, SINK_PIPE, own_description(fd, O_WRONLY));
  sink->back_pressure = back_pressure;
  sink->broken = broken;
  output_add_sink(output, sink);
  if (output->hold != NULL) {
    /* The chunk that was kept for the first client goes to this one alone. */
    sink->taken = output->hold->taken;
    output->hold->taken = output->filled;
    output->hold = NULL;
    timer_clear(&output->hold_timer);
  }
  output_pump(output);
}

static void detached(struct source *source);

static void attach_input(struct client *client, int fd, bool keep_open, const uint8_t *keys,
                         uint32_t count) {
  struct input *input = &client->process->stdio.input;
  if (!input->wanted && !client->process->stdio.terminal) {
    close(fd);
    return;
  }
  source_open(&client->in, own_description(fd, O_RDONLY), keep_open);
  if (client->process->stdio.terminal)
    source_set_keys(&client->in, keys, count, detached);
  input_add_source(input, &client->in);
  input_pump(input);
}

static void notify(struct client *client, uint16_t op, const void *fixed, uint32_t length) {
  uint8_t payload[sizeof(struct exit_notice) + EXEC_ID_MAX + 1];
  uint32_t id = (uint32_t)strlen(client->process->id) + 1;
  if (length > 0)
    memcpy(payload, fixed, length);
  memcpy(payload + length, client->process->id, id);
  struct msg_header header = {.op = op, .length = length + id};
  /* Two small notices on an idle socket: if even these do not fit, the client has gone. */
  packet_send(client->connection->watch.fd, &header, payload, NULL, 0);
}

/* The reader has gone, or its disk is full. */
static void break_off(struct timer *timer) {
  struct client *client = container_of(timer, struct client, break_off);
  struct process *process = client->process;
  uint32_t stream = client->broken.stream;
  bool breaks = client->breaks;
  if (client->connection != NULL)
    notify(client, OP_BROKEN, &client->broken, sizeof client->broken);
  client_free(client);
  if (breaks && process->used)
    stdio_hang_up(&process->stdio, stream);
}

/* The client typed its keys. The process's input is not at its end, for another client may go on.
 */
static void detached(struct source *source) {
  struct client *client = container_of(source, struct client, in);
  if (client->connection != NULL)
    notify(client, OP_DETACHED, NULL, 0);
  client_free(client);
}

static void tell(struct client *client) {
  struct process *process = client->process;
  if (client->connection == NULL || !client->attached || client->broken.stream != 0)
    return;
  if (process->exited && !client->told_exit) {
    client->told_exit = true;
    notify(client, OP_EXIT, &process->exit, sizeof process->exit);
  }
  if (process->stdio.drained && !client->told_drained) {
    client->told_drained = true;
    notify(client, OP_DRAINED, NULL, 0);
  }
  if (client->told_exit && client->told_drained)
    client_free(client);
}

/* The client found out for itself that nobody takes an output any more. */
static void take_break(struct client *client, const struct packet *packet) {
  struct broken_notice notice;
  struct failure failure;
  failure_clear(&failure);
  memset(&notice, 0, sizeof notice);
  if (packet->header.length == sizeof notice)
    memcpy(&notice, packet->payload, sizeof notice);
  if (notice.stream < 1 || notice.stream > 2 || !client->carried[notice.stream - 1] ||
      notice.error <= 0) {
    fail(&failure, EINVAL, "break", "no output that the client carries on");
    connection_reply_failure(client->connection, packet, &failure);
    return;
  }
  break_later(client, notice.stream, notice.error);
  connection_reply(client->connection, packet, NULL, 0);
}

void attach_operation(struct connection *connection, struct packet *packet) {
  struct client *client = client_of(connection);
  if (packet->header.op == OP_BREAK && client != NULL && client->attached) {
    take_break(client, packet);
    return;
  }
  struct failure failure;
  struct attach_request request;
  uint8_t keys[ATTACH_KEYS_MAX] = {0};
  failure_clear(&failure);
  const char *id = packet_string(packet, sizeof request);
  if (packet->header.op != OP_ATTACH)
    fail(&failure, EPERM, "request", "this role only attaches");
  else if (client == NULL || client->attached)
    fail(&failure, EINVAL, "attach", "attached already");
  else if (id == NULL || strcmp(id, client->process->id) != 0)
    fail(&failure, EACCES, "attach", "the token is for another process");
  else {
    memcpy(&request, packet->payload, sizeof request);
    uint32_t wanted =
        (request.streams & ATTACH_STDIN) + (request.streams >> 1 & 1) + (request.streams >> 2 & 1);
    uint32_t fixed = (uint32_t)(sizeof request + strlen(id) + 1);
    if (wanted != packet->fd_count)
      fail(&failure, EINVAL, "attach", "descriptors");
    else if (request.keys > ATTACH_KEYS_MAX || request.keys > packet->header.length - fixed)
      fail(&failure, EINVAL, "attach", "detach keys");
    else
      memcpy(keys, packet->payload + fixed, request.keys);
  }
  if (failure.error != 0) {
    connection_reply_failure(connection, packet, &failure);
    return;
  }
  timer_clear(&connection->greeting);
  client->attached = true;
  client->breaks = (request.streams & ATTACH_BREAKS) != 0;
  client->carried[0] = (request.streams & ATTACH_CARRIED_STDOUT) != 0;
  client->carried[1] = (request.streams & ATTACH_CARRIED_STDERR) != 0;
  connection_reply(connection, packet, NULL, 0);
  if (!connection->used)
    return;
  uint32_t next = 0;
  bool back_pressure = (request.streams & ATTACH_BACK_PRESSURE) != 0;
  if ((request.streams & ATTACH_STDIN) != 0)
    attach_input(client, take_fd(&packet->fds[next++]), (request.streams & ATTACH_KEEP_STDIN) != 0,
                 keys, request.keys);
  for (int i = 0; i < 2; i++)
    if ((request.streams & (i == 0 ? ATTACH_STDOUT : ATTACH_STDERR)) != 0)
      attach_output(client, i, take_fd(&packet->fds[next++]), back_pressure);
  if (client->used)
    tell(client);
}

void attach_connection_gone(struct connection *connection) {
  struct client *client = client_of(connection);
  if (client == NULL)
    return;
  client->connection = NULL; /* the caller closes it */
  bool ends_input = client->in.used && !client->in.keep_open;
  struct input *input = &client->process->stdio.input;
  client_free(client);
  if (ends_input)
    input_end(input);
}

void attach_notify_exit(struct process *process) {
  for (unsigned i = 0; i < CLIENTS_MAX; i++)
    if (clients[i].used && clients[i].process == process)
      tell(&clients[i]);
}

void attach_process_gone(struct process *process) {
  for (unsigned i = 0; i < CLIENTS_MAX; i++)
    if (clients[i].used && clients[i].process == process)
      client_free(&clients[i]);
  for (unsigned i = 0; i < TOKENS_MAX; i++) {
    if (tokens[i].used && tokens[i].process == process) {
      tokens[i].used = false;
      timer_clear(&tokens[i].ttl);
    }
  }
}
