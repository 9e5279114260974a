/*
 * The wire between Java and the small C programs: the supervisor of a container, and the keeper of
 * descriptors.
 *
 * This header is the contract. Numbers are only ever appended, never reused: a supervisor lives for
 * months and is then spoken to by a newer Java side. Everything is little-endian; all structs are
 * packed by construction (no implicit padding).
 *
 * Transport: AF_UNIX, SOCK_SEQPACKET. One message = one packet = struct msg_header + `length` bytes
 * (at most MSG_MAX_PAYLOAD). Larger things (plans, hooks) travel in sealed memfds. Descriptors come
 * by SCM_RIGHTS in the same packet and are counted in the header's flags.
 *
 * Changing operations (CREATE, CONTINUE, START, EXEC, SIGNAL, ACK, HOOK, SHUTDOWN) need a request
 * id other than 0: the last 64 are remembered with their answers. A repeated id is answered from
 * memory, or when the operation in progress ends, whoever asks; its payload and descriptors are not
 * looked at again. OP_EXIT of a process comes before its OP_DRAINED.
 *
 * Strings inside a payload are NUL-terminated, in the order the comment gives, after the fixed
 * part. A process is named by its exec id; the empty string means the container's init.
 */
#ifndef BERTH_PROTOCOL_H
#define BERTH_PROTOCOL_H

#include <stdint.h>

/*
 * 2: OP_BROKEN and ATTACH_BREAKS; what only lacks a place in a table of the supervisor is answered
 * EUSERS, nothing has been done then, and it can be asked again (under another request id) until
 * there is one: before, a HELLO to attach got EACCES, OP_TOKEN EMFILE, OP_EXEC EAGAIN; OP_DRAINED
 * waits for the clients that a token was given out for.
 */
#define PROTOCOL_VERSION 2
#define MSG_MAX_PAYLOAD 65536u
#define MSG_MAX_FDS 253u

struct msg_header {
  uint16_t op;     /* enum msg_op */
  uint16_t flags;  /* MSG_* below */
  uint32_t length; /* bytes after this header */
  /* chosen by the peer, unique per controller lifetime chain; 0 for notifications */
  uint64_t request;
};

#define MSG_FDS_MASK 0x00ff /* how many descriptors come with this packet */
#define MSG_REPLY 0x8000    /* answer to the request of the same number */
#define MSG_ERROR 0x4000    /* with MSG_REPLY: payload is struct msg_error */

enum msg_op {
  /* Requests. Everything but HELLO is refused (EPERM) before a successful HELLO. */
  /* struct hello_request -> struct hello_reply; fds back: pidfd of the supervisor [, pidfd of
   * init] */
  OP_HELLO = 1,
  /* empty; its descriptors are appended to the pending table that the next plan refers to ->
   * empty */
  OP_FDS = 2,
  /* empty; fds: plan memfd, then descriptors appended to the pending table -> struct
   * launch_reply, fd: pidfd */
  OP_CREATE = 3,
  OP_CONTINUE = 4, /* empty: go on after a STEP_STOP -> struct launch_reply */
  /* empty: release an init that is ready; answered when execve has succeeded -> empty */
  OP_START = 5,
  /* like OP_CREATE for an exec plan; answered when execve has succeeded -> struct launch_reply,
   * fd: pidfd */
  OP_EXEC = 6,
  /* struct signal_request, string id -> empty; ESRCH when the process has ended */
  OP_SIGNAL = 7,
  /* struct resize_request, string id -> empty; a process without terminal: ignored */
  OP_RESIZE = 8,
  OP_CLOSE_STDIN = 9, /* string id -> empty */
  OP_STATE = 10,      /* empty -> struct state_reply + entries */
  /* string id: the exit is recorded elsewhere; forget process and exit record -> empty; ENOENT
   * if unknown */
  OP_ACK = 11,
  /* fds: memfd with a STEP_HOOK payload [, mount namespace to join] -> struct hook_reply, string
   * output */
  OP_HOOK = 12,
  /* struct token_request, string id: allow one attach with this token -> empty */
  OP_TOKEN = 13,
  /* role attach only: struct attach_request, string id; fds: one per stream bit, in bit order ->
   * empty */
  OP_ATTACH = 14,
  /* struct shutdown_request: end the supervisor; EBUSY while a process lives, unless forced ->
   * empty */
  OP_SHUTDOWN = 15,
  /* string id: give up output that nobody reads and close the sinks -> empty */
  OP_DROP_OUTPUT = 16,
  /* fds: memfd with a STEP_HOOK payload (path, argv, env count), then what becomes its 3, 4, 5
   * -> empty, after its execve */
  OP_LOG_PROGRAM = 17,
  /* role attach only, once attached: struct broken_notice: the client's output, which a process of
   * its own carries on, takes nothing any more -> empty, then as if the descriptor handed over had
   * told so */
  OP_BREAK = 18,

