package io.berth.linux;

/**
 * Sizes, offsets and the constants that no caller needs to name, as the kernel's and the C
 * library's headers have them. Nothing here is to be believed for its own sake: a test compiles a
 * probe against the real headers and compares every number.
 */
final class Layouts {
  static final int TIMESPEC_SIZE = 16;

  static final int FLOCK_SIZE = 32;
  static final int FLOCK_PID = 24;

  static final int STATX_SIZE = 256;
  static final int STATX_NLINK = 16;
  static final int STATX_UID = 20;
  static final int STATX_GID = 24;
  static final int STATX_MODE = 28;
  static final int STATX_INO = 32;
  static final int STATX_FILE_SIZE = 40;
  static final int STATX_BLOCKS = 48;
  static final int STATX_ATIME = 64;
  static final int STATX_CTIME = 96;
  static final int STATX_MTIME = 112;
  static final int STATX_RDEV_MAJOR = 128;
  static final int STATX_DEV_MAJOR = 136;
  static final int STATX_MNT_ID_FIELD = 144;
  static final int STATX_BASIC_STATS = 0x7ff;
  static final int STATX_MNT_ID = 0x1000;

  static final int OPEN_HOW_SIZE = 24;
  static final int OPEN_HOW_MODE = 8;
  static final int OPEN_HOW_RESOLVE = 16;

  static final int MOUNT_ATTR_SIZE = 32;
  static final int MOUNT_ATTR_CLEAR = 8;
  static final int MOUNT_ATTR_PROPAGATION = 16;
  static final int MOUNT_ATTR_USERNS_FD = 24;

  static final int DIRENT_RECORD_LENGTH = 16;
  static final int DIRENT_TYPE = 18;
  static final int DIRENT_NAME = 19;

  static final int STATFS_SIZE = 120;
  static final int STATFS_TYPE = 0;
  static final int STATFS_BLOCK_SIZE = 8;
  static final int STATFS_BLOCKS = 16;
  static final int STATFS_AVAILABLE = 32;
  static final int STATFS_FILES = 40;
  static final int STATFS_FREE_FILES = 48;

  static final int SOCKADDR_UN_SIZE = 110;
  static final int SOCKADDR_UN_PATH = 2;
  static final int MSGHDR_SIZE = 56;
  static final int MSGHDR_IOV = 16;
  static final int MSGHDR_IOVLEN = 24;
  static final int MSGHDR_CONTROL = 32;
  static final int MSGHDR_CONTROLLEN = 40;
  static final int MSGHDR_FLAGS = 48;
  static final int CMSGHDR_SIZE = 16;
  static final int CMSGHDR_LEVEL = 8;
  static final int CMSGHDR_TYPE = 12;
  static final int IOVEC_SIZE = 16;
  static final int IOVEC_LEN = 8;
  static final int UCRED_SIZE = 12;
  static final int UCRED_UID = 4;
  static final int UCRED_GID = 8;

  static final int EPOLL_EVENT_SIZE = Arch.pick(12, 16);
  static final int EPOLL_EVENT_DATA = Arch.pick(4, 8);
  static final int POLLFD_SIZE = 8;
  static final int POLLFD_EVENTS = 4;

  static final int SIGINFO_SIZE = 128;
  static final int SIGINFO_CODE = 8;
  static final int SIGINFO_PID = 16;
  static final int SIGINFO_STATUS = 24;

  static final int SPAWN_ACTIONS_SIZE = 80;
  static final int SPAWN_ATTRIBUTES_SIZE = 336;
  static final int SIGSET_SIZE = 128;

  private Layouts() {}
}
