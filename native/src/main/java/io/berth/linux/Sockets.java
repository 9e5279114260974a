package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Unix sockets: the kinds and messages that java.nio does not know (seqpacket, datagram,
 * descriptors in messages, credentials).
 *
 * <p>{@link #accept}, {@link #send}, {@link #receive} and {@link #connect} wait on a blocking
 * socket, and a waiting call holds its carrier thread: virtual threads use non-blocking sockets
 * with a {@link Poller}.
 */
public final class Sockets {
  /** How many descriptors the kernel takes with one message. */
  public static final int MAX_DESCRIPTORS = 253;

  /** The longest path that a Unix socket can be bound to, in bytes. */
  public static final int MAX_PATH_BYTES = 107;

  private static final int AF_UNIX = 1;
  private static final int SOL_SOCKET = 1;
  private static final int SO_PEERCRED = 17;
  private static final int SCM_RIGHTS = 1;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int SOCK_NONBLOCK = 0x800;
  private static final int MSG_CTRUNC = 0x8;
  private static final int MSG_TRUNC = 0x20;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;

  private Sockets() {}

  /** Kinds of Unix sockets. */
  public enum Kind {
    STREAM(1),
    DATAGRAM(2),
    SEQPACKET(5);

    private final int type;

    Kind(int type) {
      this.type = type;
    }
  }

  /** Which direction of a connection to end. */
  public enum Direction {
    READ(0),
    WRITE(1),
    BOTH(2);

    private final int how;

    Direction(int how) {
      this.how = how;
    }
  }

  /** Two connected sockets; closing it closes both. */
  public record Pair(Fd left, Fd right) implements AutoCloseable {
    @Override
    public void close() {
      left.close();
      right.close();
    }
  }

  /** Who made the peer's end, as the kernel noted it at connect or listen. */
  public record PeerCredentials(int pid, int uid, int gid) {}

  /**
   * One message.
   *
   * @param length the number of its bytes that are in the buffer; 0 at the end of a connection
   * @param descriptors the descriptors that came along; the caller closes them
   * @param truncated whether the message was longer than the buffer, or descriptors were lost for
   *     lack of room
   */
  public record Received(int length, List<Fd> descriptors, boolean truncated)
      implements AutoCloseable {
    public Received {
      descriptors = List.copyOf(descriptors);
    }

    /** Closes the descriptors. */
    @Override
    public void close() {
      descriptors.forEach(Fd::close);
    }
  }

  /** Two connected sockets, blocking. */
  public static Pair pair(Kind kind) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment two = f.allocate(8);
      Libc.check(
          Libc.call(f, Sys.SOCKETPAIR, AF_UNIX, kind.type | SOCK_CLOEXEC, 0, two.address()),
          "socketpair",
          kind);
      return new Pair(
          Fd.adopt(two.get(Libc.INT, 0), "socket pair (left)"),
          Fd.adopt(two.get(Libc.INT, 4), "socket pair (right)"));
    }
  }

  /**
   * Binds a path, which must not exist, with these permissions and listens. The socket is
   * non-blocking.
   *
   * @param permissions the permissions that the socket's file has before anyone can connect
   */
  public static Fd listen(Kind kind, Path path, int permissions, int backlog)
      throws SyscallException {
    Fd fd = socket(kind, true, "listening on " + path);
    try (Frame f = Frame.open()) {
      // The mode of the socket before bind decides the mode of its file, whatever the umask of this
      // process.
      Libc.check(Libc.call(f, Sys.FCHMOD, fd.number(), permissions), "fchmod", path);
      MemorySegment address = f.allocate(Layouts.SOCKADDR_UN_SIZE);
      int length = address(address, path);
      Libc.check(Libc.call(f, Sys.BIND, fd.number(), address.address(), length), "bind", path);
      Libc.check(
          Libc.call(f, Sys.FCHMODAT, OpenFlags.AT_FDCWD, f.path(path.toString()), permissions),
          "chmod",
          path);
      Libc.check(Libc.call(f, Sys.LISTEN, fd.number(), backlog), "listen", path);
      return fd;
    } catch (SyscallException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  /**
   * Connects to a path. On a Unix socket that waits only while the listener's queue is full; a
   * non-blocking one gets EAGAIN then.
   *
   * @throws SyscallException ENOENT: no such socket; ECONNREFUSED: nobody listens on it
   */
  public static Fd connect(Kind kind, Path path, boolean nonBlocking) throws SyscallException {
    Fd fd = socket(kind, nonBlocking, path.toString());
    try (Frame f = Frame.open()) {
      MemorySegment address = f.allocate(Layouts.SOCKADDR_UN_SIZE);
      int length = address(address, path);
      Libc.check(
          Libc.call(f, Sys.CONNECT, fd.number(), address.address(), length), "connect", path);
      return fd;
    } catch (SyscallException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  /** The next connection, non-blocking; null if nobody waits and the listener is non-blocking. */
  public static @Nullable Fd accept(Fd listener) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result =
          Libc.call(f, Sys.ACCEPT4, listener.number(), 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (result == -Errno.EAGAIN.number() || result == -Errno.ECONNABORTED.number()) {
        return null;
      }
      Libc.check(result, "accept", listener.what());
      return Fd.adopt((int) result, "connection to " + listener.what());
    }
  }

  /** Who connected, or who listens, on the other side. */
  public static PeerCredentials peer(Fd socket) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment credentials = f.allocate(Layouts.UCRED_SIZE);
      MemorySegment length = f.allocate(4);
      length.set(Libc.INT, 0, Layouts.UCRED_SIZE);
      Libc.check(
          Libc.call(
              f,
              Sys.GETSOCKOPT,
              socket.number(),
              SOL_SOCKET,
              SO_PEERCRED,
              credentials.address(),
              length.address()),
          "getsockopt(SO_PEERCRED)",
          socket.what());
      return new PeerCredentials(
          credentials.get(Libc.INT, 0),
          credentials.get(Libc.INT, Layouts.UCRED_UID),
          credentials.get(Libc.INT, Layouts.UCRED_GID));
    }
  }

  /** Ends one direction of a connection for every descriptor of it; ENOTCONN is no error. */
  public static void shutdown(Fd socket, Direction direction) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = Libc.call(f, Sys.SHUTDOWN, socket.number(), direction.how);
      if (result != -Errno.ENOTCONN.number()) {
        Libc.check(result, "shutdown", socket.what());
      }
    }
  }

  /**
   * Sends one message; a packet goes whole or not at all. Raises no SIGPIPE.
   *
   * @param descriptors the descriptors that go along, at most {@link #MAX_DESCRIPTORS}; they stay
   *     open and the caller's
   * @return the number of bytes that were taken, which is less than all only for a stream
   * @throws SyscallException EAGAIN if the socket is non-blocking and full; EPIPE if the peer is
   *     gone
   */
  public static int send(Fd socket, byte[] message, List<Fd> descriptors) throws SyscallException {
    int sent = send(socket, message, descriptors, 0);
    if (sent < 0) {
      throw new SyscallException("sendmsg", socket.what(), -sent);
    }
    return sent;
  }

  /** As {@link #send}, but never waits; false if there is no room. */
  public static boolean trySend(Fd socket, byte[] message, List<Fd> descriptors)
      throws SyscallException {
    int sent = send(socket, message, descriptors, MSG_DONTWAIT);
    if (sent == -Errno.EAGAIN.number()) {
      return false;
    }
    if (sent < 0) {
      throw new SyscallException("sendmsg", socket.what(), -sent);
    }
    return true;
  }

  private static int send(Fd socket, byte[] message, List<Fd> descriptors, int flags) {
    if (descriptors.size() > MAX_DESCRIPTORS) {
      throw new IllegalArgumentException(
          descriptors.size() + " descriptors in a message; at most " + MAX_DESCRIPTORS);
    }
    try (Frame f = Frame.open()) {
      MemorySegment header = header(f, f.bytes(message), message.length);
      if (!descriptors.isEmpty()) {
        int length = Layouts.CMSGHDR_SIZE + 4 * descriptors.size();
        MemorySegment control = f.allocate(length + 7L);
        control.set(Libc.LONG, 0, length);
        control.set(Libc.INT, Layouts.CMSGHDR_LEVEL, SOL_SOCKET);
        control.set(Libc.INT, Layouts.CMSGHDR_TYPE, SCM_RIGHTS);
        for (int i = 0; i < descriptors.size(); i++) {
          control.set(Libc.INT, Layouts.CMSGHDR_SIZE + 4L * i, descriptors.get(i).number());
        }
        header.set(Libc.LONG, Layouts.MSGHDR_CONTROL, control.address());
        header.set(Libc.LONG, Layouts.MSGHDR_CONTROLLEN, (length + 7) & ~7);
      }
      return (int)
          Libc.call(f, Sys.SENDMSG, socket.number(), header.address(), MSG_NOSIGNAL | flags);
    }
  }

  /** Receives one message, waiting for it if the socket is blocking; EAGAIN if it is not. */
  public static Received receive(Fd socket, byte[] into) throws SyscallException {
    Received received = receive(socket, into, 0);
    if (received == null) {
      throw new SyscallException("recvmsg", socket.what(), Errno.EAGAIN);
    }
    return received;
  }

  /** Receives one message if there is one, else returns null. Never waits. */
  public static @Nullable Received tryReceive(Fd socket, byte[] into) throws SyscallException {
    return receive(socket, into, MSG_DONTWAIT);
  }

  private static @Nullable Received receive(Fd socket, byte[] into, int flags)
      throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment buffer = f.raw(into.length);
      MemorySegment header = header(f, buffer.address(), into.length);
      MemorySegment control = f.allocate(Layouts.CMSGHDR_SIZE + 4L * MAX_DESCRIPTORS);
      header.set(Libc.LONG, Layouts.MSGHDR_CONTROL, control.address());
      header.set(Libc.LONG, Layouts.MSGHDR_CONTROLLEN, control.byteSize());
      long result =
          Libc.call(f, Sys.RECVMSG, socket.number(), header.address(), MSG_CMSG_CLOEXEC | flags);
      if (result == -Errno.EAGAIN.number()) {
        return null;
      }
      int length = (int) Libc.check(result, "recvmsg", socket.what());
      MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, into, 0, Math.min(length, into.length));
      int got = header.get(Libc.INT, Layouts.MSGHDR_FLAGS);
      return new Received(
          length,
          descriptors(control, header.get(Libc.LONG, Layouts.MSGHDR_CONTROLLEN), socket),
          (got & (MSG_TRUNC | MSG_CTRUNC)) != 0);
    }
  }

  private static List<Fd> descriptors(MemorySegment control, long length, Fd socket) {
    List<Fd> descriptors = new ArrayList<>();
    long at = 0;
    while (at + Layouts.CMSGHDR_SIZE <= length) {
      long size = control.get(Libc.LONG, at);
      if (size < Layouts.CMSGHDR_SIZE || at + size > length) {
        break;
      }
      if (control.get(Libc.INT, at + Layouts.CMSGHDR_LEVEL) == SOL_SOCKET
          && control.get(Libc.INT, at + Layouts.CMSGHDR_TYPE) == SCM_RIGHTS) {
        for (long i = at + Layouts.CMSGHDR_SIZE; i + 4 <= at + size; i += 4) {
          descriptors.add(Fd.adopt(control.get(Libc.INT, i), "received from " + socket.what()));
        }
      }
      at += (size + 7) & ~7;
    }
    return descriptors;
  }

  private static MemorySegment header(Frame f, long data, int length) {
    MemorySegment vector = f.allocate(Layouts.IOVEC_SIZE);
    vector.set(Libc.LONG, 0, data);
    vector.set(Libc.LONG, Layouts.IOVEC_LEN, length);
    MemorySegment header = f.allocate(Layouts.MSGHDR_SIZE);
    header.set(Libc.LONG, Layouts.MSGHDR_IOV, vector.address());
    header.set(Libc.LONG, Layouts.MSGHDR_IOVLEN, 1);
    return header;
  }

  private static Fd socket(Kind kind, boolean nonBlocking, String what) throws SyscallException {
    int type = kind.type | SOCK_CLOEXEC | (nonBlocking ? SOCK_NONBLOCK : 0);
    try (Frame f = Frame.open()) {
      long result = Libc.call(f, Sys.SOCKET, AF_UNIX, type, 0);
      return Fd.adopt((int) Libc.check(result, "socket", what), what);
    }
  }

  /** Fills in a sockaddr_un and returns the length to give to the kernel. */
  private static int address(MemorySegment address, Path path) throws SyscallException {
    byte[] bytes = FileNames.encode(path.toString());
    if (bytes.length > MAX_PATH_BYTES) {
      throw new SyscallException(
          "socket path longer than " + MAX_PATH_BYTES + " bytes",
          path.toString(),
          Errno.ENAMETOOLONG);
    }
    address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
    MemorySegment.copy(
        bytes, 0, address, ValueLayout.JAVA_BYTE, Layouts.SOCKADDR_UN_PATH, bytes.length);
    return Layouts.SOCKADDR_UN_PATH + bytes.length + 1;
  }

  /** Exactly the received bytes of a buffer. */
  public static byte[] bytesOf(Received received, byte[] buffer) {
    return Arrays.copyOf(buffer, Math.min(received.length(), buffer.length));
  }

  /**
   * Sends text (UTF-8) to a datagram socket, as a service manager's notify socket wants it. Never
   * waits.
   *
   * @param to a path, or a name in the abstract namespace behind an {@code @}
   */
  public static void sendText(String to, String text) throws SyscallException {
    try (Fd fd = socket(Kind.DATAGRAM, true, to);
        Frame f = Frame.open()) {
      MemorySegment address = f.allocate(Layouts.SOCKADDR_UN_SIZE);
      int length = address(address, Path.of(to));
      if (to.startsWith("@")) {
        // Such a name begins with a NUL and ends with its last byte.
        address.set(ValueLayout.JAVA_BYTE, Layouts.SOCKADDR_UN_PATH, (byte) 0);
        length--;
      }
      Libc.check(Libc.call(f, Sys.CONNECT, fd.number(), address.address(), length), "connect", to);
      send(fd, text.getBytes(StandardCharsets.UTF_8), List.of());
    }
  }
}
