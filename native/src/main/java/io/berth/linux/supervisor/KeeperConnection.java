package io.berth.linux.supervisor;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A connection to the keeper, the process that holds descriptors for others ({@code
 * berth-supervisor keeper}, its operations in {@code protocol.h}). Every call blocks until the
 * keeper has answered; not to be called on the poller's thread. Thread-safe.
 *
 * <p>What the keeper refuses is a {@link SupervisorException}. Any other IOException, and a
 * connection that {@link #isOpen} denies, mean that this keeper does not answer any more.
 */
public final class KeeperConnection implements AutoCloseable {
  /** The keeper answers at once; one that does not for so long is stopped, or hangs. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final PacketChannel channel;
  private final AtomicLong requests = new AtomicLong();

  private KeeperConnection(Poller poller, Fd socket, Runnable ended) {
    channel =
        new PacketChannel(
            poller,
            new byte[Protocol.MSG_HEADER_SIZE + Protocol.MSG_MAX_PAYLOAD],
            socket,
            new PacketChannel.Sink() {
              @Override
              public void notified(PacketChannel.Packet packet) {
                // The keeper tells nothing unasked.
              }

              @Override
              public void closed(@Nullable Throwable cause) {
                if (cause != null) {
                  ended.run();
                }
              }
            });
  }

  /**
   * Takes over a connected socket.
   *
   * @param ended runs on the poller's thread, once, when the keeper has gone; not after {@link
   *     #close}
   */
  public static KeeperConnection open(Poller poller, Fd socket, Runnable ended)
      throws SyscallException {
    KeeperConnection connection = new KeeperConnection(poller, socket, ended);
    connection.channel.start();
    return connection;
  }

  /** Whether the keeper was there when it was last heard of. */
  public boolean isOpen() {
    return channel.isOpen();
  }

  /**
   * Has the keeper hold descriptors, which stay the caller's too.
   *
   * @throws SupervisorException EEXIST if the name is taken
   */
  public void put(String name, List<Fd> descriptors) throws IOException {
    ask(Protocol.OP_PUT, name, descriptors);
  }

  /** The names under which the keeper holds something, in its order. */
  public List<String> names() throws IOException {
    List<String> names = new ArrayList<>();
    while (true) {
      byte[] page = ask(Protocol.OP_LIST, names.isEmpty() ? "" : names.getLast(), List.of());
      if (page.length == 0) {
        return names;
      }
      WireReader in = new WireReader(page);
      while (in.hasMore()) {
        in.u16(); // how many descriptors there are under the name
        names.add(in.text());
      }
    }
  }

  /**
   * Has the keeper close what it holds under the name.
   *
   * @throws SupervisorException ENOENT if there is nothing
   */
  public void drop(String name) throws IOException {
    ask(Protocol.OP_DROP, name, List.of());
  }

  /** Ends the keeper and with it all that it holds. */
  public void shutdown() throws IOException {
    ask(Protocol.OP_SHUTDOWN, "", List.of());
  }

  private byte[] ask(int op, String text, List<Fd> descriptors) throws IOException {
    CompletableFuture<PacketChannel.Packet> answer =
        channel.request(
            op, requests.incrementAndGet(), new WireWriter().text(text).toBytes(), descriptors);
    try {
      PacketChannel.Packet packet = answer.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      packet.closeDescriptors();
      return packet.payload();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new SyscallException(
          "wait for the keeper's answer", channel.fd().what(), Errno.ETIMEDOUT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SyscallException("wait for the keeper's answer", channel.fd().what(), Errno.EINTR);
    }
  }

  /**
   * Kills a keeper that does not answer, and blocks until it has ended, so that another one can
   * have its socket and its ports.
   *
   * @param poller that watches its end
   */
  public void kill(Poller poller) throws IOException {
    try (Fd keeper = Processes.openPidfd(Sockets.peer(channel.fd()).pid())) {
      CompletableFuture<Void> ended = Processes.ended(keeper, poller);
      Processes.sendSignal(keeper, Signal.SIGKILL.number());
      ended.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new IOException("the keeper does not end", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("wait for the keeper's end: interrupted", e);
    }
  }

  /** Ends the connection; the keeper lives on with what it holds. */
  @Override
  public void close() {
    channel.close();
  }
}