  /* Notifications, unasked, request = 0. */
  /* struct exit_notice, string id; repeated to every new controller until OP_ACK */
  OP_EXIT = 64,
  OP_DEPOSED = 65, /* uint64 epoch of the newer controller; the connection is closed next */
  /* string id: output read to its end (or dropped), every sink closed; told to the controller
   * when each client that a token was given out for has been told, or its token is over */
  OP_DRAINED = 66,
  /* string id: the client typed its detach keys; its streams are let go, the connection is
   * closed next */
  OP_DETACHED = 67,
  /* struct broken_notice, string id: the client's descriptor of that output takes nothing any
   * more; its streams are let go, the connection is closed next */
  OP_BROKEN = 68,

  /* The keeper (`berth-supervisor keeper`). */
  OP_PUT = 128, /* string name; fds -> empty; EEXIST when the name is taken */
  OP_GET = 129, /* string name -> empty; the fds; ENOENT */
  /* string after ("" from the start) -> packed {uint16 fd count, string name}...; ask again from
   * the last name until empty */
  OP_LIST = 130,
  OP_DROP = 131, /* string name: close its descriptors -> empty; ENOENT */
};

struct msg_error {
  int32_t error;   /* errno */
  uint32_t step;   /* index of the plan's step, or STEP_NONE */
  uint16_t code;   /* enum step_code of that step, or 0 */
  uint16_t unused; /* 0 */
  /* string what: the operation; string object: the path or name it was about (may be empty) */
};
#define STEP_NONE 0xffffffffu

enum role { ROLE_CONTROLLER = 1, ROLE_ATTACH = 2 };

struct hello_request {
  uint16_t version; /* highest the peer speaks */
  uint16_t role;    /* enum role */
  uint32_t unused;
  /* controller: compare-and-swap; a newer epoch than this in the supervisor is answered with
   * ESTALE + hello_reply-less error */
  uint64_t seen_epoch;
  uint8_t token[32]; /* attach: from OP_TOKEN; controller: zero */
};
/* A controller that does not know the epoch says EPOCH_ANY and always wins: it takes over. */
#define EPOCH_ANY 0xffffffffffffffffull

struct hello_reply {
  uint16_t version;  /* what both speak */
  uint16_t phase;    /* enum phase */
  uint32_t pid;      /* of the supervisor, in its own pid namespace (the host's) */
  uint64_t epoch;    /* now in force: seen + 1 */
  uint32_t init_pid; /* 0 before CREATE */
  uint32_t unused;
};

enum phase {
  PHASE_EMPTY = 0,           /* no init yet */
  PHASE_STOPPED_AT_STEP = 1, /* init waits at a STEP_STOP */
  PHASE_CREATED = 2,         /* init waits for OP_START */
  PHASE_RUNNING = 3,
  PHASE_EXITED = 4,
};

struct launch_reply {
  uint32_t pid;
  /* number of the STEP_STOP it waits at, or STEP_NONE: created (init) or running (exec) */
  uint32_t stop;
};

struct signal_request {
  uint32_t signal;
  uint32_t unused;
};

struct resize_request {
  uint16_t rows;
  uint16_t columns;
};

struct state_reply {
  uint16_t phase;
  /* entries that follow, init first; packed {struct process_entry, string id} */
  uint16_t count;
  uint32_t unused;
  uint64_t epoch;
  uint64_t log_dropped; /* bytes that no log file took (ENOSPC, EIO) */
};

struct process_entry {
  uint32_t pid;
  uint16_t phase; /* enum phase, of this process */
  uint16_t how;   /* enum exit_how, once exited */
  uint32_t code;
  uint32_t flags;     /* PROCESS_* */
  uint64_t exited_at; /* nanoseconds since 1970, 0 while alive */
};
#define PROCESS_TERMINAL 1u
#define PROCESS_DRAINED 2u
#define PROCESS_ACKED 4u

enum exit_how { EXIT_EXITED = 1, EXIT_SIGNALLED = 2, EXIT_UNKNOWN = 3 };

