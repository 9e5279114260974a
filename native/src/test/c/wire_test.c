#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container_test.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)

static struct plan_writer plan;
static struct message answer;

static int error_in(const struct message *m) {
  struct msg_error error;
  if ((m->header.flags & MSG_ERROR) == 0)
    return 0;
  memcpy(&error, m->payload, sizeof error);
  return error.error;
}

static void hello_first(void) {
  struct session s;
  session_open(&s, NULL);
  int socket = connect_socket(&s);
  send_message(socket, OP_STATE, 1, NULL, 0, NULL, 0);
  CHECK(receive_message(socket, &answer, 1000) && error_in(&answer) == EPERM);
  struct hello_request attach = {.version = 1, .role = ROLE_ATTACH};
  send_message(socket, OP_HELLO, 2, &attach, sizeof attach, NULL, 0);
  CHECK(receive_message(socket, &answer, 1000) && error_in(&answer) == EACCES);
  struct hello_request strange = {.version = 1, .role = 9};
  send_message(socket, OP_HELLO, 3, &strange, sizeof strange, NULL, 0);
  CHECK(receive_message(socket, &answer, 1000) && error_in(&answer) == EINVAL);
  close(socket);
  CHECK(call(&s, 999, NULL, 0, NULL, 0, &answer) == ENOSYS);
  CHECK(call_as(&s, 0, OP_SHUTDOWN, "\0\0\0\0\0\0\0", 8, NULL, 0, &answer) == EINVAL);
  struct stat st;
  CHECK(fstatat(s.folder_fd, "sup.sock", &st, 0) == 0 && (st.st_mode & 0777) == 0600);
  session_close(&s);
}

/* Another user may reach the socket's path, but not the supervisor. */
static void other_users_are_refused(void) {
  struct session s;
  session_open(&s, NULL);
  CHECK(chmod(s.folder, 0755) == 0 && fchmodat(s.folder_fd, "sup.sock", 0666, 0) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    CHECK(setgid(12345) == 0 && setuid(12345) == 0);
    int socket = connect_socket(&s);
    _exit(receive_message(socket, &answer, 1000) ? 1 : 0); /* only the end */
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  session_close(&s);
}

static void epochs(void) {
  struct session s, second;
  struct hello_reply reply;
  char root[128];
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"exit", "5", NULL});
  wait_exit(&s, "");
  second = s;
  second.notices = calloc(NOTICES_MAX, sizeof *second.notices);
  second.notice_count = 0;
  second.socket = connect_socket(&s);
  CHECK(hello(&second, 7, &reply) == ESTALE);
  CHECK(hello(&second, 0, &reply) == ESTALE);
  CHECK(hello(&second, 1, &reply) == 0);
  CHECK(reply.epoch == 2 && reply.phase == PHASE_EXITED && reply.version == PROTOCOL_VERSION);
  struct message *m = wait_notice(&s, OP_DEPOSED, "", 1000);
  CHECK(m != NULL && m->payload[0] == 2);
  CHECK(wait_notice(&s, OP_EXIT, "x", 1000) == NULL); /* the end of the connection */
  /* The exit is told again, to the new one, until it is acknowledged. */
  CHECK(wait_exit(&second, "").code == 5);
  CHECK(call_id(&second, OP_ACK, "") == 0);
  CHECK(hello(&second, EPOCH_ANY, &reply) == 0 && reply.epoch == 3);
  CHECK(wait_notice(&second, OP_EXIT, "", 200) == NULL);
  close(s.socket);
  free(s.notices);
  session_close(&second);
}

