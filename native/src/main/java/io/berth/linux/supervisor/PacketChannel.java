package io.berth.linux.supervisor;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Epoll;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Requests and answers over a seqpacket socket. Sends at once where there is room, else when there
 * is; bounded. The lock guards the queue and the table of requests; nothing waits under it, and
 * nobody is called under it.
 */
final class PacketChannel implements AutoCloseable {
  private static final int MAX_QUEUED = 1024;
  private static final int MAX_PENDING = 4096;

  /** An answer or a notification. Its descriptors are the receiver's to close. */
  // The record is made for one receiver and never compared.
  @SuppressWarnings("ArrayRecordComponent")
  record Packet(int op, byte[] payload, List<Fd> descriptors) {
    void closeDescriptors() {
      descriptors.forEach(Fd::close);
    }
  }

  /** What to do with what nobody asked for, and at the end. On the poller's thread. */
  interface Sink {
    void notified(Packet packet) throws IOException;

    void closed(@Nullable Throwable cause);
  }

  // The record is made for one receiver and never compared.
  @SuppressWarnings("ArrayRecordComponent")
  private record Outgoing(byte[] bytes, List<Fd> descriptors, long request) {}

  private final Poller poller;
  private final byte[] buffer;
  private final Fd fd;
  private final Sink sink;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Deque<Outgoing> queue = new ArrayDeque<>();

  @GuardedBy("lock")
  private final Map<Long, CompletableFuture<Packet>> pending = new HashMap<>();

  @GuardedBy("lock")
  private Poller.@Nullable Registration registration;

  @GuardedBy("lock")
  private boolean closed;

  @GuardedBy("lock")
  private boolean writing;

  /**
   * Takes over a connected socket.
   *
   * @param buffer used on the poller's thread only, so all channels of a poller share one
   */
  PacketChannel(Poller poller, byte[] buffer, Fd fd, Sink sink) {
    this.poller = poller;
    this.buffer = buffer;
    this.fd = fd;
    this.sink = sink;
  }

  void start() throws SyscallException {
    try {
      fd.setNonBlocking(true);
      synchronized (lock) {
        registration = poller.register(fd, Epoll.EPOLLIN, (_, events) -> ready(events));
      }
    } catch (SyscallException e) {
      fd.close();
      throw e;
    }
  }

  /** Sends a request; its descriptors must stay open until the future completes. */
  CompletableFuture<Packet> request(int op, long request, byte[] payload, List<Fd> descriptors) {
    CompletableFuture<Packet> answer = new CompletableFuture<>();
    byte[] bytes;
    try {
      bytes = packet(op, request, payload, descriptors.size());
    } catch (SyscallException e) {
      return CompletableFuture.failedFuture(e);
    }
    IOException refusal = null;
    synchronized (lock) {
      if (closed) {
        refusal = new PeerGone(fd.what(), null);
      } else if (pending.size() >= MAX_PENDING || queue.size() >= MAX_QUEUED) {
        refusal = new SyscallException("supervisor request", fd.what(), Errno.EAGAIN);
      } else if (pending.putIfAbsent(request, answer) != null) {
        refusal = new SyscallException("supervisor request " + request, fd.what(), Errno.EALREADY);
      } else {
        try {
          send(new Outgoing(bytes, List.copyOf(descriptors), request));
        } catch (SyscallException | IllegalStateException e) {
          pending.remove(request);
          refusal =
              switch (e) {
                case SyscallException cut when cut.is(Errno.EPIPE) || cut.is(Errno.ECONNRESET) ->
                    new PeerGone(fd.what(), cut);
                case SyscallException failed -> failed;
                case Exception unexpected -> new IOException(unexpected.getMessage(), unexpected);
              };
        }
      }
    }
    if (refusal != null) {
      answer.completeExceptionally(refusal);
    }
    return answer;
  }

  @GuardedBy("lock")
  private void send(Outgoing outgoing) throws SyscallException {
    if (queue.isEmpty() && Sockets.trySend(fd, outgoing.bytes, outgoing.descriptors)) {
      return;
    }
    queue.add(outgoing);
    watchForRoom();
  }

  @GuardedBy("lock")
  private void watchForRoom() throws SyscallException {
    boolean wanted = !queue.isEmpty();
    Poller.Registration r = registration;
    if (wanted != writing && r != null) {
      r.setEvents(wanted ? Epoll.EPOLLIN | Epoll.EPOLLOUT : Epoll.EPOLLIN);
      writing = wanted;
    }
  }

