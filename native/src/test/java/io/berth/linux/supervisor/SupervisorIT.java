package io.berth.linux.supervisor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Memfd;
import io.berth.linux.MountFlags;
import io.berth.linux.Namespaces;
import io.berth.linux.OpenFlags;
import io.berth.linux.Poller;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.SupervisorConnection.Hello;
import io.berth.linux.supervisor.SupervisorConnection.HookResult;
import io.berth.linux.supervisor.SupervisorConnection.Launched;
import io.berth.linux.supervisor.SupervisorConnection.Phase;
import io.berth.linux.supervisor.SupervisorConnection.State;
import io.berth.linux.supervisor.SupervisorConnection.Stream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Java side against the real program; the containers' root is a folder with a static busybox.
 */
@Tag("root")
final class SupervisorIT {
  private static final Path PROGRAM = Path.of("target/bin/berth-supervisor").toAbsolutePath();
  private static final Path BUSYBOX = Path.of("/usr/bin/busybox");
  private static final int NAMESPACES =
      Namespaces.Kind.MOUNT.flag() | Namespaces.Kind.PID.flag() | Namespaces.Kind.UTS.flag();

  @TempDir Path folder;
  private Path root;
  private Poller poller;
  private SupervisorClient client;
  private final Told told = new Told();
  private final List<AutoCloseable> open = new ArrayList<>();

  /** What the supervisor tells unasked. */
  private static class Told implements SupervisorListener {
    final BlockingQueue<ExitRecord> exits = new LinkedBlockingQueue<>();
    final BlockingQueue<String> drained = new LinkedBlockingQueue<>();
    final BlockingQueue<Long> deposed = new LinkedBlockingQueue<>();
    final CompletableFuture<@Nullable Throwable> closed = new CompletableFuture<>();

    @Override
    public void exited(ExitRecord exit) {
      exits.add(exit);
    }

    @Override
    public void drained(String id) {
      drained.add(id);
    }

    @Override
    public void deposed(long epoch) {
      deposed.add(epoch);
    }

    @Override
    public void closed(@Nullable Throwable cause) {
      closed.complete(cause);
    }

    ExitRecord exit() throws InterruptedException {
      ExitRecord exit = exits.poll(20, TimeUnit.SECONDS);
      assertNotNull(exit, "no exit was told");
      return exit;
    }
  }

  @BeforeEach
  void makeRoot() throws Exception {
    assumeTrue(Files.isExecutable(PROGRAM), "the supervisor is not built");
    assumeTrue(Files.isExecutable(BUSYBOX), "no static busybox");
    root = Files.createDirectory(folder.resolve("rootfs"));
    for (String name : List.of("bin", "proc", "dev", "tmp")) {
      Files.createDirectory(root.resolve(name));
    }
    Files.copy(BUSYBOX, root.resolve("bin/busybox"));
    Files.createSymbolicLink(root.resolve("bin/sh"), Path.of("busybox"));
    poller = Poller.start("test-poller");
    client = new SupervisorClient(poller);
  }

