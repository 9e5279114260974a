package io.berth.linux;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * How each {@link KernelFeature} is tried out. Most ask for what cannot be done, a descriptor of
 * -1: a kernel that knows the call or the flag complains of the descriptor, one that does not
 * complains of the call or the flag. None of them leaves anything behind.
 */
final class FeatureProbes {
  static final int PIDFD_THREAD = OpenFlags.O_EXCL;
  static final int SECCOMP_SET_MODE_FILTER = 1;
  static final int SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
  static final int SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32;
  static final int CLONE_ARGS_CGROUP = 80;
  static final int CLONE_ARGS_SIZE = 88;
  static final long CLONE_SIGHAND = 0x800;
  static final long CLONE_CLEAR_SIGHAND = 0x100000000L;
  static final int AF_NETLINK = 16;
  static final int SOCK_RAW = 3;
  static final int SOCK_CLOEXEC = OpenFlags.O_CLOEXEC;
  static final int NETLINK_NETFILTER = 12;
  static final int NLMSG_ERROR = 2;
  static final int NFNL_MSG_BATCH_BEGIN = 16;
  static final int NFNL_SUBSYS_NFTABLES = 10;
  static final int SO_NETNS_COOKIE = 71;

  static final int AF_UNIX = 1;
  static final int SOCK_DGRAM = 2;
  static final int SOL_SOCKET = 1;
  static final int NFPROTO_INET = 1;
  static final int NLMSG_HDRLEN = 16;
  static final int NLM_F_REQUEST = 1;
  static final int NLM_F_ACK = 4;
  static final int NLM_F_CREATE = 0x400;
  static final int NFTA_TABLE_NAME = 1;
  static final int NFTA_TABLE_FLAGS = 2;
  static final int NFT_TABLE_F_OWNER = 2;
  static final int NFT_TABLE_F_PERSIST = 4;

  private static final int NO_FD = -1;
  private static final long TEN_SECONDS = 10_000_000_000L;

  private FeatureProbes() {}

  private static boolean isKnown(int number, long a, long b, long c, long d) {
    try (Frame f = Frame.open()) {
      return Libc.call(f, number, a, b, c, d) != -Errno.ENOSYS.number();
    }
  }

  /** Whether the call failed for that reason, behind the point at which flags are looked at. */
  private static boolean answers(Errno expected, int number, long a, long b, long c, long d) {
    try (Frame f = Frame.open()) {
      return Libc.call(f, number, a, b, c, d) == -expected.number();
    }
  }

  static boolean fchmodat2() {
    return isKnown(Sys.FCHMODAT2, NO_FD, 0, 0, 0);
  }

  static boolean mountApi() {
    return isKnown(Sys.FSOPEN, 0, 0, 0, 0);
  }

  static boolean pidfdOpen() {
    return isKnown(Sys.PIDFD_OPEN, NO_FD, 0, 0, 0);
  }

  static boolean pidfdGetfd() {
    return isKnown(Sys.PIDFD_GETFD, NO_FD, NO_FD, 0, 0);
  }

  static boolean openat2() {
    return isKnown(Sys.OPENAT2, NO_FD, 0, 0, 0);
  }

  /** The range ends before it begins. */
  static boolean closeRange() {
    return isKnown(Sys.CLOSE_RANGE, 1, 0, 0, 0);
  }

  static boolean mountSetattr() {
    return isKnown(Sys.MOUNT_SETATTR, NO_FD, 0, 0, 0);
  }

  static boolean timeNamespace() {
    return Files.exists(Path.of("/proc/self/ns/time"));
  }

  /** An attribute that is not known is refused before the descriptor is looked at. */
  static boolean mountNosymfollow() {
    return answers(
        Errno.EBADF, Sys.FSMOUNT, NO_FD, 0, MountFlags.MOUNT_ATTR_NOSYMFOLLOW, /* d= */ 0);
  }

  /** A flag that is not known is refused before the filter is read, from address 0 here. */
  static boolean seccompListener() {
    return answers(
        Errno.EFAULT,
        Sys.SECCOMP,
        SECCOMP_SET_MODE_FILTER,
        SECCOMP_FILTER_FLAG_NEW_LISTENER,
        /* c= */ 0,
        /* d= */ 0);
  }

  static boolean seccompWaitKillable() {
    return answers(
        Errno.EFAULT,
        Sys.SECCOMP,
        SECCOMP_SET_MODE_FILTER,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
        /* c= */ 0,
        /* d= */ 0);
  }

