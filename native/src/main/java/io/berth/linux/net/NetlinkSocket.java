package io.berth.linux.net;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A netlink socket: requests go out, and their answers are there when the kernel has taken them.
 * Safe for use by several threads: one request at a time.
 */
final class NetlinkSocket implements AutoCloseable {
  private static final int RECEIVE_BYTES = 64 * 1024;
  private static final int BUFFER_BYTES = 4 << 20;
  private static final int ADDRESS_BYTES = 12;
  private static final int DUMP_ATTEMPTS = 20;
  private static final int ERROR_HEADER_BYTES = 4 + NetlinkWriter.HEADER_BYTES;

  /** What an error of the kernel belongs to: a name for the message, for people. */
  private final IntFunction<String> names;

  private final Fd fd;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final byte[] buffer = new byte[RECEIVE_BYTES];

  @GuardedBy("lock")
  private int sequence = 1;

  /** The kernel's number for this socket, which stands in what it tells others of our changes. */
  private final int port;

  private NetlinkSocket(Fd fd, IntFunction<String> names, int port) {
    this.fd = fd;
    this.names = names;
    this.port = port;
  }

  int port() {
    return port;
  }

  /** Opens a socket in the network namespace of the calling thread. */
  static NetlinkSocket open(int protocol, String what, IntFunction<String> names)
      throws SyscallException {
    Fd fd = SocketCalls.socket(Uapi.AF_NETLINK, Uapi.SOCK_RAW, protocol, what);
    try {
      SocketCalls.setOption(fd, Uapi.SOL_NETLINK, Uapi.NETLINK_EXT_ACK, 1);
      SocketCalls.setOption(fd, Uapi.SOL_NETLINK, Uapi.NETLINK_CAP_ACK, 1);
      SocketCalls.setOption(fd, Uapi.SOL_SOCKET, Uapi.SO_SNDBUF, BUFFER_BYTES);
      SocketCalls.setOption(fd, Uapi.SOL_SOCKET, Uapi.SO_RCVBUF, BUFFER_BYTES);
      return new NetlinkSocket(fd, names, bind(fd));
    } catch (SyscallException e) {
      fd.close();
      throw e;
    }
  }

  /** Lets the kernel choose the socket's address, a sockaddr_nl (netlink(7)), and answers it. */
  static int bind(Fd fd) throws SyscallException {
    byte[] any = new byte[ADDRESS_BYTES];
    any[0] = (byte) Uapi.AF_NETLINK;
    SocketCalls.bind(fd, any);
    return ByteBuffer.wrap(SocketCalls.name(fd, ADDRESS_BYTES))
        .order(ByteOrder.LITTLE_ENDIAN)
        .getInt(4);
  }