  private void ready(int events) {
    try {
      if ((events & Epoll.EPOLLOUT) != 0) {
        flush();
      }
      if ((events & ~Epoll.EPOLLOUT) != 0) {
        receiveAll();
      }
    } catch (IOException | RuntimeException e) {
      end(e);
    }
  }

  private void flush() throws SyscallException {
    synchronized (lock) {
      while (!closed) {
        Outgoing next = queue.peek();
        if (next == null || !Sockets.trySend(fd, next.bytes, next.descriptors)) {
          break;
        }
        queue.remove();
      }
      if (!closed) {
        watchForRoom();
      }
    }
  }

  /**
   * Receives a bounded number of packets, so that one talkative peer does not keep the others
   * waiting.
   */
  private void receiveAll() throws IOException {
    for (int i = 0; i < 16 && isOpen(); i++) {
      Sockets.Received received = Sockets.tryReceive(fd, buffer);
      if (received == null) {
        return;
      }
      if (received.length() == 0) {
        received.close();
        end(new SyscallException("connection", fd.what(), Errno.ECONNRESET));
        return;
      }
      received(received);
    }
  }

  private void received(Sockets.Received received) throws IOException {
    byte[] bytes = Arrays.copyOf(buffer, received.length());
    WireReader in = new WireReader(bytes);
    boolean taken = false;
    try {
      int op = in.u16();
      int flags = in.u16();
      int length = in.u32();
      long request = in.u64();
      if (received.truncated()
          || length != bytes.length - Protocol.MSG_HEADER_SIZE
          || (flags & Protocol.MSG_FDS_MASK) != received.descriptors().size()) {
        throw new IOException("supervisor: a message is not what its header says");
      }
      byte[] payload = Arrays.copyOfRange(bytes, Protocol.MSG_HEADER_SIZE, bytes.length);
      Packet packet = new Packet(op, payload, received.descriptors());
      if ((flags & Protocol.MSG_REPLY) == 0) {
        taken = true;
        try {
          sink.notified(packet);
        } finally {
          packet.closeDescriptors();
        }
        return;
      }
      CompletableFuture<Packet> answer;
      synchronized (lock) {
        answer = pending.remove(request);
      }
      if (answer == null) {
        return;
      }
      if ((flags & Protocol.MSG_ERROR) != 0) {
        answer.completeExceptionally(error(payload));
      } else {
        taken = answer.complete(packet);
      }
    } finally {
      if (!taken) {
        received.close();
      }
    }
  }

  private static IOException error(byte[] payload) {
    try {
      WireReader in = new WireReader(payload);
      int number = in.u32();
      int step = in.u32();
      int code = in.u16();
      in.u16();
      return new SupervisorException(number, step, code, in.text(), in.text());
    } catch (IOException malformed) {
      return malformed;
    }
  }

  boolean isOpen() {
    synchronized (lock) {
      return !closed;
    }
  }

  Fd fd() {
    return fd;
  }

  private void end(@Nullable Throwable cause) {
    List<CompletableFuture<Packet>> unanswered;
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
      unanswered = List.copyOf(pending.values());
      pending.clear();
      queue.clear();
      if (registration != null) {
        registration.close();
      }
      fd.close();
    }
    IOException failure = new PeerGone(fd.what(), cause);
    unanswered.forEach(answer -> answer.completeExceptionally(failure));
    sink.closed(cause);
  }

  /** Ends the connection. Requests without an answer fail. */
  @Override
  public void close() {
    if (poller.isCurrentThread()) {
      end(null);
    } else {
      // The end comes on the poller's thread, so that the descriptor is not closed while that
      // thread is inside a call on it.
      poller.execute(() -> end(null));
    }
  }

  private static byte[] packet(int op, long request, byte[] payload, int descriptors)
      throws SyscallException {
    if (payload.length > Protocol.MSG_MAX_PAYLOAD || descriptors > Protocol.MSG_MAX_FDS) {
      throw new SyscallException("supervisor request", "operation " + op, Errno.EMSGSIZE);
    }
    return new WireWriter()
        .u16(op)
        .u16(descriptors)
        .u32(payload.length)
        .u64(request)
        .bytes(payload)
        .toBytes();
  }
}
