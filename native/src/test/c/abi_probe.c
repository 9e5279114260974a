/*
 * Prints what the real headers say for every number that the Java side has typed: `Class.NAME
 * value`, one a line. A test compiles it on the machine it runs on and compares. What older headers
 * do not know is left out; the test has a list of that.
 */
#define _GNU_SOURCE
#include <asm/termbits.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#if __has_include(<sys/pidfd.h>)
#include <sys/pidfd.h>
#endif
#if __has_include(<seccomp.h>)
#include <seccomp.h>
#define HAVE_SECCOMP 1
#endif
#if __has_include(<isa-l/igzip_lib.h>)
#include <isa-l/igzip_lib.h>
#define HAVE_ISAL 1
#endif

/* Each prints for itself: a name handed on to another macro would be expanded. */
#define NAMED(class, name, value) printf(#class "." #name " %lld\n", (long long)(value))
#define CONSTANT(class, name) printf(#class "." #name " %lld\n", (long long)(name))
#define SIZE(class, name, type) printf(#class "." #name " %lld\n", (long long)sizeof(type))
#define OFFSET(class, name, type, field)                                                           \
  printf(#class "." #name " %lld\n", (long long)offsetof(type, field))

static void featureProbes(void) {
  NAMED(FeatureProbes, PIDFD_THREAD, O_EXCL);
  CONSTANT(FeatureProbes, SECCOMP_SET_MODE_FILTER);
  CONSTANT(FeatureProbes, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  CONSTANT(FeatureProbes, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  OFFSET(FeatureProbes, CLONE_ARGS_CGROUP, struct clone_args, cgroup);
  SIZE(FeatureProbes, CLONE_ARGS_SIZE, struct clone_args);
  CONSTANT(FeatureProbes, CLONE_SIGHAND);
  CONSTANT(FeatureProbes, CLONE_CLEAR_SIGHAND);
  CONSTANT(FeatureProbes, AF_NETLINK);
  CONSTANT(FeatureProbes, AF_UNIX);
  CONSTANT(FeatureProbes, SOCK_RAW);
  CONSTANT(FeatureProbes, SOCK_DGRAM);
  CONSTANT(FeatureProbes, SOCK_CLOEXEC);
  CONSTANT(FeatureProbes, SOL_SOCKET);
  CONSTANT(FeatureProbes, SO_NETNS_COOKIE);
  CONSTANT(FeatureProbes, NETLINK_NETFILTER);
  CONSTANT(FeatureProbes, NLMSG_ERROR);
  CONSTANT(FeatureProbes, NLMSG_HDRLEN);
  CONSTANT(FeatureProbes, NLM_F_REQUEST);
  CONSTANT(FeatureProbes, NLM_F_ACK);
  CONSTANT(FeatureProbes, NLM_F_CREATE);
  CONSTANT(FeatureProbes, NFNL_MSG_BATCH_BEGIN);
  CONSTANT(FeatureProbes, NFNL_SUBSYS_NFTABLES);
  CONSTANT(FeatureProbes, NFPROTO_INET);
  CONSTANT(FeatureProbes, NFTA_TABLE_NAME);
  CONSTANT(FeatureProbes, NFTA_TABLE_FLAGS);
  CONSTANT(FeatureProbes, NFT_TABLE_F_OWNER);
}

static void openFlags(void) {
  CONSTANT(OpenFlags, O_RDONLY);
  CONSTANT(OpenFlags, O_WRONLY);
  CONSTANT(OpenFlags, O_RDWR);
  CONSTANT(OpenFlags, O_CREAT);
  CONSTANT(OpenFlags, O_EXCL);
  CONSTANT(OpenFlags, O_NOCTTY);
  CONSTANT(OpenFlags, O_TRUNC);
  CONSTANT(OpenFlags, O_APPEND);
  CONSTANT(OpenFlags, O_NONBLOCK);
  CONSTANT(OpenFlags, O_DIRECTORY);
  CONSTANT(OpenFlags, O_NOFOLLOW);
  CONSTANT(OpenFlags, O_CLOEXEC);
  CONSTANT(OpenFlags, O_PATH);
  CONSTANT(OpenFlags, AT_FDCWD);
  CONSTANT(OpenFlags, AT_SYMLINK_NOFOLLOW);
  CONSTANT(OpenFlags, AT_REMOVEDIR);
  CONSTANT(OpenFlags, AT_NO_AUTOMOUNT);
  CONSTANT(OpenFlags, AT_EMPTY_PATH);
  CONSTANT(OpenFlags, AT_RECURSIVE);
  CONSTANT(OpenFlags, RESOLVE_NO_XDEV);
  CONSTANT(OpenFlags, RESOLVE_NO_MAGICLINKS);
  CONSTANT(OpenFlags, RESOLVE_NO_SYMLINKS);
  CONSTANT(OpenFlags, RESOLVE_BENEATH);
  CONSTANT(OpenFlags, RESOLVE_IN_ROOT);
  CONSTANT(OpenFlags, RENAME_NOREPLACE);
  CONSTANT(OpenFlags, S_IFMT);
  CONSTANT(OpenFlags, S_IFLNK);
  CONSTANT(OpenFlags, S_IFREG);
  CONSTANT(OpenFlags, S_IFBLK);
  CONSTANT(OpenFlags, S_IFDIR);
  CONSTANT(OpenFlags, S_IFCHR);
  CONSTANT(OpenFlags, S_IFIFO);
  CONSTANT(OpenFlags, S_IFSOCK);
}

static void mountFlags(void) {
  CONSTANT(MountFlags, MS_RDONLY);
  CONSTANT(MountFlags, MS_SYNCHRONOUS);
  CONSTANT(MountFlags, MS_DIRSYNC);
  CONSTANT(MountFlags, MS_NOATIME);
  CONSTANT(MountFlags, MS_NODIRATIME);
  CONSTANT(MountFlags, MS_RELATIME);
  CONSTANT(MountFlags, MS_STRICTATIME);
  CONSTANT(MountFlags, MS_NOSUID);
  CONSTANT(MountFlags, MS_NODEV);
  CONSTANT(MountFlags, MS_NOEXEC);
  CONSTANT(MountFlags, MS_BIND);
  CONSTANT(MountFlags, MS_REC);
  CONSTANT(MountFlags, MS_UNBINDABLE);
  CONSTANT(MountFlags, MS_PRIVATE);
  CONSTANT(MountFlags, MS_SLAVE);
  CONSTANT(MountFlags, MS_SHARED);
  CONSTANT(MountFlags, MNT_DETACH);
  CONSTANT(MountFlags, UMOUNT_NOFOLLOW);
  CONSTANT(MountFlags, OPEN_TREE_CLONE);
  CONSTANT(MountFlags, OPEN_TREE_CLOEXEC);
  CONSTANT(MountFlags, MOVE_MOUNT_F_EMPTY_PATH);
  CONSTANT(MountFlags, MOVE_MOUNT_T_EMPTY_PATH);
  CONSTANT(MountFlags, MOUNT_ATTR_RDONLY);
  CONSTANT(MountFlags, MOUNT_ATTR_NOSUID);
  CONSTANT(MountFlags, MOUNT_ATTR_NODEV);
  CONSTANT(MountFlags, MOUNT_ATTR_NOEXEC);
  NAMED(MountFlags, MOUNT_ATTR_ATIME_MASK, MOUNT_ATTR__ATIME);
  CONSTANT(MountFlags, MOUNT_ATTR_NOATIME);
  CONSTANT(MountFlags, MOUNT_ATTR_STRICTATIME);
  CONSTANT(MountFlags, MOUNT_ATTR_NODIRATIME);
  CONSTANT(MountFlags, MOUNT_ATTR_IDMAP);
#ifdef MOUNT_ATTR_NOSYMFOLLOW
  CONSTANT(MountFlags, MOUNT_ATTR_NOSYMFOLLOW);
#endif
  CONSTANT(MountFlags, OVERLAYFS_SUPER_MAGIC);
  CONSTANT(MountFlags, PROC_SUPER_MAGIC);
}

static void openCommands(void) {
  CONSTANT(OpenCommands, F_GETFL);
  CONSTANT(OpenCommands, F_SETFL);
  CONSTANT(OpenCommands, F_GETLK);
  CONSTANT(OpenCommands, F_DUPFD_CLOEXEC);
  CONSTANT(OpenCommands, F_SETPIPE_SZ);
  CONSTANT(OpenCommands, F_ADD_SEALS);
  CONSTANT(OpenCommands, F_GET_SEALS);
}

static void epoll(void) {
  CONSTANT(Epoll, EPOLLIN);
  CONSTANT(Epoll, EPOLLPRI);
  CONSTANT(Epoll, EPOLLOUT);
  CONSTANT(Epoll, EPOLLHUP);
  CONSTANT(Epoll, EPOLL_CTL_ADD);
  CONSTANT(Epoll, EPOLL_CTL_DEL);
  CONSTANT(Epoll, EPOLL_CTL_MOD);
  CONSTANT(Epoll, EPOLL_CLOEXEC);
}

static void terminal(void) {
  CONSTANT(Terminal, TCGETS);
  CONSTANT(Terminal, TCSETSW);
  CONSTANT(Terminal, TIOCGWINSZ);
  CONSTANT(Terminal, TIOCSWINSZ);
  CONSTANT(Terminal, IGNBRK);
  CONSTANT(Terminal, BRKINT);
  CONSTANT(Terminal, PARMRK);
  CONSTANT(Terminal, ISTRIP);
  CONSTANT(Terminal, INLCR);
  CONSTANT(Terminal, IGNCR);
  CONSTANT(Terminal, ICRNL);
  CONSTANT(Terminal, IXON);
  CONSTANT(Terminal, OPOST);
  CONSTANT(Terminal, CSIZE);
  CONSTANT(Terminal, CS8);
  CONSTANT(Terminal, PARENB);
  CONSTANT(Terminal, ISIG);
  CONSTANT(Terminal, ICANON);
  CONSTANT(Terminal, ECHO);
  CONSTANT(Terminal, ECHONL);
  CONSTANT(Terminal, IEXTEN);
  CONSTANT(Terminal, VTIME);
  CONSTANT(Terminal, VMIN);
}

static void sockets(void) {
  CONSTANT(Sockets, AF_UNIX);
  CONSTANT(Sockets, SOL_SOCKET);
  CONSTANT(Sockets, SO_PEERCRED);
  CONSTANT(Sockets, SCM_RIGHTS);
  CONSTANT(Sockets, SOCK_CLOEXEC);
  CONSTANT(Sockets, SOCK_NONBLOCK);
  CONSTANT(Sockets, MSG_CTRUNC);
  CONSTANT(Sockets, MSG_TRUNC);
  CONSTANT(Sockets, MSG_DONTWAIT);
  CONSTANT(Sockets, MSG_NOSIGNAL);
  CONSTANT(Sockets, MSG_CMSG_CLOEXEC);
}

static void processes(void) {
  CONSTANT(Processes, P_PIDFD);
  CONSTANT(Processes, WNOHANG);
  CONSTANT(Processes, WEXITED);
  CONSTANT(Processes, CLD_EXITED);
  CONSTANT(Processes, CLD_DUMPED);
#ifdef PIDFD_GET_INFO
  NAMED(Processes, PIDFD_INFO_SIZE, PIDFD_INFO_SIZE_VER0);
  OFFSET(Processes, PIDFD_INFO_EXIT_CODE, struct pidfd_info, exit_code);
  CONSTANT(Processes, PIDFD_INFO_EXIT);
  NAMED(Processes, PIDFD_GET_INFO, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, PIDFD_INFO_SIZE_VER0));
#endif
  CONSTANT(Processes, POLLIN);
}

static void memfd(void) {
  CONSTANT(Memfd, MFD_CLOEXEC);
  CONSTANT(Memfd, MFD_ALLOW_SEALING);
  CONSTANT(Memfd, F_SEAL_SEAL);
  CONSTANT(Memfd, F_SEAL_SHRINK);
  CONSTANT(Memfd, F_SEAL_GROW);
  CONSTANT(Memfd, F_SEAL_WRITE);
}

static void blockedSignals(void) {
  /* The kernel's, where it has most fields. */
  struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
  };
  CONSTANT(BlockedSignals, SIG_BLOCK);
  CONSTANT(BlockedSignals, SIG_UNBLOCK);
  NAMED(BlockedSignals, SIG_DFL, (long)SIG_DFL);
  NAMED(BlockedSignals, SIG_IGN, (long)SIG_IGN);
  CONSTANT(BlockedSignals, SFD_CLOEXEC);
  CONSTANT(BlockedSignals, SI_KERNEL);
  NAMED(BlockedSignals, SET_SIZE, (_NSIG - 1) / 8);
  SIZE(BlockedSignals, SIGACTION_SIZE, struct kernel_sigaction);
  SIZE(BlockedSignals, SIGINFO_SIZE, struct signalfd_siginfo);
  OFFSET(BlockedSignals, SIGINFO_NUMBER, struct signalfd_siginfo, ssi_signo);
  OFFSET(BlockedSignals, SIGINFO_CODE, struct signalfd_siginfo, ssi_code);
}

static void fileLocks(void) {
  CONSTANT(FileLocks, F_WRLCK);
  CONSTANT(FileLocks, F_UNLCK);
  CONSTANT(FileLocks, LOCK_EX);
  CONSTANT(FileLocks, LOCK_NB);
}

static void splices(void) { CONSTANT(Splice, SPLICE_F_MOVE); }

static void eventFd(void) {
  CONSTANT(EventFd, EFD_CLOEXEC);
  CONSTANT(EventFd, EFD_NONBLOCK);
  CONSTANT(ThreadClock, CLOCK_THREAD_CPUTIME_ID);
}

static void mounts(void) {
  CONSTANT(Mounts, FSOPEN_CLOEXEC);
  CONSTANT(Mounts, FSMOUNT_CLOEXEC);
  CONSTANT(Mounts, FSCONFIG_SET_FLAG);
  CONSTANT(Mounts, FSCONFIG_SET_STRING);
  CONSTANT(Mounts, FSCONFIG_SET_FD);
  CONSTANT(Mounts, FSCONFIG_CMD_CREATE);
}

static void namespaces(void) { CONSTANT(Namespaces, CLONE_FS); }

static void fileTimestamp(void) {
  CONSTANT(FileTimestamp, UTIME_NOW);
}

static void spawn(void) {
  NAMED(Spawn, SETSIGDEF, POSIX_SPAWN_SETSIGDEF);
  NAMED(Spawn, SETSIGMASK, POSIX_SPAWN_SETSIGMASK);
  NAMED(Spawn, SETSID, POSIX_SPAWN_SETSID);
}

static void sys(void) {
  NAMED(Sys, RT_SIGACTION, SYS_rt_sigaction);
  NAMED(Sys, RT_SIGPROCMASK, SYS_rt_sigprocmask);
  NAMED(Sys, SIGNALFD4, SYS_signalfd4);
  NAMED(Sys, READ, SYS_read);
  NAMED(Sys, WRITE, SYS_write);
  NAMED(Sys, PWRITE64, SYS_pwrite64);
  NAMED(Sys, CLOSE, SYS_close);
  NAMED(Sys, LSEEK, SYS_lseek);
  NAMED(Sys, OPENAT, SYS_openat);
  NAMED(Sys, FCHDIR, SYS_fchdir);
  NAMED(Sys, FCHMOD, SYS_fchmod);
  NAMED(Sys, FCHOWN, SYS_fchown);
  NAMED(Sys, FCHMODAT, SYS_fchmodat);
  NAMED(Sys, FCHOWNAT, SYS_fchownat);
  NAMED(Sys, FTRUNCATE, SYS_ftruncate);
  NAMED(Sys, FLOCK, SYS_flock);
  NAMED(Sys, FSYNC, SYS_fsync);
  NAMED(Sys, SYNCFS, SYS_syncfs);
  NAMED(Sys, FCNTL, SYS_fcntl);
  NAMED(Sys, IOCTL, SYS_ioctl);
  NAMED(Sys, PIPE2, SYS_pipe2);
  NAMED(Sys, STATX, SYS_statx);
  NAMED(Sys, FSTATFS, SYS_fstatfs);
  NAMED(Sys, STATFS, SYS_statfs);
  NAMED(Sys, READLINKAT, SYS_readlinkat);
  NAMED(Sys, GETDENTS64, SYS_getdents64);
  NAMED(Sys, MKDIRAT, SYS_mkdirat);
  NAMED(Sys, MKNODAT, SYS_mknodat);
  NAMED(Sys, SYMLINKAT, SYS_symlinkat);
  NAMED(Sys, LINKAT, SYS_linkat);
  NAMED(Sys, UNLINKAT, SYS_unlinkat);
  NAMED(Sys, RENAMEAT2, SYS_renameat2);
  NAMED(Sys, UTIMENSAT, SYS_utimensat);
  NAMED(Sys, SETXATTR, SYS_setxattr);
  NAMED(Sys, FSETXATTR, SYS_fsetxattr);
  NAMED(Sys, GETXATTR, SYS_getxattr);
  NAMED(Sys, LISTXATTR, SYS_listxattr);
  NAMED(Sys, MOUNT, SYS_mount);
  NAMED(Sys, UMOUNT2, SYS_umount2);
  NAMED(Sys, PIVOT_ROOT, SYS_pivot_root);
  NAMED(Sys, UMASK, SYS_umask);
  NAMED(Sys, UNSHARE, SYS_unshare);
  NAMED(Sys, SETNS, SYS_setns);
  NAMED(Sys, GETPID, SYS_getpid);
  NAMED(Sys, KILL, SYS_kill);
  NAMED(Sys, WAITID, SYS_waitid);
  NAMED(Sys, PPOLL, SYS_ppoll);
  NAMED(Sys, CLOCK_GETTIME, SYS_clock_gettime);
  NAMED(Sys, EVENTFD2, SYS_eventfd2);
  NAMED(Sys, EPOLL_CREATE1, SYS_epoll_create1);
  NAMED(Sys, EPOLL_CTL, SYS_epoll_ctl);
  NAMED(Sys, EPOLL_PWAIT, SYS_epoll_pwait);
  NAMED(Sys, SOCKET, SYS_socket);
  NAMED(Sys, SOCKETPAIR, SYS_socketpair);
  NAMED(Sys, BIND, SYS_bind);
  NAMED(Sys, LISTEN, SYS_listen);
  NAMED(Sys, CONNECT, SYS_connect);
  NAMED(Sys, ACCEPT4, SYS_accept4);
  NAMED(Sys, SENDMSG, SYS_sendmsg);
  NAMED(Sys, RECVMSG, SYS_recvmsg);
  NAMED(Sys, GETSOCKOPT, SYS_getsockopt);
  NAMED(Sys, SHUTDOWN, SYS_shutdown);
  NAMED(Sys, MADVISE, SYS_madvise);
  NAMED(Sys, MEMFD_CREATE, SYS_memfd_create);
  NAMED(Sys, SPLICE, SYS_splice);
  NAMED(Sys, COPY_FILE_RANGE, SYS_copy_file_range);
  NAMED(Sys, EXIT_GROUP, SYS_exit_group);
  NAMED(Sys, GETEUID, SYS_geteuid);
  NAMED(Sys, BPF, SYS_bpf);
  NAMED(Sys, PIDFD_SEND_SIGNAL, SYS_pidfd_send_signal);
  NAMED(Sys, OPEN_TREE, SYS_open_tree);
  NAMED(Sys, MOVE_MOUNT, SYS_move_mount);
  NAMED(Sys, FSOPEN, SYS_fsopen);
  NAMED(Sys, FSCONFIG, SYS_fsconfig);
  NAMED(Sys, FSMOUNT, SYS_fsmount);
  NAMED(Sys, PIDFD_OPEN, SYS_pidfd_open);
  NAMED(Sys, OPENAT2, SYS_openat2);
  NAMED(Sys, CLONE3, SYS_clone3);
  NAMED(Sys, CLOSE_RANGE, SYS_close_range);
  NAMED(Sys, PIDFD_GETFD, SYS_pidfd_getfd);
  NAMED(Sys, GETTID, SYS_gettid);
  NAMED(Sys, SECCOMP, SYS_seccomp);
  NAMED(Sys, MOUNT_SETATTR, SYS_mount_setattr);
#ifdef SYS_fchmodat2
  NAMED(Sys, FCHMODAT2, SYS_fchmodat2);
#endif
}

static void bpf(void) {
  NAMED(BpfAssembler, INSTRUCTION_BYTES, sizeof(struct bpf_insn));
  NAMED(BpfAssembler, BPF_LDX_MEM_W, BPF_LDX | BPF_MEM | BPF_W);
  NAMED(BpfAssembler, BPF_ALU64_AND_K, BPF_ALU64 | BPF_AND | BPF_K);
  NAMED(BpfAssembler, BPF_ALU64_RSH_K, BPF_ALU64 | BPF_RSH | BPF_K);
  NAMED(BpfAssembler, BPF_ALU64_MOV_X, BPF_ALU64 | BPF_MOV | BPF_X);
  NAMED(BpfAssembler, BPF_ALU64_MOV_K, BPF_ALU64 | BPF_MOV | BPF_K);
  NAMED(BpfAssembler, BPF_JMP_JEQ_K, BPF_JMP | BPF_JEQ | BPF_K);
  NAMED(BpfAssembler, BPF_JMP_JNE_K, BPF_JMP | BPF_JNE | BPF_K);
  NAMED(BpfAssembler, BPF_JMP_EXIT, BPF_JMP | BPF_EXIT);
  NAMED(DeviceFilter, MAKE_NODE, BPF_DEVCG_ACC_MKNOD);
  NAMED(DeviceFilter, READ, BPF_DEVCG_ACC_READ);
  NAMED(DeviceFilter, WRITE, BPF_DEVCG_ACC_WRITE);
  CONSTANT(DeviceFilter, BPF_DEVCG_DEV_BLOCK);
  CONSTANT(DeviceFilter, BPF_DEVCG_DEV_CHAR);
  OFFSET(DeviceFilter, DEV_CTX_MAJOR, struct bpf_cgroup_dev_ctx, major);
  OFFSET(DeviceFilter, DEV_CTX_MINOR, struct bpf_cgroup_dev_ctx, minor);
  CONSTANT(Bpf, BPF_PROG_LOAD);
  CONSTANT(Bpf, BPF_PROG_ATTACH);
  CONSTANT(Bpf, BPF_PROG_DETACH);
  CONSTANT(Bpf, BPF_PROG_GET_FD_BY_ID);
  CONSTANT(Bpf, BPF_PROG_QUERY);
  CONSTANT(Bpf, BPF_PROG_TYPE_CGROUP_DEVICE);
  CONSTANT(Bpf, BPF_CGROUP_DEVICE);
  CONSTANT(Bpf, BPF_F_ALLOW_MULTI);
  CONSTANT(Bpf, BPF_F_REPLACE);
  OFFSET(Bpf, LOAD_INSTRUCTION_COUNT, union bpf_attr, insn_cnt);
  OFFSET(Bpf, LOAD_INSTRUCTIONS, union bpf_attr, insns);
  OFFSET(Bpf, LOAD_LICENSE, union bpf_attr, license);
  OFFSET(Bpf, LOAD_NAME, union bpf_attr, prog_name);
  OFFSET(Bpf, ATTACH_PROGRAM, union bpf_attr, attach_bpf_fd);
  OFFSET(Bpf, ATTACH_TYPE, union bpf_attr, attach_type);
  OFFSET(Bpf, ATTACH_FLAGS, union bpf_attr, attach_flags);
  OFFSET(Bpf, ATTACH_REPLACED, union bpf_attr, replace_bpf_fd);
  OFFSET(Bpf, QUERY_TYPE, union bpf_attr, query.attach_type);
  OFFSET(Bpf, QUERY_PROGRAMS, union bpf_attr, query.prog_ids);
  OFFSET(Bpf, QUERY_COUNT, union bpf_attr, query.prog_cnt);
}

static void layouts(void) {
  SIZE(Layouts, TIMESPEC_SIZE, struct timespec);
  SIZE(Layouts, FLOCK_SIZE, struct flock);
  OFFSET(Layouts, FLOCK_PID, struct flock, l_pid);
  SIZE(Layouts, STATX_SIZE, struct statx);
  OFFSET(Layouts, STATX_NLINK, struct statx, stx_nlink);
  OFFSET(Layouts, STATX_UID, struct statx, stx_uid);
  OFFSET(Layouts, STATX_GID, struct statx, stx_gid);
  OFFSET(Layouts, STATX_MODE, struct statx, stx_mode);
  OFFSET(Layouts, STATX_INO, struct statx, stx_ino);
  OFFSET(Layouts, STATX_FILE_SIZE, struct statx, stx_size);
  OFFSET(Layouts, STATX_BLOCKS, struct statx, stx_blocks);
  OFFSET(Layouts, STATX_ATIME, struct statx, stx_atime);
  OFFSET(Layouts, STATX_CTIME, struct statx, stx_ctime);
  OFFSET(Layouts, STATX_MTIME, struct statx, stx_mtime);
  OFFSET(Layouts, STATX_RDEV_MAJOR, struct statx, stx_rdev_major);
  OFFSET(Layouts, STATX_DEV_MAJOR, struct statx, stx_dev_major);
  OFFSET(Layouts, STATX_MNT_ID_FIELD, struct statx, stx_mnt_id);
  CONSTANT(Layouts, STATX_BASIC_STATS);
  CONSTANT(Layouts, STATX_MNT_ID);
  SIZE(Layouts, OPEN_HOW_SIZE, struct open_how);
  OFFSET(Layouts, OPEN_HOW_MODE, struct open_how, mode);
  OFFSET(Layouts, OPEN_HOW_RESOLVE, struct open_how, resolve);
  SIZE(Layouts, MOUNT_ATTR_SIZE, struct mount_attr);
  OFFSET(Layouts, MOUNT_ATTR_CLEAR, struct mount_attr, attr_clr);
  OFFSET(Layouts, MOUNT_ATTR_PROPAGATION, struct mount_attr, propagation);
  OFFSET(Layouts, MOUNT_ATTR_USERNS_FD, struct mount_attr, userns_fd);
  OFFSET(Layouts, DIRENT_RECORD_LENGTH, struct dirent64, d_reclen);
  OFFSET(Layouts, DIRENT_TYPE, struct dirent64, d_type);
  OFFSET(Layouts, DIRENT_NAME, struct dirent64, d_name);
  SIZE(Layouts, STATFS_SIZE, struct statfs);
  OFFSET(Layouts, STATFS_TYPE, struct statfs, f_type);
  OFFSET(Layouts, STATFS_BLOCK_SIZE, struct statfs, f_bsize);
  OFFSET(Layouts, STATFS_BLOCKS, struct statfs, f_blocks);
  OFFSET(Layouts, STATFS_AVAILABLE, struct statfs, f_bavail);
  OFFSET(Layouts, STATFS_FILES, struct statfs, f_files);
  OFFSET(Layouts, STATFS_FREE_FILES, struct statfs, f_ffree);
  SIZE(Layouts, SOCKADDR_UN_SIZE, struct sockaddr_un);
  OFFSET(Layouts, SOCKADDR_UN_PATH, struct sockaddr_un, sun_path);
  SIZE(Layouts, MSGHDR_SIZE, struct msghdr);
  OFFSET(Layouts, MSGHDR_IOV, struct msghdr, msg_iov);
  OFFSET(Layouts, MSGHDR_IOVLEN, struct msghdr, msg_iovlen);
  OFFSET(Layouts, MSGHDR_CONTROL, struct msghdr, msg_control);
  OFFSET(Layouts, MSGHDR_CONTROLLEN, struct msghdr, msg_controllen);
  OFFSET(Layouts, MSGHDR_FLAGS, struct msghdr, msg_flags);
  SIZE(Layouts, CMSGHDR_SIZE, struct cmsghdr);
  OFFSET(Layouts, CMSGHDR_LEVEL, struct cmsghdr, cmsg_level);
  OFFSET(Layouts, CMSGHDR_TYPE, struct cmsghdr, cmsg_type);
  SIZE(Layouts, IOVEC_SIZE, struct iovec);
  OFFSET(Layouts, IOVEC_LEN, struct iovec, iov_len);
  SIZE(Layouts, UCRED_SIZE, struct ucred);
  OFFSET(Layouts, UCRED_UID, struct ucred, uid);
  OFFSET(Layouts, UCRED_GID, struct ucred, gid);
  SIZE(Layouts, EPOLL_EVENT_SIZE, struct epoll_event);
  OFFSET(Layouts, EPOLL_EVENT_DATA, struct epoll_event, data);
  SIZE(Layouts, POLLFD_SIZE, struct pollfd);
  OFFSET(Layouts, POLLFD_EVENTS, struct pollfd, events);
  SIZE(Layouts, SIGINFO_SIZE, siginfo_t);
  OFFSET(Layouts, SIGINFO_CODE, siginfo_t, si_code);
  OFFSET(Layouts, SIGINFO_PID, siginfo_t, si_pid);
  OFFSET(Layouts, SIGINFO_STATUS, siginfo_t, si_status);
  SIZE(Layouts, SPAWN_ACTIONS_SIZE, posix_spawn_file_actions_t);
  SIZE(Layouts, SPAWN_ATTRIBUTES_SIZE, posix_spawnattr_t);
  SIZE(Layouts, SIGSET_SIZE, sigset_t);
  SIZE(Terminal, TERMIOS_SIZE, struct termios);
  OFFSET(Terminal, TERMIOS_OFLAG, struct termios, c_oflag);
  OFFSET(Terminal, TERMIOS_CFLAG, struct termios, c_cflag);
  OFFSET(Terminal, TERMIOS_LFLAG, struct termios, c_lflag);
  OFFSET(Terminal, TERMIOS_CC, struct termios, c_cc);
  SIZE(Terminal, WINSIZE_SIZE, struct winsize);
}

static void kind(void) {
  NAMED(Kind, MOUNT, CLONE_NEWNS);
  NAMED(Kind, UTS, CLONE_NEWUTS);
  NAMED(Kind, IPC, CLONE_NEWIPC);
  NAMED(Kind, USER, CLONE_NEWUSER);
  NAMED(Kind, PID, CLONE_NEWPID);
  NAMED(Kind, NETWORK, CLONE_NEWNET);
  NAMED(Kind, CGROUP, CLONE_NEWCGROUP);
  NAMED(Kind, TIME, CLONE_NEWTIME);
}

static void signals(void) {
  CONSTANT(Signal, SIGHUP);
  CONSTANT(Signal, SIGINT);
  CONSTANT(Signal, SIGQUIT);
  CONSTANT(Signal, SIGILL);
  CONSTANT(Signal, SIGTRAP);
  CONSTANT(Signal, SIGABRT);
  CONSTANT(Signal, SIGBUS);
  CONSTANT(Signal, SIGFPE);
  CONSTANT(Signal, SIGKILL);
  CONSTANT(Signal, SIGUSR1);
  CONSTANT(Signal, SIGSEGV);
  CONSTANT(Signal, SIGUSR2);
  CONSTANT(Signal, SIGPIPE);
  CONSTANT(Signal, SIGALRM);
  CONSTANT(Signal, SIGTERM);
  CONSTANT(Signal, SIGSTKFLT);
  CONSTANT(Signal, SIGCHLD);
  CONSTANT(Signal, SIGCONT);
  CONSTANT(Signal, SIGSTOP);
  CONSTANT(Signal, SIGTSTP);
  CONSTANT(Signal, SIGTTIN);
  CONSTANT(Signal, SIGTTOU);
  CONSTANT(Signal, SIGURG);
  CONSTANT(Signal, SIGXCPU);
  CONSTANT(Signal, SIGXFSZ);
  CONSTANT(Signal, SIGVTALRM);
  CONSTANT(Signal, SIGPROF);
  CONSTANT(Signal, SIGWINCH);
  CONSTANT(Signal, SIGIO);
  CONSTANT(Signal, SIGPWR);
  CONSTANT(Signal, SIGSYS);
}

static void errnos(void) {
  CONSTANT(Errno, EPERM);
  CONSTANT(Errno, ENOENT);
  CONSTANT(Errno, ESRCH);
  CONSTANT(Errno, EINTR);
  CONSTANT(Errno, EIO);
  CONSTANT(Errno, ENXIO);
  CONSTANT(Errno, E2BIG);
  CONSTANT(Errno, ENOEXEC);
  CONSTANT(Errno, EBADF);
  CONSTANT(Errno, ECHILD);
  CONSTANT(Errno, EAGAIN);
  CONSTANT(Errno, ENOMEM);
  CONSTANT(Errno, EACCES);
  CONSTANT(Errno, EFAULT);
  CONSTANT(Errno, ENOTBLK);
  CONSTANT(Errno, EBUSY);
  CONSTANT(Errno, EEXIST);
  CONSTANT(Errno, EXDEV);
  CONSTANT(Errno, ENODEV);
  CONSTANT(Errno, ENOTDIR);
  CONSTANT(Errno, EISDIR);
  CONSTANT(Errno, EINVAL);
  CONSTANT(Errno, ENFILE);
  CONSTANT(Errno, EMFILE);
  CONSTANT(Errno, ENOTTY);
  CONSTANT(Errno, ETXTBSY);
  CONSTANT(Errno, EFBIG);
  CONSTANT(Errno, ENOSPC);
  CONSTANT(Errno, ESPIPE);
  CONSTANT(Errno, EROFS);
  CONSTANT(Errno, EMLINK);
  CONSTANT(Errno, EPIPE);
  CONSTANT(Errno, EDOM);
  CONSTANT(Errno, ERANGE);
  CONSTANT(Errno, EDEADLK);
  CONSTANT(Errno, ENAMETOOLONG);
  CONSTANT(Errno, ENOLCK);
  CONSTANT(Errno, ENOSYS);
  CONSTANT(Errno, ENOTEMPTY);
  CONSTANT(Errno, ELOOP);
  CONSTANT(Errno, ENOMSG);
  CONSTANT(Errno, EIDRM);
  CONSTANT(Errno, ECHRNG);
  CONSTANT(Errno, EL2NSYNC);
  CONSTANT(Errno, EL3HLT);
  CONSTANT(Errno, EL3RST);
  CONSTANT(Errno, ELNRNG);
  CONSTANT(Errno, EUNATCH);
  CONSTANT(Errno, ENOCSI);
  CONSTANT(Errno, EL2HLT);
  CONSTANT(Errno, EBADE);
  CONSTANT(Errno, EBADR);
  CONSTANT(Errno, EXFULL);
  CONSTANT(Errno, ENOANO);
  CONSTANT(Errno, EBADRQC);
  CONSTANT(Errno, EBADSLT);
  CONSTANT(Errno, EBFONT);
  CONSTANT(Errno, ENOSTR);
  CONSTANT(Errno, ENODATA);
  CONSTANT(Errno, ETIME);
  CONSTANT(Errno, ENOSR);
  CONSTANT(Errno, ENONET);
  CONSTANT(Errno, ENOPKG);
  CONSTANT(Errno, EREMOTE);
  CONSTANT(Errno, ENOLINK);
  CONSTANT(Errno, EADV);
  CONSTANT(Errno, ESRMNT);
  CONSTANT(Errno, ECOMM);
  CONSTANT(Errno, EPROTO);
  CONSTANT(Errno, EMULTIHOP);
  CONSTANT(Errno, EDOTDOT);
  CONSTANT(Errno, EBADMSG);
  CONSTANT(Errno, EOVERFLOW);
  CONSTANT(Errno, ENOTUNIQ);
  CONSTANT(Errno, EBADFD);
  CONSTANT(Errno, EREMCHG);
  CONSTANT(Errno, ELIBACC);
  CONSTANT(Errno, ELIBBAD);
  CONSTANT(Errno, ELIBSCN);
  CONSTANT(Errno, ELIBMAX);
  CONSTANT(Errno, ELIBEXEC);
  CONSTANT(Errno, EILSEQ);
  CONSTANT(Errno, ERESTART);
  CONSTANT(Errno, ESTRPIPE);
  CONSTANT(Errno, EUSERS);
  CONSTANT(Errno, ENOTSOCK);
  CONSTANT(Errno, EDESTADDRREQ);
  CONSTANT(Errno, EMSGSIZE);
  CONSTANT(Errno, EPROTOTYPE);
  CONSTANT(Errno, ENOPROTOOPT);
  CONSTANT(Errno, EPROTONOSUPPORT);
  CONSTANT(Errno, ESOCKTNOSUPPORT);
  CONSTANT(Errno, EOPNOTSUPP);
  CONSTANT(Errno, EPFNOSUPPORT);
  CONSTANT(Errno, EAFNOSUPPORT);
  CONSTANT(Errno, EADDRINUSE);
  CONSTANT(Errno, EADDRNOTAVAIL);
  CONSTANT(Errno, ENETDOWN);
  CONSTANT(Errno, ENETUNREACH);
  CONSTANT(Errno, ENETRESET);
  CONSTANT(Errno, ECONNABORTED);
  CONSTANT(Errno, ECONNRESET);
  CONSTANT(Errno, ENOBUFS);
  CONSTANT(Errno, EISCONN);
  CONSTANT(Errno, ENOTCONN);
  CONSTANT(Errno, ESHUTDOWN);
  CONSTANT(Errno, ETOOMANYREFS);
  CONSTANT(Errno, ETIMEDOUT);
  CONSTANT(Errno, ECONNREFUSED);
  CONSTANT(Errno, EHOSTDOWN);
  CONSTANT(Errno, EHOSTUNREACH);
  CONSTANT(Errno, EALREADY);
  CONSTANT(Errno, EINPROGRESS);
  CONSTANT(Errno, ESTALE);
  CONSTANT(Errno, EUCLEAN);
  CONSTANT(Errno, ENOTNAM);
  CONSTANT(Errno, ENAVAIL);
  CONSTANT(Errno, EISNAM);
  CONSTANT(Errno, EREMOTEIO);
  CONSTANT(Errno, EDQUOT);
  CONSTANT(Errno, ENOMEDIUM);
  CONSTANT(Errno, EMEDIUMTYPE);
  CONSTANT(Errno, ECANCELED);
  CONSTANT(Errno, ENOKEY);
  CONSTANT(Errno, EKEYEXPIRED);
  CONSTANT(Errno, EKEYREVOKED);
  CONSTANT(Errno, EKEYREJECTED);
  CONSTANT(Errno, EOWNERDEAD);
  CONSTANT(Errno, ENOTRECOVERABLE);
  CONSTANT(Errno, ERFKILL);
  CONSTANT(Errno, EHWPOISON);
}

#ifdef HAVE_SECCOMP
static void seccompLibrary(void) {
  CONSTANT(Seccomp, SCMP_ACT_KILL_PROCESS);
  CONSTANT(Seccomp, SCMP_ACT_KILL_THREAD);
  CONSTANT(Seccomp, SCMP_ACT_TRAP);
  CONSTANT(Seccomp, SCMP_ACT_NOTIFY);
  CONSTANT(Seccomp, SCMP_ACT_LOG);
  CONSTANT(Seccomp, SCMP_ACT_ALLOW);
  CONSTANT(Seccomp, SCMP_FLTATR_CTL_OPTIMIZE);
  SIZE(Seccomp, SCMP_ARG_CMP_SIZE, struct scmp_arg_cmp);
  OFFSET(Seccomp, SCMP_ARG_CMP_OP, struct scmp_arg_cmp, op);
  OFFSET(Seccomp, SCMP_ARG_CMP_A, struct scmp_arg_cmp, datum_a);
  OFFSET(Seccomp, SCMP_ARG_CMP_B, struct scmp_arg_cmp, datum_b);
  NAMED(Operator, NE, SCMP_CMP_NE);
  NAMED(Operator, LT, SCMP_CMP_LT);
  NAMED(Operator, LE, SCMP_CMP_LE);
  NAMED(Operator, EQ, SCMP_CMP_EQ);
  NAMED(Operator, GE, SCMP_CMP_GE);
  NAMED(Operator, GT, SCMP_CMP_GT);
  NAMED(Operator, MASKED_EQ, SCMP_CMP_MASKED_EQ);
}
#endif

#ifdef HAVE_ISAL
static void isal(void) {
  SIZE(IsalGzipDecoder, STATE_SIZE, struct inflate_state);
  OFFSET(IsalGzipDecoder, STATE_NEXT_OUT, struct inflate_state, next_out);
  OFFSET(IsalGzipDecoder, STATE_AVAIL_OUT, struct inflate_state, avail_out);
  OFFSET(IsalGzipDecoder, STATE_NEXT_IN, struct inflate_state, next_in);
  OFFSET(IsalGzipDecoder, STATE_AVAIL_IN, struct inflate_state, avail_in);
  OFFSET(IsalGzipDecoder, STATE_BLOCK_STATE, struct inflate_state, block_state);
  OFFSET(IsalGzipDecoder, STATE_CRC_FLAG, struct inflate_state, crc_flag);
  CONSTANT(IsalGzipDecoder, ISAL_GZIP);
  CONSTANT(IsalGzipDecoder, ISAL_BLOCK_FINISH);
}
#endif

int main(void) {
#ifdef HAVE_SECCOMP
  seccompLibrary();
#endif
#ifdef HAVE_ISAL
  isal();
#endif
  featureProbes();
  openFlags();
  mountFlags();
  openCommands();
  epoll();
  terminal();
  sockets();
  processes();
  memfd();
  blockedSignals();
  fileLocks();
  splices();
  eventFd();
  mounts();
  namespaces();
  fileTimestamp();
  spawn();
  sys();
  bpf();
  layouts();
  kind();
  signals();
  errnos();
  return 0;
}
