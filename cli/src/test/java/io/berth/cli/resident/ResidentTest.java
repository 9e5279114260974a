package io.berth.cli.resident;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.Fd;
import io.berth.linux.Memfd;
import io.berth.linux.OpenFlags;
import io.berth.linux.Sockets;
import io.berth.testing.Eventually;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the resident command line answers to clients, which this process plays. */
final class ResidentTest {
  private static final Build BUILD = new Build(1, 2, 100);

  @TempDir Path folder;

  private final CompletableFuture<Void> retired = new CompletableFuture<>();
  private final SharedConnections connections = new SharedConnections();
  private final List<Fd> open = new ArrayList<>();
  private Path brought;
  private Resident resident;

  @BeforeEach
  void start() throws Exception {
    brought = folder;
    start(/* handedOver= */ false, new LineRunner(connections));
  }

  private void start(boolean handedOver, LineRunner runner) throws Exception {
    resident =
        new Resident(
            Sockets.listen(Sockets.Kind.SEQPACKET, folder.resolve("cli.sock"), 0600, 8),
            handedOver,
            BUILD,
            1,
            runner,
            () -> retired.complete(null));
    resident.start();
  }

  private void restart(boolean handedOver, LineRunner runner) throws Exception {
    resident.close();
    Files.delete(folder.resolve("cli.sock"));
    start(handedOver, runner);
  }

  @AfterEach
  void end() {
    resident.close();
    connections.close();
    open.forEach(Fd::close);
  }

  private Fd connect() throws Exception {
    Fd client = Sockets.connect(Sockets.Kind.SEQPACKET, folder.resolve("cli.sock"), false);
    open.add(client);
    return client;
  }

  /** Connects and greets. */
  private Fd greet(Build build, Fd output, List<String> variables, String... words)
      throws Exception {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    ByteBuffer counts = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
    text.write(counts.putInt(words.length).putInt(variables.size()).array());
    List<String> strings = new ArrayList<>(List.of(folder.toString()));
    strings.addAll(List.of(words));
    strings.addAll(variables);
    for (String string : strings) {
      text.write(string.getBytes(StandardCharsets.UTF_8));
      text.write(0);
    }
    ByteBuffer hello = ByteBuffer.allocate(LineProtocol.HELLO_BYTES).order(ByteOrder.nativeOrder());
    hello.putInt(LineProtocol.LINE_HELLO).putInt(LineProtocol.LINE_VERSION);
    hello.putLong(build.inode()).putLong(build.size()).putLong(build.time());
    hello.putLong(0).putInt(022).putInt(text.size());
    Fd client = connect();
    try (Fd memory = Memfd.sealed("line", text.toByteArray());
        Fd here = Fd.open(brought, OpenFlags.O_PATH)) {
      Sockets.send(client, hello.array(), List.of(memory, here, output, output, output));
    }
    return client;
  }

  private Fd greet(Build build) throws Exception {
    try (Fd.Pipe pipe = Fd.pipe(0)) {
      return greet(build, pipe.writeEnd(), List.of(), "--version");
    }
  }

  private static void tell(Fd client, int op) throws Exception {
    ByteBuffer message =
        ByteBuffer.allocate(LineProtocol.MESSAGE_BYTES).order(ByteOrder.nativeOrder());
    Sockets.send(client, message.putInt(op).putInt(0).array(), List.of());
  }

  private static void hears(Fd client, int op, int value) throws Exception {
    byte[] bytes = new byte[LineProtocol.MESSAGE_BYTES];
    assertEquals(bytes.length, Sockets.receive(client, bytes).length(), "bytes of a message");
    ByteBuffer message = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    assertEquals(op + " " + value, message.getInt() + " " + message.getInt());
  }

  private static void isLeft(Fd client) throws Exception {
    assertEquals(0, Sockets.receive(client, new byte[64]).length(), "the end of the connection");
  }

  @Test
  void aLineIsCarriedOutOnceItsOfferIsAccepted() throws Exception {
    try (Fd.Pipe pipe = Fd.pipe(0)) {
      Fd client = greet(BUILD, pipe.writeEnd(), List.of(), "--version");
      hears(client, LineProtocol.LINE_OFFER, 0);
      tell(client, LineProtocol.LINE_GO);
      hears(client, LineProtocol.LINE_ENDED, 0);
      byte[] said = new byte[100];
      int length = pipe.readEnd().read(said, 0, said.length);
      String text = new String(said, 0, length, StandardCharsets.UTF_8);
      assertEquals("berth version", text.substring(0, 13));
      isLeft(client);
    }
  }

