package io.berth.linux.supervisor;

/** The numbers of protocol.h, under the names they have there. */
final class Protocol {
  // Limits and flags of messages and plans.
  static final int PROTOCOL_VERSION = 2;
  static final int MSG_MAX_PAYLOAD = 65536;
  static final int MSG_MAX_FDS = 253;
  static final int MSG_FDS_MASK = 0x00ff;
  static final int MSG_REPLY = 0x8000;
  static final int MSG_ERROR = 0x4000;
  static final int STEP_NONE = 0xffffffff;
  static final long EPOCH_ANY = 0xffffffffffffffffL;
  static final int PROCESS_TERMINAL = 1;
  static final int PROCESS_DRAINED = 2;
  static final int PROCESS_ACKED = 4;
  static final int ATTACH_STDIN = 1;
  static final int ATTACH_STDOUT = 2;
  static final int ATTACH_STDERR = 4;
  static final int ATTACH_BACK_PRESSURE = 8;
  static final int ATTACH_KEEP_STDIN = 16;
  static final int ATTACH_BREAKS = 32;
  static final int ATTACH_CARRIED_STDOUT = 64;
  static final int ATTACH_CARRIED_STDERR = 128;
  static final int ATTACH_KEYS_MAX = 16;
  static final int PLAN_MAGIC = 0x4e4c5042;
  static final int PLAN_VERSION = 1;
  static final int PLAN_MAX_BYTES = 8 << 20;
  static final int PLAN_MAX_STEPS = 4096;
  static final int NO_FD = 0xffffffff;
  static final int PLAN_KEEP_ON_SUPERVISOR_DEATH = 1;
  static final int STEP_OPTIONAL = 0x8000;
  static final int MOUNT_MAKE_FOLDER = 1;
  static final int MOUNT_MAKE_FILE = 2;
  static final int MOUNT_RECURSIVE = 4;
  static final int MOUNT_EXISTING_ONLY = 8;
  static final int MOUNT_FS_READ_ONLY = 16;
  static final int CONSOLE_BIND_DEV_CONSOLE = 1;

  // enum msg_op
  static final int OP_HELLO = 1;
  static final int OP_FDS = 2;
  static final int OP_CREATE = 3;
  static final int OP_CONTINUE = 4;
  static final int OP_START = 5;
  static final int OP_EXEC = 6;
  static final int OP_SIGNAL = 7;
  static final int OP_RESIZE = 8;
  static final int OP_CLOSE_STDIN = 9;
  static final int OP_STATE = 10;
  static final int OP_ACK = 11;
  static final int OP_HOOK = 12;
  static final int OP_TOKEN = 13;
  static final int OP_ATTACH = 14;
  static final int OP_SHUTDOWN = 15;
  static final int OP_DROP_OUTPUT = 16;
  static final int OP_LOG_PROGRAM = 17;
  static final int OP_BREAK = 18;
  static final int OP_EXIT = 64;
  static final int OP_DEPOSED = 65;
  static final int OP_DRAINED = 66;
  static final int OP_DETACHED = 67;
  static final int OP_BROKEN = 68;
  static final int OP_PUT = 128;
  static final int OP_GET = 129;
  static final int OP_LIST = 130;
  static final int OP_DROP = 131;

  // enum role
  static final int ROLE_CONTROLLER = 1;
  static final int ROLE_ATTACH = 2;

  // enum phase
  static final int PHASE_EMPTY = 0;
  static final int PHASE_STOPPED_AT_STEP = 1;
  static final int PHASE_CREATED = 2;
  static final int PHASE_RUNNING = 3;
  static final int PHASE_EXITED = 4;

  // enum exit_how
  static final int EXIT_EXITED = 1;
  static final int EXIT_SIGNALLED = 2;
  static final int EXIT_UNKNOWN = 3;

  // enum plan_kind
  static final int PLAN_INIT = 1;
  static final int PLAN_EXEC = 2;