struct exit_notice {
  uint32_t pid;
  uint16_t how;       /* enum exit_how */
  uint16_t core;      /* 1: dumped core */
  uint32_t code;      /* exit code, or signal number */
  uint32_t oom_kills; /* by how much the cgroup's counter grew over the process's life */
  uint64_t exited_at; /* nanoseconds since 1970 */
};
/*
 * On disk before anyone is told: TASK/exit/init or TASK/exit/exec.<id>, by write to a temporary
 * name and rename, removed at OP_ACK. Text, one `key=value` a line, in this order: version=1, id=,
 * pid=, how=exited|signalled|unknown, code=, core=0|1, oom_kills=, exited_at=
 */

struct token_request {
  uint8_t token[32];
  uint32_t ttl_ms;
  uint32_t unused;
};

struct attach_request {
  uint32_t streams; /* ATTACH_* */
  /* bytes after the id: typed one after another on a terminal they end the attachment, and are
   * not passed on; at most ATTACH_KEYS_MAX, 0 = none. A supervisor from before there was
   * OP_DETACHED does not look at them. */
  uint32_t keys;
};
#define ATTACH_KEYS_MAX 16u
#define ATTACH_STDIN 1u
#define ATTACH_STDOUT 2u
#define ATTACH_STDERR 4u
/* the reader may stop the container (a person's foreground run); else a slow reader is dropped */
#define ATTACH_BACK_PRESSURE 8u
#define ATTACH_KEEP_STDIN 16u /* end of this client's input leaves the process's stdin open */
/* an output that this client's descriptor takes no more ends for the process as well: what it
 * writes next fails with EPIPE, a terminal hangs up; else the process goes on without this
 * client */
#define ATTACH_BREAKS 32u
/* a process of the client's carries on what comes through that descriptor: if it takes nothing any
 * more, then that process has gone, and the client leaves, or says OP_BREAK */
#define ATTACH_CARRIED_STDOUT 64u
#define ATTACH_CARRIED_STDERR 128u

struct broken_notice {
  uint32_t stream; /* 1, 2 */
  int32_t error;   /* errno: EPIPE when the reader has gone */
};

struct hook_reply {
  uint16_t how; /* enum exit_how */
  uint16_t timed_out;
  uint32_t code;
  /* string output: the last 4 KiB that it wrote to stdout and stderr */
};

struct shutdown_request {
  uint32_t force; /* 1: kill what lives */
  uint32_t unused;
};

/* ------------------------------------------------------------------------------------------
 * Launch plan: a memfd sealed with F_SEAL_SHRINK and F_SEAL_WRITE at least (so is a hook's). struct
 * plan_header, then `count` steps, each struct plan_step + `length` bytes payload, each step
 * starting on a multiple of 8. Java decides the order; C carries out one after another and reports
 * the first that failed. `fd` fields are indexes into the descriptor table that came along; NO_FD =
 * none.
 */
#define PLAN_MAGIC 0x4e4c5042u /* "BPLN" */
#define PLAN_VERSION 1
#define PLAN_MAX_BYTES (8u << 20)
#define PLAN_MAX_STEPS 4096u
#define NO_FD 0xffffffffu

struct plan_header {
  uint32_t magic;
  uint16_t version;
  uint16_t kind;   /* enum plan_kind */
  uint32_t length; /* of the whole plan */
  uint32_t count;
  /* CLONE_NEW* to be made by the clone of the process (cgroup namespace: STEP_UNSHARE, refused
   * here; a time namespace: here, or by STEP_TIME_OFFSETS, is made before the birth, and
   * STEP_UNSHARE of it is then skipped) */
  uint32_t namespaces;
  uint32_t flags; /* PLAN_* */
  uint32_t fds;   /* descriptors that the plan refers to */
  uint32_t unused;
};
enum plan_kind { PLAN_INIT = 1, PLAN_EXEC = 2 };
#define PLAN_KEEP_ON_SUPERVISOR_DEATH 1u /* no PDEATHSIG: the process outlives the supervisor */

struct plan_step {
  uint16_t code;  /* enum step_code */
  uint16_t flags; /* STEP_* of that code */
  uint32_t length;
};
#define STEP_OPTIONAL 0x8000 /* a failure of this step is ignored (any code) */

