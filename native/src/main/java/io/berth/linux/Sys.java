package io.berth.linux;

/**
 * Syscall numbers. One way into the kernel, {@code syscall(2)}, serves them all: one downcall shape
 * to link at start instead of a hundred, and no dependence on how old the C library is.
 */
final class Sys {
  static final int READ = Arch.pick(0, 63);
  static final int WRITE = Arch.pick(1, 64);
  static final int PWRITE64 = Arch.pick(18, 68);
  static final int CLOSE = Arch.pick(3, 57);
  static final int LSEEK = Arch.pick(8, 62);
  static final int OPENAT = Arch.pick(257, 56);
  static final int FCHDIR = Arch.pick(81, 50);
  static final int UMASK = Arch.pick(95, 166);
  static final int FCHMOD = Arch.pick(91, 52);
  static final int FCHOWN = Arch.pick(93, 55);
  static final int FCHMODAT = Arch.pick(268, 53);
  static final int FCHOWNAT = Arch.pick(260, 54);
  static final int FTRUNCATE = Arch.pick(77, 46);
  static final int FLOCK = Arch.pick(73, 32);
  static final int FSYNC = Arch.pick(74, 82);
  static final int SYNCFS = Arch.pick(306, 267);
  static final int FCNTL = Arch.pick(72, 25);
  static final int IOCTL = Arch.pick(16, 29);
  static final int PIPE2 = Arch.pick(293, 59);
  static final int STATX = Arch.pick(332, 291);
  static final int FSTATFS = Arch.pick(138, 44);
  static final int STATFS = Arch.pick(137, 43);
  static final int READLINKAT = Arch.pick(267, 78);
  static final int GETDENTS64 = Arch.pick(217, 61);
  static final int MKDIRAT = Arch.pick(258, 34);
  static final int MKNODAT = Arch.pick(259, 33);
  static final int SYMLINKAT = Arch.pick(266, 36);
  static final int LINKAT = Arch.pick(265, 37);
  static final int UNLINKAT = Arch.pick(263, 35);
  static final int RENAMEAT2 = Arch.pick(316, 276);
  static final int UTIMENSAT = Arch.pick(280, 88);
  static final int SETXATTR = Arch.pick(188, 5);
  static final int FSETXATTR = Arch.pick(190, 7);
  static final int GETXATTR = Arch.pick(191, 8);
  static final int LISTXATTR = Arch.pick(194, 11);
  static final int MOUNT = Arch.pick(165, 40);
  static final int UMOUNT2 = Arch.pick(166, 39);
  static final int PIVOT_ROOT = Arch.pick(155, 41);
  static final int UNSHARE = Arch.pick(272, 97);
  static final int SETNS = Arch.pick(308, 268);
  static final int GETPID = Arch.pick(39, 172);
  static final int KILL = Arch.pick(62, 129);
  static final int RT_SIGACTION = Arch.pick(13, 134);
  static final int RT_SIGPROCMASK = Arch.pick(14, 135);
  static final int SIGNALFD4 = Arch.pick(289, 74);
  static final int WAITID = Arch.pick(247, 95);
  static final int PPOLL = Arch.pick(271, 73);
  static final int EVENTFD2 = Arch.pick(290, 19);
  static final int EPOLL_CREATE1 = Arch.pick(291, 20);
  static final int EPOLL_CTL = Arch.pick(233, 21);
  static final int EPOLL_PWAIT = Arch.pick(281, 22);
  static final int SOCKET = Arch.pick(41, 198);
  static final int SOCKETPAIR = Arch.pick(53, 199);
  static final int BIND = Arch.pick(49, 200);
  static final int LISTEN = Arch.pick(50, 201);
  static final int CONNECT = Arch.pick(42, 203);
  static final int ACCEPT4 = Arch.pick(288, 242);
  static final int SENDMSG = Arch.pick(46, 211);
  static final int RECVMSG = Arch.pick(47, 212);
  static final int GETSOCKOPT = Arch.pick(55, 209);
  static final int SHUTDOWN = Arch.pick(48, 210);
  static final int MADVISE = Arch.pick(28, 233);
  static final int MEMFD_CREATE = Arch.pick(319, 279);
  static final int SPLICE = Arch.pick(275, 76);
  static final int COPY_FILE_RANGE = Arch.pick(326, 285);
  static final int EXIT_GROUP = Arch.pick(231, 94);
  static final int GETEUID = Arch.pick(107, 175);
  static final int BPF = Arch.pick(321, 280);
  static final int CLOCK_GETTIME = Arch.pick(228, 113);
  static final int GETTID = Arch.pick(186, 178);
  static final int SECCOMP = Arch.pick(317, 277);
  static final int PIDFD_SEND_SIGNAL = 424;
  static final int OPEN_TREE = 428;
  static final int MOVE_MOUNT = 429;
  static final int FSOPEN = 430;
  static final int FSCONFIG = 431;
  static final int FSMOUNT = 432;
  static final int PIDFD_OPEN = 434;
  static final int CLONE3 = 435;
  static final int CLOSE_RANGE = 436;
  static final int OPENAT2 = 437;
  static final int PIDFD_GETFD = 438;
  static final int MOUNT_SETATTR = 442;
  static final int FCHMODAT2 = 452;

  private Sys() {}
}
