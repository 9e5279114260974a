package io.berth.linux.supervisor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Memfd;
import io.berth.linux.Poller;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.PacketChannel.Packet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A channel against a peer that the test plays by hand, slowly or wrongly. */
final class PacketChannelTest {
  private final byte[] buffer = new byte[Protocol.MSG_HEADER_SIZE + Protocol.MSG_MAX_PAYLOAD];
  private final BlockingQueue<Integer> notified = new LinkedBlockingQueue<>();
  private final CompletableFuture<Throwable> closed = new CompletableFuture<>();
  private Poller poller;
  private Fd peer;
  private PacketChannel channel;

  @BeforeEach
  void connect() throws Exception {
    poller = Poller.start("test-poller");
    Sockets.Pair pair = Sockets.pair(Sockets.Kind.SEQPACKET);
    peer = pair.right();
    channel =
        new PacketChannel(
            poller,
            buffer,
            pair.left(),
            new PacketChannel.Sink() {
              @Override
              public void notified(Packet packet) {
                notified.add(packet.op());
              }

              @Override
              public void closed(@Nullable Throwable cause) {
                closed.complete(cause == null ? new IOException("closed here") : cause);
              }
            });
    channel.start();
  }

  @AfterEach
  void end() {
    channel.close();
    poller.close();
    peer.close();
  }

  @Test
  void aSlowPeer_getsEverything_inOrder_withItsDescriptors() throws Exception {
    List<CompletableFuture<Packet>> answers = new ArrayList<>();
    byte[] payload = new byte[20_000];
    try (Fd with = Memfd.sealed("x", "y")) {
      for (int i = 1; i <= 200; i++) {
        answers.add(channel.request(7, i, payload, i == 150 ? List.of(with) : List.of()));
      }
      byte[] into = new byte[70_000];
      for (int i = 1; i <= 200; i++) {
        try (Sockets.Received received = Sockets.receive(peer, into)) {
          WireReader in = new WireReader(Arrays.copyOf(into, received.length()));
          assertEquals(7, in.u16());
          assertEquals(i == 150 ? 1 : 0, in.u16());
          assertEquals(20_000, in.u32());
          assertEquals(i, in.u64());
          assertEquals(i == 150 ? 1 : 0, received.descriptors().size());
        }
        reply(i, Protocol.MSG_REPLY, new byte[] {(byte) i}, List.of());
      }
    }
    for (int i = 1; i <= 200; i++) {
      Packet packet = answers.get(i - 1).get(20, TimeUnit.SECONDS);
      assertArrayEquals(new byte[] {(byte) i}, packet.payload());
    }
  }

  @Test
  void aPeerThatNeverReads_fillsABoundedQueue() throws Exception {
    SyscallException full = null;
    for (int i = 1; i < 5000 && full == null; i++) {
      CompletableFuture<Packet> answer = channel.request(7, i, new byte[5000], List.of());
      if (answer.isDone()) {
        full =
            assertInstanceOf(
                SyscallException.class,
                assertThrows(ExecutionException.class, answer::get).getCause());
      }
    }
    assertNotNull(full, "no request was refused");
    assertEquals(Errno.EAGAIN, full.errno());
  }

  @Test
  void aRefusal_isTheRequestsFailure() throws Exception {
    CompletableFuture<Packet> answer = channel.request(3, 9, new byte[0], List.of());
    byte[] error = new WireWriter().u32(2).u32(4).u16(39).u16(0).text("mount").text("/x").toBytes();
    reply(9, Protocol.MSG_REPLY | Protocol.MSG_ERROR, error, List.of());
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> answer.get(20, TimeUnit.SECONDS));
    SupervisorException refused = assertInstanceOf(SupervisorException.class, e.getCause());
    assertEquals("mount `/x`: ENOENT (no such file or directory)", refused.getMessage());
    assertEquals(List.of(4, 39), List.of(refused.step(), refused.stepCode()));
  }

  @Test
  void theSameNumberTwiceAtATime_isRefused() throws Exception {
    CompletableFuture<Packet> first = channel.request(3, 9, new byte[0], List.of());
    assertTrue(channel.request(3, 9, new byte[0], List.of()).isCompletedExceptionally());
    reply(9, Protocol.MSG_REPLY, new byte[0], List.of());
    first.get(20, TimeUnit.SECONDS);
  }

  @Test
  void descriptorsThatNobodyAskedFor_areClosed() throws Exception {
    try (Fd extra = Memfd.create("berth-test-stray")) {
      reply(777, Protocol.MSG_REPLY | 1, new byte[0], List.of(extra));
      reply(0, 0, new byte[0], List.of());
    }
    assertEquals(500, notified.poll(20, TimeUnit.SECONDS));
    assertEquals(0, open("berth-test-stray"));
  }

  @Test
  void aMessageThatIsNotWhatItsHeaderSays_endsTheConnection() throws Exception {
    CompletableFuture<Packet> answer = channel.request(3, 9, new byte[0], List.of());
    byte[] lies = new WireWriter().u16(500).u16(0).u32(99).u64(0).toBytes();
    Sockets.send(peer, lies, List.of());
    assertTrue(closed.get(20, TimeUnit.SECONDS).toString().contains("not what its header says"));
    assertThrows(ExecutionException.class, () -> answer.get(20, TimeUnit.SECONDS));
    assertFalse(channel.isOpen());
    assertTrue(channel.request(3, 10, new byte[0], List.of()).isCompletedExceptionally());
  }

  @Test
  void thePeersEnd_failsWhatIsPending() {
    CompletableFuture<Packet> answer = channel.request(3, 9, new byte[0], List.of());
    peer.close();
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> answer.get(20, TimeUnit.SECONDS));
    assertTrue(e.toString().contains("ended before the answer"), e::toString);
    assertNull(notified.peek());
  }

  private void reply(long request, int flags, byte[] payload, List<Fd> fds) throws IOException {
    byte[] bytes =
        new WireWriter()
            .u16(500)
            .u16(flags)
            .u32(payload.length)
            .u64(request)
            .bytes(payload)
            .toBytes();
    Sockets.send(peer, bytes, fds);
  }

  private static long open(String name) throws IOException {
    try (var links = Files.list(Path.of("/proc/self/fd"))) {
      return links
          .filter(link -> {
            try {
              return Files.readSymbolicLink(link).toString().contains(name);
            } catch (IOException gone) {
              return false;
            }
          })
          .count();
    }
  }
}
