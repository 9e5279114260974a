/*
 * Kernel calls that musl 1.2.3 or glibc 2.36 lack or wrap in ways that do not fit here. All take
 * their constants from the kernel's own headers. <sys/mount.h> is not used: glibc 2.36 cannot live
 * beside <linux/mount.h>.
 */
#ifndef BERTH_SYSCALLS_H
#define BERTH_SYSCALLS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef __WALL
#define __WALL 0x40000000
#endif

/* The numbers below are the same on every architecture (asm-generic, from 424 on). */
#define NR_PIDFD_SEND_SIGNAL 424
#define NR_OPEN_TREE 428
#define NR_MOVE_MOUNT 429
#define NR_FSOPEN 430
#define NR_FSCONFIG 431
#define NR_FSMOUNT 432
#define NR_PIDFD_OPEN 434
#define NR_PIDFD_GETFD 438
#define NR_CLONE3 435
#define NR_CLOSE_RANGE 436
#define NR_OPENAT2 437
#define NR_FACCESSAT2 439
#define NR_MOUNT_SETATTR 442

static inline int sys_pidfd_send_signal(int pidfd, int signal) {
  return (int)syscall(NR_PIDFD_SEND_SIGNAL, pidfd, signal, NULL, 0);
}
static inline int sys_pidfd_getfd(int pidfd, int number) {
  return (int)syscall(NR_PIDFD_GETFD, pidfd, number, 0);
}
static inline int sys_pidfd_open(pid_t pid) { return (int)syscall(NR_PIDFD_OPEN, pid, 0); }
static inline pid_t sys_clone3(struct clone_args *arguments) {
  return (pid_t)syscall(NR_CLONE3, arguments, sizeof *arguments);
}
static inline int sys_open_tree(int folder, const char *path, unsigned flags) {
  return (int)syscall(NR_OPEN_TREE, folder, path, flags);
}
static inline int sys_move_mount(int from, const char *from_path, int to, const char *to_path,
                                 unsigned flags) {
  return (int)syscall(NR_MOVE_MOUNT, from, from_path, to, to_path, flags);
}
static inline int sys_fsopen(const char *type) {
  return (int)syscall(NR_FSOPEN, type, FSOPEN_CLOEXEC);
}
static inline int sys_fsconfig(int context, unsigned command, const char *key, const void *value) {
  return (int)syscall(NR_FSCONFIG, context, command, key, value, 0);
}
static inline int sys_fsmount(int context, unsigned attributes) {
  return (int)syscall(NR_FSMOUNT, context, FSMOUNT_CLOEXEC, attributes);
}
static inline int sys_mount_setattr(int folder, const char *path, unsigned flags,
                                    struct mount_attr *attributes) {
  return (int)syscall(NR_MOUNT_SETATTR, folder, path, flags, attributes, sizeof *attributes);
}
static inline int sys_mount(const char *source, const char *target, const char *type,
                            unsigned long flags, const void *data) {
  return (int)syscall(SYS_mount, source, target, type, flags, data);
}
static inline int sys_umount2(const char *target, int flags) {
  return (int)syscall(SYS_umount2, target, flags);
}
static inline int sys_pivot_root(const char *new_root, const char *put_old) {
  return (int)syscall(SYS_pivot_root, new_root, put_old);
}
static inline int sys_close_range(unsigned first, unsigned last, unsigned flags) {
  return (int)syscall(NR_CLOSE_RANGE, first, last, flags);
}
static inline int sys_openat2(int folder, const char *path, uint64_t flags, uint64_t mode,
                              uint64_t resolve) {
  struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
  return (int)syscall(NR_OPENAT2, folder, path, &how, sizeof how);
}
static inline int sys_setns(int fd, int type) { return (int)syscall(SYS_setns, fd, type); }
static inline int sys_unshare(unsigned long flags) { return (int)syscall(SYS_unshare, flags); }

#endif
