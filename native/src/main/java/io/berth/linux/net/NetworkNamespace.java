package io.berth.linux.net;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.KernelFeature;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A network namespace, held open. It lives while this is open, a process is in it, or a file pins
 * it.
 *
 * <p>A thread's namespace is its own, so work inside one is done by a few platform threads kept for
 * that: they join, work and go home, and one that does not find home is ended.
 */
public final class NetworkNamespace implements AutoCloseable {
  private static final int THREADS = 2;
  private static final AtomicInteger THREAD_NUMBER = new AtomicInteger();
  private static final ThreadPoolExecutor TRAVELLERS = travellers();

  private final Fd fd;

  /* Every thread but the travellers is in it already. */
  private final boolean own;

  private NetworkNamespace(Fd fd, boolean own) {
    this.fd = fd;
    this.own = own;
  }

  /** Work to be done inside a namespace; short, for few threads serve all. */
  @FunctionalInterface
  public interface Work<T> {
    T run() throws IOException;
  }

  /** The namespace of this process. */
  public static NetworkNamespace own() throws SyscallException {
    // The first thread of this process never enters another namespace, whichever thread asks.
    return new NetworkNamespace(
        Fd.open(Path.of("/proc/self/ns/net"), OpenFlags.O_RDONLY), /* own= */ true);
  }

  /**
   * Opens a file that pins a namespace, or a process's {@code /proc/PID/ns/net}.
   *
   * @throws SyscallException EINVAL if the file is something else
   */
  public static NetworkNamespace open(Path file) throws IOException {
    NetworkNamespace namespace =
        // Without O_NONBLOCK a fifo at that path would make the open wait.
        new NetworkNamespace(
            Fd.open(file, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK), /* own= */ false);
    try {
      namespace.call(() -> 0);
      return namespace;
    } catch (IOException | RuntimeException e) {
      namespace.close();
      throw e;
    }
  }

  /** A new, empty namespace, whose loopback is down. */
  public static NetworkNamespace create() throws IOException {
    return onTraveller(() -> {
      SocketCalls.unshareNetwork();
      return new NetworkNamespace(
          Fd.open(Path.of("/proc/thread-self/ns/net"), OpenFlags.O_RDONLY), /* own= */ false);
    });
  }

  /**
   * Does the work on a thread that is inside; for this process's namespace that is the caller's.
   */
  public <T> T call(Work<T> work) throws IOException {
    if (own) {
      return work.run();
    }
    return onTraveller(() -> {
      SocketCalls.joinNetwork(fd);
      return work.run();
    });
  }

  /** The descriptor, which stays this object's. */
  public Fd fd() {
    return fd;
  }

  /** The kernel's number for it: equal for two descriptors of one namespace. */
  public long inode() throws SyscallException {
    return fd.status().inode();
  }

  /**
   * The kernel's number for it that no other namespace of this boot has, has had or will have; an
   * inode's number comes again, and is what there is without {@link KernelFeature#NETNS_COOKIE}.
   */
  public long cookie() throws IOException {
    if (!KernelFeature.NETNS_COOKIE.inUse()) {
      return inode();
    }
    try (Fd socket =
        call(() -> SocketCalls.socket(Uapi.AF_UNIX, Uapi.SOCK_DGRAM, 0, "socket for a cookie"))) {
      return SocketCalls.option(socket, Uapi.SOL_SOCKET, Uapi.SO_NETNS_COOKIE);
    }
  }

  /** Makes a file keep the namespace alive; the file must not exist. */
  public void pin(Path file) throws IOException {
    try {
      Files.createFile(file);
    } catch (FileAlreadyExistsException e) {
      throw new SyscallException("pin network namespace", file.toString(), Errno.EEXIST);
    }
    try {
      Mounts.mount(fd.procPath(), file, "none", MountFlags.MS_BIND, "");
    } catch (SyscallException e) {
      Files.deleteIfExists(file);
      throw e;
    }
  }

  /** Takes a pin away, and the file; nothing happens if there is none. */
  public static void unpin(Path file) throws IOException {
    try {
      Mounts.unmount(file, MountFlags.MNT_DETACH);
    } catch (SyscallException e) {
      // EINVAL says that it is a plain file, which an interrupted pin left behind.
      if (!e.is(Errno.EINVAL) && !e.is(Errno.ENOENT)) {
        throw e;
      }
    }
    Files.deleteIfExists(file);
  }

  /** Sets a value below {@code /proc/sys/net} inside; a key it does not have is ENOENT. */
  public void setSysctl(String key, String value) throws IOException {
    call(() -> {
      writeSysctl(key, value);
      return 0;
    });
  }

  /** A value below {@code /proc/sys/net}, without its newline. */
  public String sysctl(String key) throws IOException {
    return call(() -> {
      try (Fd file = Fd.open(sysctlFile(key), OpenFlags.O_RDONLY)) {
        return new String(file.readAll(4096), StandardCharsets.UTF_8).strip();
      }
    });
  }

  /** As {@link #setSysctl}, for work that is inside already. */
  public static void writeSysctl(String key, String value) throws SyscallException {
    try (Fd file = Fd.open(sysctlFile(key), OpenFlags.O_WRONLY)) {
      file.writeOnce(value);
    }
  }

  /**
   * The same for a key that need not exist: a host without IPv6 has none of that, nor has a link
   * that is too narrow for it.
   */
  public static void writeSysctlIfPresent(String key, String value) throws SyscallException {
    try {
      writeSysctl(key, value);
    } catch (SyscallException e) {
      if (!e.is(Errno.ENOENT)) {
        throw e;
      }
    }
  }

  private static Path sysctlFile(String key) {
    return Path.of("/proc/sys/net", key);
  }

  @Override
  public void close() {
    fd.close();
  }

  @Override
  public String toString() {
    return "NetworkNamespace[" + fd.what() + "]";
  }

  private static <T> T onTraveller(Work<T> work) throws IOException {
    CompletableFuture<T> answer = new CompletableFuture<>();
    TRAVELLERS.execute(() -> travel(work, answer));
    try {
      return answer.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException unchecked -> throw unchecked;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(e);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while at work in a network namespace");
    }
  }

  private static <T> void travel(Work<T> work, CompletableFuture<T> answer) {
    // The calling thread's own namespace would not do: a worker made by one that could not return
    // would take that for home.
    try (Fd home = Fd.open(Path.of("/proc/self/ns/net"), OpenFlags.O_RDONLY)) {
      @Nullable T result = null;
      @Nullable Throwable failure = null;
      try {
        result = work.run();
      } catch (IOException | RuntimeException | Error e) {
        failure = e;
      }
      try {
        SocketCalls.joinNetwork(home);
      } catch (SyscallException e) {
        answer.completeExceptionally(e);
        // The thread must end, for it stands in a namespace that is not its own.
        throw new IllegalStateException("no way back from a network namespace", e);
      }
      if (failure != null) {
        answer.completeExceptionally(failure);
      } else {
        answer.complete(result);
      }
    } catch (SyscallException e) {
      answer.completeExceptionally(e);
    }
  }

  private static ThreadPoolExecutor travellers() {
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task ->
                Thread.ofPlatform()
                    .daemon()
                    .name("netns-" + THREAD_NUMBER.getAndIncrement())
                    .unstarted(task));
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }
}
