package io.berth.linux;

import java.nio.file.Path;

/**
 * Namespaces of processes. They belong to a thread: {@link #unshare} and {@link #join} are for a
 * platform thread that does its one errand and ends, never for one of a pool, never for a virtual
 * thread. A process with several threads, as every JVM is, cannot change its user or time namespace
 * at all, and its mount namespace only after unsharing {@code CLONE_FS} in that thread.
 */
public final class Namespaces {
  private Namespaces() {}

  /** The kinds, with their names in /proc/PID/ns and in clone(2). */
  public enum Kind {
    MOUNT("mnt", 0x00020000),
    UTS("uts", 0x04000000),
    IPC("ipc", 0x08000000),
    USER("user", 0x10000000),
    PID("pid", 0x20000000),
    NETWORK("net", 0x40000000),
    CGROUP("cgroup", 0x02000000),
    TIME("time", 0x00000080);

    private final String file;
    private final int flag;

    Kind(String file, int flag) {
      this.file = file;
      this.flag = flag;
    }

    /** The kind's name in /proc/PID/ns. */
    public String file() {
      return file;
    }

    /** The kind's {@code CLONE_NEW*} of clone(2). */
    public int flag() {
      return flag;
    }
  }

  /** {@code CLONE_FS}: to be unshared by a thread before it joins a mount namespace. */
  public static final int CLONE_FS = 0x200;

  /**
   * The calling thread gets new namespaces, {@code CLONE_NEW*} together. Throw-away platform thread
   * only.
   */
  public static void unshare(int flags) throws SyscallException {
    refuseVirtual();
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.UNSHARE, flags), "unshare", "0x" + Integer.toHexString(flags));
    }
  }

  /** The calling thread joins a namespace. Throw-away platform thread only. */
  public static void join(Fd namespace, Kind kind) throws SyscallException {
    refuseVirtual();
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.SETNS, namespace.number(), kind.flag), "setns", namespace.what());
    }
  }

  /**
   * The calling thread's working folder, which it must have made its own by unsharing {@link
   * #CLONE_FS}. Throw-away platform thread only.
   */
  public static void changeFolder(Fd folder) throws SyscallException {
    refuseVirtual();
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.FCHDIR, folder.number()), "fchdir", folder.what());
    }
  }

  /** A namespace of a process, by number. */
  public static Fd open(int pid, Kind kind) throws SyscallException {
    return Fd.open(Path.of("/proc", Integer.toString(pid), "ns", kind.file), OpenFlags.O_RDONLY);
  }

  /** A namespace of the calling thread. */
  public static Fd openOwn(Kind kind) throws SyscallException {
    return Fd.open(Path.of("/proc/thread-self/ns", kind.file), OpenFlags.O_RDONLY);
  }

  /** What tells namespaces apart: two descriptors or files with equal numbers are the same one. */
  public static long inode(Fd namespace) throws SyscallException {
    return namespace.status().inode();
  }

  private static void refuseVirtual() {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException("a virtual thread has no namespaces of its own");
    }
  }
}