enum step_code {
  /* --- Done by the supervisor or its short-lived helper, before or around the clone. They stand
   * first in the plan. --- */
  STEP_ID = 1,       /* string exec id ("" for init) */
  STEP_TERMINAL = 2, /* struct step_terminal: the process gets a pty; STEP_CONSOLE makes it */
  STEP_SINK = 3,     /* struct step_sink, string name */
  /* struct step_join: setns by the helper before the clone. With CLONE_NEWPID's type: the child
   * is born there */
  STEP_JOIN = 4,
  /* struct step_id_maps, string uid_map, string gid_map: written by the parent, from outside */
  STEP_ID_MAPS = 5,
  STEP_CGROUP2 = 6, /* uint32 fd of the cgroup v2 folder: CLONE_INTO_CGROUP */
  /* uint32 fd of /proc (host's), uint32 unused, string file, string value: written to
   * PROC/<pid>/file from outside */
  STEP_PROC_WRITE = 7,
  /* uint32 fd of memory.oom_control (v1) or memory.events (v2): read at birth and death for
   * `oom_kill` */
  STEP_OOM_COUNTER = 8,
  STEP_TIME_OFFSETS = 9, /* string: contents for timens_offsets */
  /* uint32 fd (pidfd), uint32 namespaces: setns on a pidfd by the helper (exec) */
  STEP_JOIN_PIDFD = 10,
  /* strings path, text before the process's pid, text before the init's pid, text after it: where
   * the descriptor of a STEP_SECCOMP with SECCOMP_FILTER_FLAG_NEW_LISTENER is sent, as soon as that
   * step was carried out; both or neither are in a plan */
  STEP_LISTENER = 11,

  /* --- Done by the child, in order. Paths called `target` are inside the root and resolved by
   *     openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS); relative to `/` itself after STEP_PIVOT.
   * --- */
  /* uint32 fd of a `tasks` file: writes "0" (moves only this thread, without waiting for an RCU
   * grace period) */
  STEP_CGROUP1 = 32,
  STEP_UNSHARE = 33,     /* uint32 CLONE_NEW* */
  STEP_HOSTNAME = 34,    /* string */
  STEP_DOMAINNAME = 35,  /* string */
  STEP_LOOPBACK_UP = 36, /* empty */
  /* uint64 MS_* flags, string path in the namespace as it is now ("/" before the pivot =
   * everything) */
  STEP_PROPAGATION = 37,
  /* struct step_root, string path: as the user that the supervisor is; in a user namespace of its
   * own the child becomes root there by this step, for that root may have no way to the path */
  STEP_ROOT = 38,
  /* struct step_mount, string type, string source, string target, string data (comma separated
   * key[=value]); as with STEP_BIND EISDIR says that a file was to be mounted on a folder, ENOTDIR
   * the contrary */
  STEP_MOUNT = 39,
  STEP_BIND = 40, /* struct step_bind, string target: attaches the detached mount `fd` */
  /* struct step_attributes, string target: mount_setattr on what is mounted there */
  STEP_ATTRIBUTES = 41,
  /* string target: bind onto itself, read-only, with all below; absent: skipped */
  STEP_READ_ONLY = 42,
  /* uint32 fd of a null device (detached mount clone is made by C), string target; folder: empty
   * read-only tmpfs; absent: skipped */
  STEP_MASK = 43,
  /* struct step_make_node, string target; an existing equal node is kept */
  STEP_MAKE_NODE = 44,
  STEP_SYMLINK = 45,     /* string content, string target; an existing one is kept */
  STEP_MAKE_FOLDER = 46, /* uint32 mode, string target (parents too) */
  STEP_PIVOT = 47,       /* uint32 how: PIVOT_* */
  STEP_RLIMIT = 48,      /* struct step_rlimit */
  /* string path below /proc/sys with slashes, string value; through `/proc` as seen now */
  STEP_SYSCTL = 49,
  STEP_OOM_SCORE = 50,   /* int32, written to /proc/self/oom_score_adj as seen now */
  STEP_SCHEDULER = 51,   /* struct step_scheduler */
  STEP_IO_PRIORITY = 52, /* uint32 value of ioprio_set */
  STEP_PERSONALITY = 53, /* uint32 */
  STEP_KEYRING = 54,     /* string name: a session keyring of its own */
  /* uint32 uid, uint32 flags CONSOLE_*: pty from /dev/pts/ptmx inside the root, master to the
   * supervisor, controlling terminal, 0 1 2 */
  STEP_CONSOLE = 55,
  /* uint32 uid, uint32 gid: 0 1 2 from the supervisor's pipes (or /dev/null), owned by that user */
  STEP_STDIO = 56,
  STEP_NO_NEW_PRIVS = 57, /* empty */
  /* uint32 SECCOMP_FILTER_FLAG_*, uint32 count, then count * struct sock_filter (8 bytes each) */
  STEP_SECCOMP = 58,
  /* uint64: what stays in the bounding set; bits above the kernel's last are ignored */
  STEP_CAP_BOUNDING = 59,
  STEP_CAPS = 60, /* struct step_caps */
  STEP_USER = 61, /* struct step_user, then `groups` * uint32 */
  STEP_CWD = 62,  /* uint32 make (1: create when absent), uint32 unused, string path */
  /* string program, string search path (value of PATH): fails with ENOENT or EACCES as execvp
   * would; the result serves STEP_EXEC */
  STEP_LOOK_UP = 63,
  STEP_STOP = 64,  /* uint32 number: report, wait for OP_CONTINUE (init plans only) */
  STEP_READY = 65, /* empty: report, wait for OP_START (init plans only) */
  /* struct step_hook, strings: path, argv..., env..., stdin before the pid, stdin after the pid */
  STEP_HOOK = 66,
  STEP_EXEC = 67,      /* uint32 argc, uint32 envc, strings argv..., env...; last step */
  STEP_KEEP_CAPS = 68, /* uint32 on: PR_SET_KEEPCAPS around STEP_USER */
  STEP_UMASK = 69,     /* uint32 */
  STEP_APPARMOR = 70,  /* string profile, for the coming execve */
  STEP_SELINUX = 71,   /* string label, for the coming execve */
  /* struct step_mount as STEP_MOUNT (a tmpfs), filled with what lay below it */
  STEP_COPY_UP = 72,
  STEP_AFFINITY = 73,      /* string of a cpu list */
  STEP_MEMORY_POLICY = 74, /* uint32 mode, uint32 flags, string node list */
};