static void repeated_requests(void) {
  struct session s;
  struct hello_reply greeting;
  struct launch_reply first, again;
  char root[128];
  container_open(&s, root);
  plan_container(&plan, NAMESPACES);
  plan_container_rest(&plan, root, (const char *[]){"sleep", "60000", NULL});
  int memfd = plan_memfd(&plan);
  CHECK(call_as(&s, 77, OP_CREATE, NULL, 0, &memfd, 1, &answer) == 0);
  memcpy(&first, answer.payload, sizeof first);
  CHECK(call_as(&s, 77, OP_CREATE, NULL, 0, &memfd, 1, &answer) == 0);
  memcpy(&again, answer.payload, sizeof again);
  CHECK(first.pid == again.pid && answer.fd_count == 1);
  CHECK(call_as(&s, 78, OP_CREATE, NULL, 0, &memfd, 1, &answer) == EEXIST);
  CHECK(call_as(&s, 79, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  /* Another controller that repeats the request. */
  int old = s.socket;
  s.socket = connect_socket(&s);
  CHECK(hello(&s, EPOCH_ANY, &greeting) == 0);
  CHECK(call_as(&s, 79, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  CHECK(call_as(&s, 80, OP_START, NULL, 0, NULL, 0, &answer) == EBUSY);
  close(old);
  session_close(&s);
}

/* A controller dies while the plan waits; the next one repeats the request and is given the answer.
 */
static void joins_what_is_in_progress(void) {
  struct session s;
  struct hello_reply greeting;
  char root[128];
  container_open(&s, root);
  static struct {
    struct step_hook hook;
    char strings[64];
  } hook = {.hook = {.timeout_ms = 5000, .argc = 2}};
  size_t length = sizeof hook.hook;
  const char *strings[] = {"/bin/sleep", "sleep", "0.7", "", ""};
  for (int i = 0; i < 5; i++) {
    strcpy((char *)&hook + length, strings[i]);
    length += strlen(strings[i]) + 1;
  }
  plan_container(&plan, NAMESPACES);
  plan_step(&plan, STEP_HOOK, 0, &hook, length, NULL);
  plan_container_rest(&plan, root, (const char *[]){"sleep", "60000", NULL});
  int memfd = plan_memfd(&plan);
  send_message(s.socket, OP_CREATE, 50, NULL, 0, &memfd, 1);
  nap_ms(100);
  close(s.socket);
  s.socket = connect_socket(&s);
  CHECK(hello(&s, EPOCH_ANY, &greeting) == 0 && greeting.phase == PHASE_EMPTY);
  CHECK(call_as(&s, 50, OP_CREATE, NULL, 0, NULL, 0, &answer) == 0);
  CHECK(answer.fd_count == 1);
  session_close(&s);
}

/* Requests sent in one go, none of whose answers is read for a while. */
static void slow_controller(void) {
  struct session s;
  session_open(&s, NULL);
  struct {
    struct signal_request signal;
    char id[8];
  } request = {{.signal = 15}, "absent"};
  pid_t writer = fork();
  if (writer == 0) {
    for (uint64_t i = 1000; i < 3000; i++)
      send_message(s.socket, OP_SIGNAL, i, &request, sizeof request.signal + 7, NULL, 0);
    _exit(0);
  }
  nap_ms(300);
  for (uint64_t i = 1000; i < 3000; i++) {
    CHECK(receive_message(s.socket, &answer, 3000));
    CHECK(answer.header.request == i && error_in(&answer) == ENOENT);
  }
  int status;
  CHECK(waitpid(writer, &status, 0) == writer && status == 0);
  session_close(&s);
}

static void descriptors_in_several_packets(void) {
  struct session s;
  char root[128];
  container_open(&s, root);
  int out[2];
  size_t length;
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_container_rest(&plan, root, (const char *[]){"print", "x", NULL});
  int memfd = plan_memfd(&plan);
  CHECK(call(&s, OP_CREATE, NULL, 0, &memfd, 1, &answer) == EINVAL); /* descriptor missing */
  CHECK(call(&s, OP_FDS, NULL, 0, &out[1], 1, &answer) == 0);
  CHECK(call(&s, OP_CREATE, NULL, 0, &memfd, 1, &answer) == 0);
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  close(out[1]);
  CHECK(strcmp(read_all(out[0], &length, 2000), "x") == 0);
  session_close(&s);
}

static int create_error(struct session *s, int memfd) {
  int error = call(s, OP_CREATE, NULL, 0, &memfd, 1, &answer);
  close(memfd);
  return error;
}

static void bad_plans(void) {
  struct session s;
  struct state_reply state;
  session_open(&s, NULL);
  int unsealed = memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  CHECK(ftruncate(unsealed, 4096) == 0);
  CHECK(create_error(&s, unsealed) == EPERM);
  CHECK(create_error(&s, open("/dev/null", O_RDWR | O_CLOEXEC)) == EINVAL);
  CHECK(create_error(&s, sealed_memfd("short", 5)) == E2BIG);
  static char zeros[4096];
  CHECK(create_error(&s, sealed_memfd(zeros, sizeof zeros)) == EINVAL);
  const char *argv[] = {"/x", NULL};
  plan_begin(&plan, PLAN_INIT, 0);
  plan_exec(&plan, argv, NULL); /* no id */
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == EINVAL);
  plan_container(&plan, 0);
  plan_exec(&plan, argv, NULL);
  plan_exec(&plan, argv, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == EINVAL);
  plan_container(&plan, 0);
  plan_step(&plan, STEP_READY, 0, NULL, 0, NULL); /* no EXEC */
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == EINVAL);
  plan_container(&plan, 0);
  plan_step(&plan, STEP_HOSTNAME, 0, NULL, 0, "h", NULL);
  plan_step(&plan, STEP_CGROUP2, 0, &(uint32_t){0}, 4, NULL); /* out of order, and no descriptor */
  plan_exec(&plan, argv, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == EINVAL);
  plan_container(&plan, 0);
  plan_step(&plan, 31, 0, NULL, 0, NULL);
  plan_exec(&plan, argv, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == EOPNOTSUPP);
  plan_container(&plan, 0);
  plan_step(&plan, STEP_HOSTNAME, 0, "unterminated", 12, NULL);
  plan_exec(&plan, argv, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == EINVAL);
  plan_begin(&plan, PLAN_EXEC, 0);
  plan_step(&plan, STEP_ID, 0, NULL, 0, "e", NULL);
  plan_exec(&plan, argv, NULL);
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == EINVAL);
  CHECK(plan_run(&s, &plan, OP_EXEC, &answer) == ESRCH);
  state_of(&s, "", &state);
  CHECK(state.phase == PHASE_EMPTY && state.count == 0);
  session_close(&s);
}

/* PDEATHSIG: the container goes with its supervisor, unless the plan says otherwise. */
static void supervisor_dies(void) {
  for (int keep = 0; keep < 2; keep++) {
    struct session s;
    struct hello_reply greeting;
    char root[128], command[200];
    container_open(&s, root);
    CHECK(hello(&s, EPOCH_ANY, &greeting) == 0);
    plan_container(&plan, NAMESPACES);
    plan.header.flags = keep ? PLAN_KEEP_ON_SUPERVISOR_DEATH : 0;
    plan_container_rest(&plan, root, (const char *[]){"sleep", "60000", NULL});
    CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
    CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
    int pidfd = init_pidfd(&s);
    CHECK(kill((pid_t)greeting.pid, SIGKILL) == 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    CHECK(poll(&p, 1, keep ? 300 : 3000) == (keep ? 0 : 1));
    if (keep)
      syscall(424 /* pidfd_send_signal */, pidfd, SIGKILL, NULL, 0);
    CHECK(poll(&p, 1, 3000) == 1);
    close(s.socket);
    snprintf(command, sizeof command, "rm -rf '%s'", s.folder);
    CHECK(system(command) == 0);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  }
}

/* What stage 0 is told: leaf, mount namespace, name. */
static void birth(void) {
  struct session s;
  struct hello_reply greeting;
  char folder[128] = "", argument[3][64], path[64], text[4096] = "", link[2][64] = {"", ""};
  char line[512], where[256], type[64];
  FILE *mounts = fopen("/proc/self/mounts", "r");
  while (fgets(line, sizeof line, mounts) != NULL)
    if (sscanf(line, "%*s %255s %63s", where, type) == 2 && strcmp(type, "cgroup2") == 0)
      snprintf(folder, sizeof folder, "%.80s/berth-c-birth-%d", where, (int)getpid());
  fclose(mounts);
  /* A mount namespace of its own, kept by a descriptor. */
  pid_t holder = fork();
  if (holder == 0) {
    CHECK(syscall(SYS_unshare, CLONE_NEWNS) == 0);
    nap_ms(20000);
    _exit(0);
  }
  nap_ms(50);
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)holder);
  int mount_ns = fcntl(open(path, O_RDONLY | O_CLOEXEC), F_DUPFD, 20);
  CHECK(readlink(path, link[0], 63) > 0 && mount_ns > 4);
  snprintf(argument[0], 64, "mntns=%d", mount_ns);
  snprintf(argument[1], 64, "name=box");
  int leaf = -1;
  if (folder[0] != 0 && mkdir(folder, 0755) == 0) {
    leaf = fcntl(open(folder, O_PATH | O_CLOEXEC), F_DUPFD, 20);
    snprintf(argument[2], 64, "cgroup2=%d", leaf);
  }
  session_open(&s,
               (const char *[]){argument[0], argument[1], leaf >= 0 ? argument[2] : NULL, NULL});
  CHECK(hello(&s, EPOCH_ANY, &greeting) == 0);
  snprintf(path, sizeof path, "/proc/%u/ns/mnt", greeting.pid);
  CHECK(readlink(path, link[1], 63) > 0 && strcmp(link[0], link[1]) == 0);
  snprintf(path, sizeof path, "/proc/%u/cgroup", greeting.pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  CHECK(read(fd, text, sizeof text - 1) > 0);
  close(fd);
  CHECK(leaf < 0 || strstr(text, "/berth-c-birth-") != NULL);
  snprintf(path, sizeof path, "/proc/%u/cmdline", greeting.pid);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  memset(text, 0, sizeof text);
  CHECK(read(fd, text, sizeof text - 1) > 0 && strcmp(text, "berth-supervisor box") == 0);
  close(fd);
  snprintf(path, sizeof path, "/proc/%u/fd", greeting.pid);
  struct stat st;
  CHECK(stat(path, &st) == 0 && st.st_uid == 0);
  session_close(&s);
  CHECK(kill(holder, SIGKILL) == 0 && waitpid(holder, NULL, 0) == holder);
  close(mount_ns);
  close(leaf);
  /* A process that has ended is in its cgroup until it has been reaped. */
  for (int i = 0; leaf >= 0 && rmdir(folder) < 0; i++) {
    CHECK(errno == EBUSY && i < 500);
    nap_ms(10);
  }
  pid_t bad = fork();
  if (bad == 0) {
    execl(supervisor_program, supervisor_program, "supervise", "cgroup2=x", (char *)NULL);
    _exit(9);
  }
  int status;
  CHECK(waitpid(bad, &status, 0) == bad && WEXITSTATUS(status) == 1);
}

static void shutdown_refuses_while_alive(void) {
  struct session s;
  char root[128];
  struct shutdown_request request = {0};
  container_open(&s, root);
  container_run(&s, root, (const char *[]){"sleep", "60000", NULL});
  CHECK(call(&s, OP_SHUTDOWN, &request, sizeof request, NULL, 0, &answer) == EBUSY);
  int pidfd = init_pidfd(&s);
  session_close(&s); /* by force */
  struct pollfd p = {.fd = pidfd, .events = POLLIN};
  CHECK(poll(&p, 1, 2000) == 1);
}

static char *output_of(struct session *s, int out[2]) {
  size_t length;
  CHECK(plan_run(s, &plan, OP_CREATE, &answer) == 0);
  close(out[1]);
  return read_all(out[0], &length, 3000);
}

static void limits_identity_filter(void) {
  struct session s;
  char root[128];
  int out[2];
  uint32_t owner[2] = {1000, 1000}, one = 1;
  uint64_t bounding = 1u << 10;
  struct step_caps caps = {1u << 10, 1u << 10, 1u << 10, 1u << 10};
  struct step_rlimit files = {.resource = RLIMIT_NOFILE, .soft = 77, .hard = 78};
  struct {
    uint32_t flags, count;
    struct sock_filter filter[4];
  } seccomp = {0,
               4,
               {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  struct {
    struct step_user user;
    uint32_t groups[2];
  } user = {{1000, 1001, 2, 0}, {42, 43}};
  container_open(&s, root);
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  plan_step(&plan, STEP_OOM_SCORE, 0, &(int32_t){321}, 4, NULL);
  plan_root(&plan, root);
  plan_step(&plan, STEP_RLIMIT, 0, &files, sizeof files, NULL);
  plan_step(&plan, STEP_SYSCTL, 0, NULL, 0, "kernel/msgmax", "9000", NULL);
  plan_step(&plan, STEP_STDIO, 0, owner, sizeof owner, NULL);
  plan_step(&plan, STEP_CAP_BOUNDING, 0, &bounding, 8, NULL);
  plan_step(&plan, STEP_KEEP_CAPS, 0, &one, 4, NULL);
  plan_step(&plan, STEP_NO_NEW_PRIVS, 0, NULL, 0, NULL);
  plan_step(&plan, STEP_USER, 0, &user, sizeof user, NULL);
  plan_step(&plan, STEP_CAPS, 0, &caps, sizeof caps, NULL);
  plan_step(&plan, STEP_UMASK, 0, &(uint32_t){027}, 4, NULL);
  plan_step(&plan, STEP_SECCOMP, 0, &seccomp, sizeof seccomp, NULL);
  plan_exec(&plan, (const char *[]){"/guest", "status", NULL}, NULL);
  char *text = output_of(&s, out);
  CHECK(strstr(text, "Uid:\t1000\t1000\t1000\t1000\nGid:\t1001\t1001\t1001\t1001\n") != NULL);
  CHECK(strstr(text, "Groups:\t42 43 \n") != NULL);
  CHECK(strstr(text, "CapInh:\t0000000000000400\nCapPrm:\t0000000000000400\n"
                     "CapEff:\t0000000000000400\nCapBnd:\t0000000000000400\n"
                     "CapAmb:\t0000000000000400\n") != NULL);
  CHECK(strstr(text, "NoNewPrivs:\t1\nSeccomp:\t2\n") != NULL);
  CHECK(strstr(text, "Umask:\t0027\n") != NULL && strstr(text, "SigBlk:\t0000000000000000\n"));
  CHECK(strstr(text, "files 77 78 oom 321 mkdir 18 msgmax 9000 reopen 0\n") != NULL);
  session_close(&s);
}

/* Both hierarchies, by what the machine has; made and removed by the test. */
static void cgroups(void) {
  struct session s;
  char root[128], path[128], v1[128] = "", v2[128] = "";
  int out[2];
  FILE *mounts = fopen("/proc/self/mounts", "r");
  char line[512], where[256], type[64], options[256];
  while (fgets(line, sizeof line, mounts) != NULL) {
    if (sscanf(line, "%*s %255s %63s %255s", where, type, options) != 3)
      continue;
    if (strcmp(type, "cgroup2") == 0 && v2[0] == 0)
      snprintf(v2, sizeof v2, "%.80s/berth-c-test-%d", where, (int)getpid());
    if (strcmp(type, "cgroup") == 0 && strstr(options, "pids") != NULL)
      snprintf(v1, sizeof v1, "%.80s/berth-c-test-%d", where, (int)getpid());
  }
  fclose(mounts);
  container_open(&s, root);
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  plan_container(&plan, NAMESPACES);
  plan_sink(&plan, 1, SINK_PIPE, out[1], -1);
  int folder = -1, events = -1, tasks = -1;
  if (v2[0] != 0 && mkdir(v2, 0755) == 0) {
    folder = open(v2, O_PATH | O_CLOEXEC);
    snprintf(path, sizeof path, "%.100s/cgroup.events", v2);
    events = open(path, O_RDONLY | O_CLOEXEC);
    plan_step(&plan, STEP_CGROUP2, 0, &(uint32_t){plan_fd(&plan, folder)}, 4, NULL);
    plan_step(&plan, STEP_OOM_COUNTER, 0, &(uint32_t){plan_fd(&plan, events)}, 4, NULL);
  }
  if (v1[0] != 0 && mkdir(v1, 0755) == 0) {
    snprintf(path, sizeof path, "%.100s/tasks", v1);
    tasks = open(path, O_WRONLY | O_CLOEXEC);
    plan_step(&plan, STEP_CGROUP1, 0, &(uint32_t){plan_fd(&plan, tasks)}, 4, NULL);
  }
  plan_step(&plan, STEP_UNSHARE, 0, &(uint32_t){CLONE_NEWCGROUP}, 4, NULL);
  plan_container_rest(&plan, root, (const char *[]){"read", "/proc/self/cgroup", NULL});
  CHECK(plan_run(&s, &plan, OP_CREATE, &answer) == 0);
  struct state_reply state;
  char text[2048] = "";
  snprintf(path, sizeof path, "/proc/%u/cgroup", state_of(&s, "", &state).pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  CHECK(read(fd, text, sizeof text - 1) > 0);
  close(fd);
  char wanted[64];
  snprintf(wanted, sizeof wanted, "/berth-c-test-%d\n", (int)getpid());
  char *hit = strstr(text, wanted);
  CHECK(hit != NULL && (v1[0] == 0 || v2[0] == 0 || strstr(hit + 1, wanted) != NULL));
  CHECK(call(&s, OP_START, NULL, 0, NULL, 0, &answer) == 0);
  close(out[1]);
  size_t length;
  char *inside = read_all(out[0], &length, 2000);
  CHECK(strstr(inside, "0::/\n") != NULL);
  wait_exit(&s, "");
  session_close(&s);
  close(folder);
  close(events);
  close(tasks);
  CHECK(v1[0] == 0 || rmdir(v1) == 0);
  CHECK(v2[0] == 0 || rmdir(v2) == 0);
}

const struct test wire_tests[] = {
    {"hello_first", hello_first},
    {"other_users_are_refused", other_users_are_refused},
    {"epochs", epochs},
    {"repeated_requests", repeated_requests},
    {"joins_what_is_in_progress", joins_what_is_in_progress},
    {"slow_controller", slow_controller},
    {"descriptors_in_several_packets", descriptors_in_several_packets},
    {"bad_plans", bad_plans},
    {"supervisor_dies", supervisor_dies},
    {"birth", birth},
    {"shutdown_refuses_while_alive", shutdown_refuses_while_alive},
    {"limits_identity_filter", limits_identity_filter},
    {"cgroups", cgroups},
    {NULL, NULL},
};