  // enum step_code
  static final int STEP_ID = 1;
  static final int STEP_TERMINAL = 2;
  static final int STEP_SINK = 3;
  static final int STEP_JOIN = 4;
  static final int STEP_ID_MAPS = 5;
  static final int STEP_CGROUP2 = 6;
  static final int STEP_PROC_WRITE = 7;
  static final int STEP_OOM_COUNTER = 8;
  static final int STEP_TIME_OFFSETS = 9;
  static final int STEP_JOIN_PIDFD = 10;
  static final int STEP_LISTENER = 11;
  static final int STEP_CGROUP1 = 32;
  static final int STEP_UNSHARE = 33;
  static final int STEP_HOSTNAME = 34;
  static final int STEP_DOMAINNAME = 35;
  static final int STEP_LOOPBACK_UP = 36;
  static final int STEP_PROPAGATION = 37;
  static final int STEP_ROOT = 38;
  static final int STEP_MOUNT = 39;
  static final int STEP_BIND = 40;
  static final int STEP_ATTRIBUTES = 41;
  static final int STEP_READ_ONLY = 42;
  static final int STEP_MASK = 43;
  static final int STEP_MAKE_NODE = 44;
  static final int STEP_SYMLINK = 45;
  static final int STEP_MAKE_FOLDER = 46;
  static final int STEP_PIVOT = 47;
  static final int STEP_RLIMIT = 48;
  static final int STEP_SYSCTL = 49;
  static final int STEP_OOM_SCORE = 50;
  static final int STEP_SCHEDULER = 51;
  static final int STEP_IO_PRIORITY = 52;
  static final int STEP_PERSONALITY = 53;
  static final int STEP_KEYRING = 54;
  static final int STEP_CONSOLE = 55;
  static final int STEP_STDIO = 56;
  static final int STEP_NO_NEW_PRIVS = 57;
  static final int STEP_SECCOMP = 58;
  static final int STEP_CAP_BOUNDING = 59;
  static final int STEP_CAPS = 60;
  static final int STEP_USER = 61;
  static final int STEP_CWD = 62;
  static final int STEP_LOOK_UP = 63;
  static final int STEP_STOP = 64;
  static final int STEP_READY = 65;
  static final int STEP_HOOK = 66;
  static final int STEP_EXEC = 67;
  static final int STEP_KEEP_CAPS = 68;
  static final int STEP_UMASK = 69;
  static final int STEP_APPARMOR = 70;
  static final int STEP_SELINUX = 71;
  static final int STEP_COPY_UP = 72;
  static final int STEP_AFFINITY = 73;
  static final int STEP_MEMORY_POLICY = 74;

  // enum sink_kind
  static final int SINK_NULL = 0;
  static final int SINK_FIFO = 1;
  static final int SINK_FILE = 2;
  static final int SINK_LOG = 3;
  static final int SINK_OPEN = 4;
  static final int SINK_PIPE = 5;

  // enum pivot_how
  static final int PIVOT_ROOT = 0;
  static final int PIVOT_MOVE_CHROOT = 1;

  // Sizes of structs.
  static final int MSG_HEADER_SIZE = 16;
  static final int MSG_ERROR_SIZE = 12;
  static final int HELLO_REQUEST_SIZE = 48;
  static final int HELLO_REPLY_SIZE = 24;
  static final int LAUNCH_REPLY_SIZE = 8;
  static final int SIGNAL_REQUEST_SIZE = 8;
  static final int RESIZE_REQUEST_SIZE = 4;
  static final int STATE_REPLY_SIZE = 24;
  static final int PROCESS_ENTRY_SIZE = 24;
  static final int EXIT_NOTICE_SIZE = 24;
  static final int TOKEN_REQUEST_SIZE = 40;
  static final int ATTACH_REQUEST_SIZE = 8;
  static final int BROKEN_NOTICE_SIZE = 8;
  static final int HOOK_REPLY_SIZE = 8;
  static final int SHUTDOWN_REQUEST_SIZE = 8;
  static final int PLAN_HEADER_SIZE = 32;
  static final int PLAN_STEP_SIZE = 8;
  static final int STEP_TERMINAL_SIZE = 8;
  static final int STEP_SINK_SIZE = 32;
  static final int STEP_JOIN_SIZE = 8;
  static final int STEP_ID_MAPS_SIZE = 8;
  static final int STEP_ROOT_SIZE = 8;
  static final int STEP_MOUNT_SIZE = 24;
  static final int STEP_BIND_SIZE = 32;
  static final int STEP_ATTRIBUTES_SIZE = 32;
  static final int STEP_MAKE_NODE_SIZE = 24;
  static final int STEP_RLIMIT_SIZE = 24;
  static final int STEP_SCHEDULER_SIZE = 48;
  static final int STEP_CAPS_SIZE = 32;
  static final int STEP_USER_SIZE = 16;
  static final int STEP_HOOK_SIZE = 16;

  private Protocol() {}
}