  @AfterEach
  void end() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
    poller.close();
  }

  @Test
  void aContainer_isMadeStartedAndItsExitTold() throws Exception {
    SupervisorConnection supervisor = born();
    Path output = folder.resolve("output");
    Launched init;
    try (Fd file = appendTo(output)) {
      Steps steps = begin("").sink(1, new Sink.File(file)).sink(2, new Sink.Null());
      init =
          get(supervisor.create(supervisor.newRequest(), rest(steps, "hostname; echo $A; exit 3")));
    }
    assertEquals(-1, init.stop());
    assertEquals(Phase.CREATED, get(supervisor.state()).phase());
    get(supervisor.start(supervisor.newRequest()));
    ExitRecord exit = told.exit();
    assertEquals(
        new ExitRecord("", init.pid(), ExitRecord.How.EXITED, 3, false, 0, exit.exitedAt()), exit);
    assertEquals("", told.drained.poll(20, TimeUnit.SECONDS));
    assertEquals("box\nb c\n", Files.readString(output));
    assertEquals(exit, ExitRecord.read(folder, ""));
    State state = get(supervisor.state());
    assertEquals(Phase.EXITED, state.phase());
    SupervisorConnection.ProcessState.Exit known = state.processes().getFirst().exit();
    assertNotNull(known);
    assertEquals(3, known.code());
    get(supervisor.acknowledge(""));
    assertNull(ExitRecord.read(folder, ""));
    get(supervisor.shutdown(false));
    told.closed.get(20, TimeUnit.SECONDS);
  }

  @Test
  void execs_signals_andRepeatedRequests() throws Exception {
    SupervisorConnection supervisor = born();
    Launched init = running(supervisor, "exec sleep 1000");
    Path output = folder.resolve("output");
    try (Fd file = appendTo(output);
        Fd pidfd = Processes.openPidfd(init.pid())) {
      Steps steps =
          LaunchPlan.exec()
              .id("one")
              .sink(1, new Sink.File(file))
              .joinPidfd(pidfd, NAMESPACES)
              .stdio(0, 0)
              .workingDirectory("/tmp", false)
              .user(0, 0, List.of())
              .lookUp("sh", "/bin")
              .execute(List.of("sh", "-c", "echo once; pwd"), List.of());
      LaunchPlan plan = steps.build();
      long request = supervisor.newRequest();
      Launched first = get(supervisor.exec(request, plan));
      Launched again = get(supervisor.exec(request, plan));
      assertEquals(first.pid(), again.pid(), "the same request is not done twice");
    }
    assertEquals("one", told.exit().id());
    assertEquals("one", told.drained.poll(20, TimeUnit.SECONDS));
    assertEquals("once\n/tmp\n", Files.readString(output));
    get(supervisor.signal(supervisor.newRequest(), "", Signal.SIGKILL.number()));
    ExitRecord exit = told.exit();
    assertEquals(ExitRecord.How.SIGNALLED, exit.how());
    assertEquals(137, exit.shellCode());
    SupervisorException gone =
        refused(supervisor.signal(supervisor.newRequest(), "", Signal.SIGKILL.number()));
    assertEquals(Errno.ESRCH, gone.errno());
  }

  // Rows MD-22, DC-10.
  @Test
  void aFailedStep_isNamed() throws Exception {
    SupervisorConnection supervisor = born();
    Steps steps = begin("").sink(1, new Sink.Null());
    LaunchPlan plan =
        mounts(steps)
            .stdio(0, 0)
            .lookUp("no-such-program", "/bin:/usr/bin")
            .ready()
            .execute(List.of("x"), List.of())
            .build();
    SupervisorException e = refused(supervisor.create(supervisor.newRequest(), plan));
    assertEquals(Errno.ENOENT, e.errno());
    assertEquals(Protocol.STEP_LOOK_UP, e.stepCode());
    assertEquals("find no-such-program", plan.labelOf(e));
    assertTrue(e.getMessage().contains("no-such-program"), e.getMessage());
  }

  @Test
  void aNewController_takesOver_andHearsOfTheExit() throws Exception {
    SupervisorConnection first = born();
    running(first, "sleep 0.2; exit 4");
    assertEquals(4, told.exit().code());
    Told second = new Told();
    SupervisorConnection next = keep(client.connect(folder.resolve("sup.sock"), second));
    SupervisorException stale = refused(next.hello(0));
    assertEquals(Errno.ESTALE, stale.errno());
    SupervisorConnection winner = keep(client.connect(folder.resolve("sup.sock"), second));
    Hello hello = keep(get(winner.takeOver()));
    assertEquals(2, hello.epoch());
    assertEquals(Phase.EXITED, hello.phase());
    assertNotNull(hello.pidfd());
    assertEquals(2, told.deposed.poll(20, TimeUnit.SECONDS));
    told.closed.get(20, TimeUnit.SECONDS);
    assertFalse(first.isOpen());
    assertEquals(4, second.exit().code(), "told again");
    ExecutionException ended =
        assertThrows(ExecutionException.class, () -> first.state().get(20, TimeUnit.SECONDS));
    assertInstanceOf(SyscallException.class, ended.getCause());
  }

  @Test
  void moreDescriptorsThanOneMessageCarries_arriveInOrder() throws Exception {
    SupervisorConnection supervisor = born();
    Steps steps = begin("");
    List<Fd> files = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      files.add(keep(Memfd.create("sink-" + i)));
    }
    // Only the last is written to: the index of it must be right over all messages.
    Fd last = files.getLast();
    for (Fd file : files.subList(0, 599)) {
      steps.oomCounter(file);
    }
    steps.sink(1, new Sink.File(last));
    LaunchPlan plan = rest(steps, "echo here");
    assertEquals(600, plan.descriptors().size());
    get(supervisor.create(supervisor.newRequest(), plan));
    get(supervisor.start(supervisor.newRequest()));
    told.drained.poll(20, TimeUnit.SECONDS);
    last.seek(0);
    assertEquals("here\n", new String(last.readAll(100), StandardCharsets.UTF_8));
  }

  @Test
  void anAttachedClient_talksToTheProcess() throws Exception {
    SupervisorConnection supervisor = born();
    Steps steps = begin("").sink(0, new Sink.Open()).sink(1, new Sink.Open());
    get(supervisor.create(supervisor.newRequest(), rest(steps, "read line; echo got $line")));
    get(supervisor.start(supervisor.newRequest()));
    byte[] token = new byte[32];
    token[5] = 17;
    get(supervisor.allowAttach("", token, Duration.ofSeconds(20)));
    Fd.Pipe in = keep(Fd.pipe(0));
    Fd.Pipe out = keep(Fd.pipe(0));
    SupervisorConnection attached = keep(client.connect(folder.resolve("sup.sock"), new Told()));
    SupervisorException wrong = refused(attached.helloToAttach(new byte[32]));
    assertEquals(Errno.EACCES, wrong.errno());
    SupervisorConnection right = keep(client.connect(folder.resolve("sup.sock"), new Told()));
    keep(get(right.helloToAttach(token)));
    get(
        right.attach(
            "",
            Map.of(Stream.STDIN, in.readEnd(), Stream.STDOUT, out.writeEnd()),
            Set.of(SupervisorConnection.Bond.BACK_PRESSURE),
            new byte[0]));
    in.readEnd().close();
    out.writeEnd().close();
    in.writeEnd().writeAll("hello\n".getBytes(StandardCharsets.UTF_8));
    assertEquals("got hello\n", new String(out.readEnd().readAll(100), StandardCharsets.UTF_8));
    assertEquals(0, told.exit().code());
  }

  // case L20: what a crowd of short programs wrote comes to the crowd of their clients, each
  // waiting
  // for a place as long as there is none.
  @Test
  void aCrowdOfClients_isLetInAsPlacesComeFree() throws Exception {
    SupervisorConnection supervisor = born();
    Launched init = running(supervisor, "exec sleep 1000");
    Deque<SupervisorConnection> lodgers = new ArrayDeque<>();
    SupervisorException full = null;
    while (full == null) {
      byte[] token = token(lodgers.size());
      get(supervisor.allowAttach("", token, Duration.ofSeconds(60)));
      SupervisorConnection lodger = keep(client.connect(folder.resolve("sup.sock"), new Told()));
      try {
        keep(get(lodger.helloToAttach(token)));
        get(lodger.attach("", Map.of(), Set.of(), new byte[0]));
        lodgers.add(lodger);
      } catch (SupervisorException e) {
        full = e;
      }
    }
    assertEquals(Errno.EUSERS, full.errno());
    try (Fd pidfd = Processes.openPidfd(init.pid());
        ExecutorService crowd = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> outputs = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        String id = "e" + i;
        byte[] token = token(1000 + i);
        Steps steps = LaunchPlan.exec().id(id).sink(1, new Sink.Open());
        steps.joinPidfd(pidfd, NAMESPACES).stdio(0, 0);
        steps.workingDirectory("/tmp", false).user(0, 0, List.of()).lookUp("sh", "/bin");
        steps.execute(List.of("sh", "-c", "echo o" + i + "; exit " + i), List.of());
        get(supervisor.exec(supervisor.newRequest(), steps.build()));
        get(supervisor.allowAttach(id, token, Duration.ofSeconds(60)));
        outputs.add(crowd.submit(() -> outputOf(id, token)));
      }
      lodgers.forEach(SupervisorConnection::close);
      for (int i = 0; i < 60; i++) {
        assertEquals(i + " o" + i + "\n", outputs.get(i).get(20, TimeUnit.SECONDS));
      }
    }
  }

  private static byte[] token(int number) {
    return ByteBuffer.allocate(32).putInt(number).array();
  }

  private String outputOf(String id, byte[] token) throws Exception {
    Told ended = new Told();
    Admission admission = new Admission(client, folder.resolve("sup.sock"));
    try (SupervisorConnection attached = admission.enter(token, ended, Duration.ofSeconds(20));
        Fd.Pipe out = Fd.pipe(0)) {
      Set<SupervisorConnection.Bond> bonds = Set.of(SupervisorConnection.Bond.BACK_PRESSURE);
      get(attached.attach(id, Map.of(Stream.STDOUT, out.writeEnd()), bonds, new byte[0]));
      out.writeEnd().close();
      int code = ended.exit().code();
      return code + " " + new String(out.readEnd().readAll(100), StandardCharsets.UTF_8);
    }
  }

  // case L20: nobody waits for a place with a token that is not good, nor where nobody lives.
  @Test
  void aWrongToken_isNotTakenForAFullHouse() throws Exception {
    SupervisorConnection supervisor = born();
    running(supervisor, "exec sleep 1000");
    Admission admission = new Admission(client, folder.resolve("sup.sock"));
    SupervisorException wrong =
        assertThrows(
            SupervisorException.class,
            () -> admission.enter(token(1), new Told(), Duration.ofSeconds(20)));
    assertEquals(Errno.EACCES, wrong.errno());
    Admission nobody = new Admission(client, folder.resolve("none.sock"));
    SyscallException gone =
        assertThrows(
            SyscallException.class,
            () -> nobody.enter(token(1), new Told(), Duration.ofSeconds(20)));
    assertEquals(Errno.ENOENT, gone.errno());
  }

  // case L19: the reader's end is told by the supervisor, with the stream and the reason.
  @Test
  void aReaderThatGoes_isTold() throws Exception {
    SupervisorConnection supervisor = born();
    Steps steps = begin("").sink(1, new Sink.Open());
    get(supervisor.create(supervisor.newRequest(), rest(steps, "while echo y; do :; done")));
    get(supervisor.allowAttach("", token(1), Duration.ofSeconds(20)));
    CompletableFuture<String> broken = new CompletableFuture<>();
    Told ear =
        new Told() {
          @Override
          public void broken(Stream stream, Errno error) {
            broken.complete(stream + " " + error);
          }
        };
    SupervisorConnection attached = keep(client.connect(folder.resolve("sup.sock"), ear));
    keep(get(attached.helloToAttach(token(1))));
    Set<SupervisorConnection.Bond> bonds =
        Set.of(SupervisorConnection.Bond.BACK_PRESSURE, SupervisorConnection.Bond.BREAKS);
    try (Fd.Pipe out = Fd.pipe(0)) {
      get(attached.attach("", Map.of(Stream.STDOUT, out.writeEnd()), bonds, new byte[0]));
      out.writeEnd().close();
      get(supervisor.start(supervisor.newRequest()));
      assertEquals(1, out.readEnd().read(new byte[1], 0, 1));
    }
    assertEquals("STDOUT EPIPE", broken.get(20, TimeUnit.SECONDS));
    assertEquals(0, told.exit().code(), "its loop ended with its output");
  }

  @Test
  void aTerminal_hasTheSizeItIsGiven() throws Exception {
    SupervisorConnection supervisor = born();
    Path output = folder.resolve("output");
    try (Fd file = appendTo(output)) {
      Steps steps = begin("").terminal(40, 100).sink(1, new Sink.File(file));
      mounts(steps).console(0, false);
      LaunchPlan plan = program(steps, "stty size; sleep 0.3; stty size").build();
      get(supervisor.create(supervisor.newRequest(), plan));
      get(supervisor.start(supervisor.newRequest()));
      for (int i = 0; i < 200 && Files.size(output) == 0; i++) {
        TimeUnit.MILLISECONDS.sleep(10);
      }
      get(supervisor.resize("", new Terminal.Size(50, 120)));
    }
    told.exit();
    told.drained.poll(20, TimeUnit.SECONDS);
    assertEquals("40 100\r\n50 120\r\n", Files.readString(output));
  }

  @Test
  void hooks_getTheirInput_andAreBounded() throws Exception {
    SupervisorConnection supervisor = born();
    running(supervisor, "exec sleep 1000");
    Hook says =
        new Hook(
            "/bin/sh",
            List.of("sh", "-c", "cat; echo \" $A\"; exit 5"),
            List.of("A=b"),
            Duration.ofSeconds(20),
            "{\"pid\":",
            "}");
    HookResult result = get(supervisor.hook(supervisor.newRequest(), says, null));
    assertEquals(5, result.code());
    assertTrue(result.output().matches("\\{\"pid\":\\d+\\} b\n"), result.output());
    Hook hangs =
        new Hook("/bin/sleep", List.of("sleep", "100"), List.of(), Duration.ofMillis(100), "", "");
    assertTrue(get(supervisor.hook(supervisor.newRequest(), hangs, null)).timedOut());
  }

  @Test
  void aBirthThatFails_saysWhy() throws Exception {
    try (Fd task = Fd.open(folder, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        Fd wrong = Memfd.create("no mount namespace")) {
      Supervisor.Birth birth =
          new Supervisor.Birth(
              PROGRAM.toString(), task, null, List.of(), wrong, "x", false, Map.of());
      ExecutionException e =
          assertThrows(
              ExecutionException.class,
              () -> Supervisor.spawn(client, birth, told).get(20, TimeUnit.SECONDS));
      assertTrue(e.toString().contains("berth-supervisor: cannot"), e.toString());
    }
  }

  @Test
  void theKeeper_holdsDescriptorsOverConnections() throws Exception {
    Path socket = folder.resolve("keeper.sock");
    Supervisor.spawnKeeper(client, PROGRAM.toString(), socket.toString()).get(20, TimeUnit.SECONDS);
    try (KeeperConnection keeper = client.connectKeeper(socket);
        Fd one = Memfd.sealed("one", "1");
        Fd two = Memfd.sealed("two", "2")) {
      get(keeper.put("b/pair", List.of(one, two)));
      get(keeper.put("a", List.of(two)));
      assertEquals(Errno.EEXIST, refused(keeper.put("a", List.of(one))).errno());
    }
    try (KeeperConnection keeper = client.connectKeeper(socket)) {
      assertEquals(
          List.of(new KeeperConnection.Entry("a", 1), new KeeperConnection.Entry("b/pair", 2)),
          get(keeper.list()));
      List<Fd> back = get(keeper.get("b/pair"));
      assertArrayEquals(
          new byte[] {'1', '2'},
          new byte[] {back.get(0).readAll(10)[0], back.get(1).readAll(10)[0]});
      back.forEach(Fd::close);
      get(keeper.drop("a"));
      assertEquals(Errno.ENOENT, refused(keeper.get("a")).errno());
      get(keeper.shutdown());
    }
  }

  private SupervisorConnection born() throws Exception {
    try (Fd task = Fd.open(folder, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) {
      Supervisor.Birth birth =
          new Supervisor.Birth(
              PROGRAM.toString(), task, null, List.of(), null, "test", false, Map.of());
      Supervisor.Born born = Supervisor.spawn(client, birth, told).get(20, TimeUnit.SECONDS);
      SupervisorConnection connection = born.connection();
      Hello hello = born.hello();
      Fd pidfd = hello.pidfd();
      assertNotNull(pidfd);
      // Whatever the test leaves: the supervisor and, with it, its container end here.
      open.add(() -> {
        try (hello;
            connection) {
          Processes.sendSignal(pidfd, Signal.SIGKILL.number());
        } catch (SyscallException ended) {
          assertEquals(Errno.ESRCH, ended.errno());
        }
      });
      assertEquals(1, hello.epoch());
      assertEquals(Phase.EMPTY, hello.phase());
      return connection;
    }
  }

  private Launched running(SupervisorConnection supervisor, String script) throws Exception {
    Steps steps = begin("").sink(1, new Sink.Null());
    Launched init = get(supervisor.create(supervisor.newRequest(), rest(steps, script)));
    get(supervisor.start(supervisor.newRequest()));
    return init;
  }

  private static Steps begin(String id) {
    return LaunchPlan.init(NAMESPACES).id(id);
  }

  private LaunchPlan rest(Steps steps, String script) {
    return program(mounts(steps).stdio(0, 0), script).build();
  }

  private Steps mounts(Steps steps) {
    long slave = MountFlags.MS_SLAVE | MountFlags.MS_REC;
    return steps
        .hostname("box")
        .propagation(slave, "/")
        .root(null, root.toString())
        .mount(filesystem("proc", "/proc", ""))
        .mount(filesystem("tmpfs", "/dev", "mode=755"))
        .mount(filesystem("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620"))
        .pivot(false);
  }

  private static Steps.Filesystem filesystem(String type, String target, String data) {
    return new Steps.Filesystem(type, type, target, data, 0, 0, MountStep.MAKE_FOLDER, 0755);
  }

  private static Steps program(Steps steps, String script) {
    return steps
        .user(0, 0, List.of())
        .lookUp("sh", "/bin")
        .ready()
        .execute(List.of("sh", "-c", script), List.of("PATH=/bin", "A=b c"));
  }

  private static Fd appendTo(Path file) throws Exception {
    Files.write(file, new byte[0], StandardOpenOption.CREATE);
    return Fd.open(file, OpenFlags.O_WRONLY | OpenFlags.O_APPEND);
  }

  private <T extends AutoCloseable> T keep(T closeable) {
    open.add(closeable);
    return closeable;
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(20, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SupervisorException refused) {
        throw refused;
      }
      throw e;
    }
  }

  private static SupervisorException refused(CompletableFuture<?> future) {
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> future.get(20, TimeUnit.SECONDS));
    return assertInstanceOf(SupervisorException.class, e.getCause());
  }
}