  /**
   * Sends messages that each ask for an acknowledgement, and waits for all of those.
   *
   * @return the messages that answer them
   * @throws SyscallException the first error; the messages behind it were carried out as far as
   *     they could be
   */
  List<NetlinkMessage> request(NetlinkWriter messages, String subject) throws SyscallException {
    lock.lock();
    try {
      int first = sequence;
      int count = messages.messages();
      sequence += count;
      Sockets.send(fd, messages.toBytes(first), List.of());
      List<NetlinkMessage> answers = new ArrayList<>();
      @Nullable SyscallException failure = null;
      int open = count;
      while (open > 0) {
        for (NetlinkMessage message : receive()) {
          int n = message.sequence() - first;
          if (n < 0 || n >= count) {
            continue;
          }
          if (message.type() != Uapi.NLMSG_ERROR) {
            answers.add(message);
            continue;
          }
          open--;
          SyscallException error = error(message, names.apply(messages.typeOf(n)), subject);
          failure = failure == null ? error : failure;
        }
      }
      if (failure != null) {
        throw failure;
      }
      return answers;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sends a transaction of nfnetlink, whose last message asks for an acknowledgement. All of it
   * happens, or nothing.
   *
   * @throws SyscallException the first error
   */
  void transaction(NetlinkWriter messages, String subject) throws SyscallException {
    lock.lock();
    try {
      int first = sequence;
      int count = messages.messages();
      sequence += count;
      Sockets.send(fd, messages.toBytes(first), List.of());
      @Nullable SyscallException failure = null;
      boolean acknowledged = false;
      while (true) {
        List<NetlinkMessage> received = receiveIfAny();
        if (received == null) {
          break;
        }
        for (NetlinkMessage message : received) {
          int n = message.sequence() - first;
          if (n < 0 || n >= count || message.type() != Uapi.NLMSG_ERROR) {
            continue;
          }
          acknowledged = true;
          SyscallException error = error(message, names.apply(messages.typeOf(n)), subject);
          failure = failure == null ? error : failure;
        }
      }
      if (failure != null) {
        throw failure;
      }
      if (!acknowledged) {
        throw new SyscallException("netlink transaction", subject, Errno.EIO);
      }
    } finally {
      lock.unlock();
    }
  }

  /** A whole dump, repeated while the kernel says that something changed in between. */
  List<NetlinkMessage> dump(IntFunction<NetlinkWriter> request, String subject)
      throws SyscallException {
    lock.lock();
    try {
      for (int attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
        List<NetlinkMessage> answers = dumpOnce(request.apply(attempt), subject);
        if (answers != null) {
          return answers;
        }
      }
      throw new SyscallException("netlink dump", subject, Errno.EAGAIN);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private @Nullable List<NetlinkMessage> dumpOnce(NetlinkWriter request, String subject)
      throws SyscallException {
    int number = sequence++;
    Sockets.send(fd, request.toBytes(number), List.of());
    List<NetlinkMessage> answers = new ArrayList<>();
    boolean interrupted = false;
    while (true) {
      for (NetlinkMessage message : receive()) {
        if (message.sequence() != number) {
          continue;
        }
        interrupted |= message.hasFlag(Uapi.NLM_F_DUMP_INTR);
        if (message.type() == Uapi.NLMSG_DONE || message.type() == Uapi.NLMSG_ERROR) {
          SyscallException error = error(message, names.apply(request.typeOf(0)), subject);
          if (error != null) {
            throw error;
          }
          return interrupted ? null : answers;
        }
        answers.add(message);
      }
    }
  }

  @GuardedBy("lock")
  private List<NetlinkMessage> receive() throws SyscallException {
    List<NetlinkMessage> received = receiveIfAny();
    if (received == null) {
      // The kernel queues answers before send returns, and makes a dump's next part within the
      // receive: when nothing is there, waiting would not help.
      throw new SyscallException("receive", fd.what(), Errno.EAGAIN);
    }
    return received;
  }

  @GuardedBy("lock")
  private @Nullable List<NetlinkMessage> receiveIfAny() throws SyscallException {
    try (Sockets.Received received = Sockets.tryReceive(fd, buffer)) {
      if (received == null) {
        return null;
      }
      if (received.truncated()) {
        throw new SyscallException("receive", fd.what(), Errno.EMSGSIZE);
      }
      return NetlinkMessage.split(Sockets.bytesOf(received, buffer), received.length());
    }
  }

  /** The error that an acknowledgement or the end of a dump carries; null if it is none. */
  private static @Nullable SyscallException error(
      NetlinkMessage message, String name, String subject) {
    if (message.payload().limit() < 4) {
      return null;
    }
    int error = message.payload().getInt(0);
    if (error >= 0) {
      return null;
    }
    int fixed = message.type() == Uapi.NLMSG_DONE ? 4 : ERROR_HEADER_BYTES;
    String why =
        message.hasFlag(Uapi.NLM_F_ACK_TLVS)
            ? message.attributes(fixed).text(Uapi.NLMSGERR_ATTR_MSG)
            : "";
    return new SyscallException(name, why.isEmpty() ? subject : subject + ": " + why, -error);
  }

  @Override
  public void close() {
    fd.close();
  }
}