struct step_terminal {
  uint16_t rows;
  uint16_t columns;
  uint32_t unused;
};

struct step_sink {
  uint32_t stream; /* 0, 1, 2 (a terminal has 0 and 1 only) */
  uint32_t kind;   /* enum sink_kind */
  /* FIFO: opened O_RDWR|O_NONBLOCK (outputs) or O_RDONLY|O_NONBLOCK (stdin; O_PATH: opened, with
   * a write end held, once the process runs); FILE: O_APPEND; LOG: its folder */
  uint32_t fd;
  uint32_t fd2;       /* stdin FIFO: a write end held until OP_CLOSE_STDIN; else NO_FD */
  uint64_t max_size;  /* LOG: rotate above; 0 = never */
  uint32_t max_files; /* LOG: name, name.1, ... */
  uint32_t unused;
  /* string name: LOG: file name in the folder */
};
enum sink_kind {
  /* /dev/null (also what a stream without any sink gets); stdin that an attach may feed:
   * SINK_OPEN */
  SINK_NULL = 0,
  SINK_FIFO = 1, /* back-pressure, nothing dropped */
  SINK_FILE = 2, /* raw bytes appended */
  /* `<RFC 3339, nanoseconds, Z> <stdout|stderr> <F|P> <bytes>\n`, cut at 16384 bytes; ENOSPC
   * drops and counts */
  SINK_LOG = 3,
  SINK_OPEN = 4, /* a pipe without a client yet: attach feeds (stdin) or reads it */
  /* outputs: raw bytes to a descriptor with back-pressure; EPIPE: drained to nowhere (a log
   * program) */
  SINK_PIPE = 5,
};

/*
 * A SINK_OPEN output waits for its first client: from execve on for 10 s, or as long as a token for
 * the process is valid and 10 s more. That client gets what was held; without one it is dropped.
 * Logs beside it have their copy in any case. After the last byte a FIFO's write end stays open
 * until somebody has the FIFO open for reading: for ever while data is in it (until
 * OP_DROP_OUTPUT), for 10 s when it is empty. A grandchild that outlives the process and keeps the
 * pipe: given up after 2 s of silence, or after 10 s.
 */

struct step_join {
  uint32_t type; /* CLONE_NEW* */
  uint32_t fd;
};

struct step_id_maps {
  uint32_t deny_setgroups;
  uint32_t unused;
};

struct step_root {
  /* detached mount, attached at path; NO_FD: path is bound onto itself (recursively) */
  uint32_t fd;
  uint32_t unused;
};