  @Test
  void moreLinesThanAreCarriedOutAtOnceWaitForTheirTurn() throws Exception {
    Fd first = greet(BUILD);
    hears(first, LineProtocol.LINE_OFFER, 0);
    Fd second = greet(BUILD);
    hears(second, LineProtocol.LINE_WAITS, 1);
    Fd third = greet(BUILD);
    hears(third, LineProtocol.LINE_WAITS, 1);
    Sockets.shutdown(second, Sockets.Direction.BOTH);
    // The first has gone without accepting its offer, the second while it waited.
    Sockets.shutdown(first, Sockets.Direction.BOTH);
    hears(third, LineProtocol.LINE_OFFER, 0);
  }

  @Test
  void aPauseIsAwaited() throws Exception {
    assertTrue(resident.awaitPause());
    Fd client = greet(BUILD);
    hears(client, LineProtocol.LINE_OFFER, 0);
    CompletableFuture<Boolean> pause = new CompletableFuture<>();
    Thread waits =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                pause.complete(resident.awaitPause());
              } catch (InterruptedException e) {
                pause.completeExceptionally(e);
              }
            });
    Eventually.answers("it waits", waits::getState, state -> state == Thread.State.WAITING);
    Sockets.shutdown(client, Sockets.Direction.BOTH);
    assertTrue(pause.get(20, TimeUnit.SECONDS));
    resident.retire();
    assertFalse(resident.awaitPause(), "no more lines are taken");
  }

  @Test
  void anOlderBuildIsRefused() throws Exception {
    Fd client = greet(new Build(1, 2, 99));
    hears(client, LineProtocol.LINE_REFUSED, LineProtocol.LINE_REFUSED_BUILD);
    hears(greet(BUILD), LineProtocol.LINE_OFFER, 0);
  }

  @Test
  void aNewerBuildFindsItsPlaceFree() throws Exception {
    try (Fd.Pipe pipe = Fd.pipe(0)) {
      Fd carried = greet(BUILD, pipe.writeEnd(), List.of(), "--version");
      hears(carried, LineProtocol.LINE_OFFER, 0);
      Fd client = greet(new Build(9, 2, 101));
      hears(client, LineProtocol.LINE_REFUSED, LineProtocol.LINE_REFUSED_OLD);
      // It is free before the client hears so, which may start another at once.
      assertTrue(retired.isDone(), "its name is given away");
      tell(carried, LineProtocol.LINE_GO);
      hears(carried, LineProtocol.LINE_ENDED, 0);
      CompletableFuture.runAsync(() -> awaitEnd(Duration.ofHours(1))).get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void whoFindsTheQueueFullStartsNobodyInItsStead() throws Exception {
    Fd first = greet(BUILD);
    hears(first, LineProtocol.LINE_OFFER, 0);
    for (int i = 0; i < 256; i++) {
      hears(greet(BUILD), LineProtocol.LINE_WAITS, 1);
    }
    Fd late = greet(BUILD);
    hears(late, LineProtocol.LINE_REFUSED, LineProtocol.LINE_REFUSED_NOW);
    isLeft(late);
  }

  @Test
  void aLineWithoutAThreadFailsAndTheNextOneIsTaken() throws Exception {
    AtomicInteger made = new AtomicInteger();
    // More of a stack than there are addresses: there is no such thread.
    restart(
        /* handedOver= */ false,
        new LineRunner(
            connections,
            task ->
                Thread.ofPlatform()
                    .daemon()
                    .stackSize(made.getAndIncrement() == 0 ? 1L << 55 : 0)
                    .unstarted(task)));
    try (Fd.Pipe pipe = Fd.pipe(0)) {
      Fd first = greet(BUILD, pipe.writeEnd(), List.of(), "--version");
      hears(first, LineProtocol.LINE_OFFER, 0);
      tell(first, LineProtocol.LINE_GO);
      isLeft(first);
      Fd second = greet(BUILD, pipe.writeEnd(), List.of(), "--version");
      hears(second, LineProtocol.LINE_OFFER, 0);
      tell(second, LineProtocol.LINE_GO);
      hears(second, LineProtocol.LINE_ENDED, 0);
    }
  }

  @Test
  void aLineThatFailsInsideSaysSo() throws Exception {
    brought = Files.createFile(folder.resolve("no folder"));
    try (Fd.Pipe pipe = Fd.pipe(0)) {
      Fd client = greet(BUILD, pipe.writeEnd(), List.of(), "--version");
      hears(client, LineProtocol.LINE_OFFER, 0);
      tell(client, LineProtocol.LINE_GO);
      hears(client, LineProtocol.LINE_ENDED, 1);
      pipe.writeEnd().close();
      String said = new String(pipe.readEnd().readAll(1000), StandardCharsets.UTF_8);
      assertTrue(said.startsWith("berth: carry out this line: "), said);
      assertTrue(said.contains("ENOTDIR") || said.contains("ot a directory"), said);
      isLeft(client);
    }
  }

  /** The socket of a service manager, which starts the next one when this one has ended. */
  @Test
  void atASocketThatWasHandedOverItRefusesUntilItsEnd() throws Exception {
    restart(/* handedOver= */ true, new LineRunner(connections));
    try (Fd.Pipe pipe = Fd.pipe(0)) {
      Fd carried = greet(BUILD, pipe.writeEnd(), List.of(), "--version");
      hears(carried, LineProtocol.LINE_OFFER, 0);
      Fd waits = greet(BUILD);
      hears(waits, LineProtocol.LINE_WAITS, 1);
      Fd newer = greet(new Build(9, 2, 101));
      hears(newer, LineProtocol.LINE_REFUSED, LineProtocol.LINE_REFUSED_NOW);
      hears(waits, LineProtocol.LINE_REFUSED, LineProtocol.LINE_REFUSED_NOW);
      hears(greet(BUILD), LineProtocol.LINE_REFUSED, LineProtocol.LINE_REFUSED_NOW);
      tell(carried, LineProtocol.LINE_GO);
      hears(carried, LineProtocol.LINE_ENDED, 0);
      CompletableFuture.runAsync(() -> awaitEnd(Duration.ofHours(1))).get(20, TimeUnit.SECONDS);
      assertTrue(Files.exists(folder.resolve("cli.sock")), "the name stays its owner's");
    }
  }

  private void awaitEnd(Duration idle) {
    awaitEnd(idle, () -> true);
  }

  private void awaitEnd(Duration idle, BooleanSupplier isWanted) {
    try {
      resident.awaitEnd(idle, isWanted);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void itEndsWhenNobodyCalls() throws Exception {
    CompletableFuture.runAsync(() -> awaitEnd(Duration.ofMillis(50))).get(20, TimeUnit.SECONDS);
    retired.get(20, TimeUnit.SECONDS);
  }

  @Test
  void itEndsWhenItIsNotWanted() throws Exception {
    Fd client = greet(BUILD);
    hears(client, LineProtocol.LINE_OFFER, 0);
    AtomicInteger looks = new AtomicInteger();
    CompletableFuture<Void> end =
        CompletableFuture.runAsync(
            () -> awaitEnd(Duration.ofHours(1), () -> looks.incrementAndGet() < 2));
    // Its client goes without accepting the offer.
    Sockets.shutdown(client, Sockets.Direction.BOTH);
    end.get(20, TimeUnit.SECONDS);
    retired.get(20, TimeUnit.SECONDS);
    assertEquals(2, looks.get());
  }

  /** A line that nothing can end, as its thread waits in open(2), keeps nobody from anything. */
  @Test
  void aLineThatWaitsForAPipeAndHasNoClient_doesNotKeepIt() throws Exception {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    try (Fd.Pipe output = Fd.pipe(0)) {
      Fd client =
          greet(
              BUILD,
              output.writeEnd(),
              List.of(),
              "create",
              "--env-file",
              pipe.toString(),
              "busybox");
      hears(client, LineProtocol.LINE_OFFER, 0);
      tell(client, LineProtocol.LINE_GO);
      resident.retire();
      CompletableFuture<Void> end =
          CompletableFuture.runAsync(() -> awaitEnd(Duration.ofHours(1), () -> false));
      Sockets.shutdown(client, Sockets.Direction.BOTH);
      end.get(20, TimeUnit.SECONDS);
    } finally {
      // The line's thread goes on, to its end.
      Fd.open(pipe.toString(), OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK, 0).close();
    }
  }

  @Test
  void aTimeZoneThatOnlyAProcessCanHaveIsLeftToOne() throws Exception {
    try (Fd.Pipe pipe = Fd.pipe(0)) {
      Fd odd = greet(BUILD, pipe.writeEnd(), List.of("TZ=XYZ-3"), "images");
      hears(odd, LineProtocol.LINE_REFUSED, LineProtocol.LINE_REFUSED_PEER);
      Fd known = greet(BUILD, pipe.writeEnd(), List.of("TZ=:Asia/Tokyo"), "images");
      hears(known, LineProtocol.LINE_OFFER, 0);
    }
  }

  @Test
  void whatIsNoGreetingIsLeft() throws Exception {
    Fd client = connect();
    Sockets.send(client, new byte[] {1, 2, 3}, List.of());
    isLeft(client);
    Fd bare = connect();
    Sockets.send(bare, new byte[LineProtocol.HELLO_BYTES], List.of());
    isLeft(bare);
    Fd large = connect();
    Sockets.send(large, new byte[1000], List.of());
    isLeft(large);
    hears(greet(BUILD), LineProtocol.LINE_OFFER, 0);
  }
}