  /** Before 5.8 the flag is refused before the descriptor is looked at. */
  static boolean utimensatEmptyPath() {
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(f, Sys.UTIMENSAT, NO_FD, f.path(""), /* c= */ 0, OpenFlags.AT_EMPTY_PATH);
      return result == -Errno.EBADF.number();
    }
  }

  /**
   * Flags that exclude each other, so that nothing is ever born. A kernel that does not know the
   * last field says E2BIG, for it is not zero.
   */
  static boolean cloneIntoCgroup() {
    try (Frame f = Frame.open()) {
      MemorySegment arguments = f.allocate(CLONE_ARGS_SIZE);
      arguments.set(Libc.LONG, 0, CLONE_SIGHAND | CLONE_CLEAR_SIGHAND);
      arguments.set(Libc.LONG, CLONE_ARGS_CGROUP, 1);
      long result = Libc.call(f, Sys.CLONE3, arguments.address(), CLONE_ARGS_SIZE);
      return result == -Errno.EINVAL.number();
    }
  }

  static boolean statxMountId() throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment status = f.allocate(Layouts.STATX_SIZE);
      long result =
          Libc.call(
              f,
              Sys.STATX,
              OpenFlags.AT_FDCWD,
              f.path("/"),
              OpenFlags.AT_NO_AUTOMOUNT,
              Layouts.STATX_MNT_ID,
              status.address());
      Libc.check(result, "stat", "/");
      return (status.get(Libc.INT, 0) & Layouts.STATX_MNT_ID) != 0;
    }
  }

  static boolean netnsCookie() throws SyscallException {
    try (Frame f = Frame.open();
        Fd socket = socket(f, AF_UNIX, SOCK_DGRAM, 0)) {
      MemorySegment value = f.allocate(8);
      MemorySegment length = f.allocate(8);
      length.set(Libc.INT, 0, 8);
      return Libc.call(
              f,
              Sys.GETSOCKOPT,
              socket.number(),
              SOL_SOCKET,
              SO_NETNS_COOKIE,
              value.address(),
              length.address())
          == 0;
    }
  }

  private static Fd socket(Frame f, int domain, int type, int protocol) throws SyscallException {
    long result = Libc.call(f, Sys.SOCKET, domain, type | SOCK_CLOEXEC, protocol);
    return Fd.adopt((int) Libc.check(result, "socket", "to try out"), "socket to try out");
  }

  /** A kernel that cannot replace refuses the flag before the descriptors are looked at. */
  static boolean bpfReplace() {
    try (Frame f = Frame.open()) {
      MemorySegment a = f.allocate(Bpf.ATTRIBUTES_BYTES);
      a.set(Libc.INT, 0, NO_FD);
      a.set(Libc.INT, Bpf.ATTACH_PROGRAM, NO_FD);
      a.set(Libc.INT, Bpf.ATTACH_TYPE, Bpf.BPF_CGROUP_DEVICE);
      a.set(Libc.INT, Bpf.ATTACH_FLAGS, Bpf.BPF_F_ALLOW_MULTI | Bpf.BPF_F_REPLACE);
      a.set(Libc.INT, Bpf.ATTACH_REPLACED, NO_FD);
      long result = Libc.call(f, Sys.BPF, Bpf.BPF_PROG_ATTACH, a.address(), Bpf.ATTRIBUTES_BYTES);
      return result == -Errno.EBADF.number();
    }
  }

  /**
   * A table of that kind is asked for in a batch that has no end, so that the kernel tries it, says
   * how it went, and takes it back (nfnetlink_rcv_batch).
   */
  static boolean nftTablePersist() throws SyscallException {
    byte[] name = "berth-probe\0".getBytes(StandardCharsets.US_ASCII);
    ByteBuffer batch = ByteBuffer.allocate(128).order(ByteOrder.nativeOrder());
    message(batch, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, /* family= */ 0, NFNL_SUBSYS_NFTABLES, 0);
    int attributes = 4 + name.length + 4 + Integer.BYTES;
    int type = NFNL_SUBSYS_NFTABLES << 8;
    int flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
    message(batch, type, flags, NFPROTO_INET, /* resource= */ 0, attributes);
    batch.putShort((short) (4 + name.length)).putShort((short) NFTA_TABLE_NAME).put(name);
    batch.putShort((short) (4 + Integer.BYTES)).putShort((short) NFTA_TABLE_FLAGS);
    batch.order(ByteOrder.BIG_ENDIAN).putInt(NFT_TABLE_F_OWNER | NFT_TABLE_F_PERSIST);
    byte[] answer = new byte[4096];
    int length;
    try (Frame f = Frame.open();
        Fd socket = socket(f, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)) {
      socket.write(batch.array(), 0, batch.position());
      length = socket.read(answer, 0, answer.length);
    }
    ByteBuffer said = ByteBuffer.wrap(answer, 0, length).order(ByteOrder.nativeOrder());
    return length >= NLMSG_HDRLEN + Integer.BYTES
        && said.getShort(4) == NLMSG_ERROR
        && said.getInt(NLMSG_HDRLEN) == 0;
  }

  /** The headers of a message of netfilter's, whose attributes follow. */
  private static void message(
      ByteBuffer batch, int type, int flags, int family, int resource, int attributes) {
    batch.putInt(NLMSG_HDRLEN + 4 + attributes).putShort((short) type);
    batch.putShort((short) flags).putInt(/* sequence= */ 0).putInt(/* port= */ 0);
    // The resource is in the network's order.
    batch.put((byte) family).put((byte) 0).put((byte) (resource >> 8)).put((byte) resource);
  }

  /**
   * A thread ends, the kernel collects it by itself, and a descriptor of it is asked: what is kept
   * of threads is kept of processes.
   */
  static boolean pidfdExit() throws SyscallException {
    CompletableFuture<Integer> number = new CompletableFuture<>();
    CountDownLatch end = new CountDownLatch(1);
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("probe")
            .start(() -> {
              try (Frame f = Frame.open()) {
                number.complete((int) Libc.call(f, Sys.GETTID));
              }
              awaitThroughInterrupts(end);
            });
    try (Frame f = Frame.open()) {
      long opened = Libc.call(f, Sys.PIDFD_OPEN, number.join(), PIDFD_THREAD);
      end.countDown();
      if (opened < 0) {
        return false;
      }
      try (Fd pidfd = Fd.adopt((int) opened, thread.getName())) {
        return Processes.awaitCollected(pidfd, TEN_SECONDS) && Processes.keptExit(pidfd) != null;
      }
    } finally {
      end.countDown();
    }
  }

  private static void awaitThroughInterrupts(CountDownLatch latch) {
    while (true) {
      try {
        latch.await();
        return;
      } catch (InterruptedException again) {
        // Only the one that asks ends this thread.
      }
    }
  }

  /** Every cgroup of version 2 but the root has the file; where there is none, one is made. */
  static boolean cgroupKill() throws IOException {
    for (MountInfo mount : MountInfo.ofSelf()) {
      if (mount.type().equals("cgroup2")) {
        Path root = Path.of(mount.target());
        try (DirectoryStream<Path> folders =
            Files.newDirectoryStream(root, path -> Files.isDirectory(path))) {
          for (Path folder : folders) {
            if (Files.exists(folder.resolve("cgroup.kill"))) {
              return true;
            }
          }
        }
        Path own =
            Files.createTempDirectory(root, "berth-probe-" + ProcessHandle.current().pid() + "-");
        try {
          return Files.exists(own.resolve("cgroup.kill"));
        } finally {
          Files.delete(own);
        }
      }
    }
    return false;
  }

  /** A kernel before 6.5 takes the option as any text, and refuses the finished file system. */
  static boolean overlayLowerdirAppend() throws IOException {
    return overlay(context -> context.set("lowerdir+", "a").set("lowerdir+", "b"));
  }

  static boolean overlayVolatile() throws IOException {
    return overlay(context ->
        context.set("lowerdir", "a").set("upperdir", "b").set("workdir", "c").set("volatile"));
  }

  private interface Options {
    void set(Mounts.FsContext context) throws SyscallException;
  }

  /**
   * Whether an overlay is made with the options, of the folders a, b and c of a small file system
   * in a mount namespace of its own, which ends with its thread: layers have to be attached
   * somewhere.
   */
  private static boolean overlay(Options options) throws IOException {
    return inOwnNamespace(() -> {
      try (Mounts.FsContext memory = Mounts.openFileSystem("tmpfs");
          Fd folder = memory.create().mount(0);
          RootedFiles files = RootedFiles.at(folder, RootedFiles.Confinement.BENEATH)) {
        for (String layer : new String[] {"a", "b", "c"}) {
          files.makeDirectory(layer, 0700);
        }
        Mounts.attach(folder, Path.of("/"));
        Namespaces.changeFolder(folder);
        try (Mounts.FsContext overlay = Mounts.openFileSystem("overlay")) {
          options.set(overlay);
          overlay.create().mount(0).close();
          return true;
        }
      }
    });
  }

  /**
   * Works on a thread with a mount namespace of its own, which ends with the thread. Waits through
   * interruptions, for what comes may be a descriptor that has to be closed.
   */
  static <T> T inOwnNamespace(Callable<T> work) throws IOException {
    FutureTask<T> errand =
        new FutureTask<>(() -> {
          Namespaces.unshare(Namespaces.CLONE_FS | Namespaces.Kind.MOUNT.flag());
          Mounts.setAttributes(
              Path.of("/"),
              /* recursive= */ true,
              Mounts.Attributes.propagating(MountFlags.MS_PRIVATE));
          return work.call();
        });
    Thread.ofPlatform().daemon().name("overlay").start(errand);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return errand.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          switch (e.getCause()) {
            case IOException io -> throw io;
            case RuntimeException unchecked -> throw unchecked;
            case Error error -> throw error;
            case null, default -> throw new IllegalStateException(e);
          }
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
