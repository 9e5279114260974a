package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A connection to the keeper, a process that holds descriptors under names while the services that
 * use them come and go.
 */
public final class KeeperConnection implements AutoCloseable {
  private final PacketChannel channel;
  private final AtomicLong requests =
      new AtomicLong(ThreadLocalRandom.current().nextLong() & 0x7fff_ffff_ffff_0000L);

  KeeperConnection(Poller poller, byte[] buffer, Fd socket) {
    channel =
        new PacketChannel(
            poller,
            buffer,
            socket,
            new PacketChannel.Sink() {
              @Override
              public void notified(PacketChannel.Packet packet) {}

              @Override
              public void closed(@Nullable Throwable cause) {}
            });
  }

  void open() throws SyscallException {
    channel.start();
  }

  /** A name, and how many descriptors are held under it. */
  public record Entry(String name, int count) {}

  /**
   * Gives descriptors to be held; EEXIST when the name is taken. They must stay open until the
   * future completes.
   */
  public CompletableFuture<Void> put(String name, List<Fd> descriptors) {
    return request(Protocol.OP_PUT, name, descriptors)
        .thenAccept(PacketChannel.Packet::closeDescriptors);
  }

  /** Duplicates of what is held under a name, the caller's to close; ENOENT if nothing is. */
  public CompletableFuture<List<Fd>> get(String name) {
    return request(Protocol.OP_GET, name, List.of()).thenApply(PacketChannel.Packet::descriptors);
  }

  /** Holds them no more; ENOENT if nothing is held under that name. */
  public CompletableFuture<Void> drop(String name) {
    return request(Protocol.OP_DROP, name, List.of())
        .thenAccept(PacketChannel.Packet::closeDescriptors);
  }

  /** Everything that is held, in the order of the names. */
  public CompletableFuture<List<Entry>> list() {
    return listAfter("", new ArrayList<>());
  }

  private CompletableFuture<List<Entry>> listAfter(String name, List<Entry> found) {
    return request(Protocol.OP_LIST, name, List.of())
        .thenCompose(packet -> {
          int before = found.size();
          try {
            WireReader in = new WireReader(packet.payload());
            while (in.hasMore()) {
              int count = in.u16();
              found.add(new Entry(in.text(), count));
            }
          } catch (IOException e) {
            throw new CompletionException(e);
          }
          return found.size() == before
              ? CompletableFuture.completedFuture(List.copyOf(found))
              : listAfter(found.getLast().name(), found);
        });
  }

  /** Ends the keeper; everything it holds is closed. */
  public CompletableFuture<Void> shutdown() {
    return channel
        .request(Protocol.OP_SHUTDOWN, requests.incrementAndGet(), new byte[8], List.of())
        .thenAccept(PacketChannel.Packet::closeDescriptors);
  }

  /** Whether neither side has ended it. */
  public boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void close() {
    channel.close();
  }

  private CompletableFuture<PacketChannel.Packet> request(int op, String name, List<Fd> fds) {
    byte[] payload = new WireWriter().text(name).toBytes();
    return channel.request(op, requests.incrementAndGet(), payload, fds);
  }
}