struct step_mount {
  uint64_t attributes; /* MOUNT_ATTR_* */
  /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE [| MS_REC]; 0 = as it is */
  uint64_t propagation;
  uint32_t flags; /* MOUNT_* below */
  uint32_t mode;  /* of a folder made for it */
};
#define MOUNT_MAKE_FOLDER 1u
#define MOUNT_MAKE_FILE 2u
#define MOUNT_RECURSIVE 4u     /* attributes apply to everything below, too */
#define MOUNT_EXISTING_ONLY 8u /* target absent: skip */
#define MOUNT_FS_READ_ONLY 16u /* the superblock itself read-only */

struct step_bind {
  uint64_t set; /* MOUNT_ATTR_* */
  uint64_t clear;
  uint64_t propagation;
  uint32_t flags; /* MOUNT_* */
  uint32_t fd;
};

struct step_attributes {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint32_t flags; /* MOUNT_RECURSIVE, MOUNT_EXISTING_ONLY */
  uint32_t unused;
};

struct step_make_node {
  uint32_t mode; /* S_IFCHR | S_IFBLK | S_IFIFO with permissions */
  uint32_t major;
  uint32_t minor;
  uint32_t uid;
  uint32_t gid;
  uint32_t unused;
};

enum pivot_how { PIVOT_ROOT = 0, PIVOT_MOVE_CHROOT = 1 /* no_pivot_root: initramfs */ };

struct step_rlimit {
  uint32_t resource;
  uint32_t unused;
  uint64_t soft;
  uint64_t hard;
};

struct step_scheduler {
  uint32_t policy;
  int32_t nice;
  uint32_t priority;
  uint32_t unused;
  uint64_t flags;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

#define CONSOLE_BIND_DEV_CONSOLE 1u /* the slave is bound onto /dev/console in the root */

struct step_caps {
  uint64_t effective;
  uint64_t permitted;
  uint64_t inheritable;
  uint64_t ambient;
};

struct step_user {
  uint32_t uid;
  uint32_t gid;
  uint32_t groups; /* how many follow; 0 = setgroups(0) unless the map denies it */
  uint32_t unused;
};

struct step_hook {
  uint32_t timeout_ms; /* 0 = none */
  uint32_t argc;
  uint32_t envc;
  uint32_t unused;
};

/* ------------------------------------------------------------------------------------------
 * What a child has without any step: a session of its own, default signal dispositions and an
 * empty mask, umask 022 after execve (0 for the files that steps make), the OOM score,
 * RLIMIT_NOFILE and RLIMIT_CORE that stage 0 was started with, no descriptor above 2 at execve,
 * PDEATHSIG SIGKILL. A child that fails before execve ends with 127. A failed CREATE or EXEC
 * leaves neither process, nor record, nor name; it is answered when the child has been reaped.
 * After a failed START the init has exited like any other.
 *
 * Birth. Java spawns `berth-supervisor supervise key=value...` (stage 0), with these
 * descriptors:
 *
 * - 3: a connected SOCK_SEQPACKET socket, the first controller.
 *
 * - 4: the task's folder (O_PATH or O_RDONLY directory); sup.sock is bound there (0600), exit/
 *   is written there.
 *
 * and these arguments, where N is the number of a descriptor:
 *
 * - cgroup2=N: the leaf folder, for CLONE_INTO_CGROUP.
 *
 * - cgroup1=N,N,...: the `tasks` files of the leaves.
 *
 * - mntns=N: a slim mount namespace, joined as the first act. What a plan names by a path before
 *   its STEP_PIVOT is then looked up there, what it brings as a descriptor is not. OP_HOOK without
 *   a namespace of its own and OP_LOG_PROGRAM run in the namespace that stage 0 was started in.
 *
 * - name=TEXT: shown by ps.
 *
 * - lonely=MS: how long it stays without a controller, once it has launched something, until it
 *   looks whether anybody can still come (a minute without this).
 *
 * - tied=1: it ends, with all that lives in it, two seconds after its last controller has gone.
 *
 * Stage 0 clones the supervisor into its leaf, waits until it has bound sup.sock, and exits 0;
 * else it writes one line to stderr and exits 1. The supervisor answers the HELLO that may
 * already lie in descriptor 3.
 *
 * `berth-supervisor keeper SOCKET-PATH` double-forks, binds SOCKET-PATH (0600, absolute), exits 0
 * once it answers. It needs no HELLO (and answers one); OP_SHUTDOWN ends it.
 *
 * A supervisor that has had no controller for a minute, no living process, and either never had an
 * init or finds its sup.sock gone, ends by itself.
 */

#endif
