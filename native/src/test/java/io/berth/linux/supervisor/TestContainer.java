package io.berth.linux.supervisor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.MountFlags;
import io.berth.linux.Namespaces;
import io.berth.linux.OpenFlags;
import io.berth.linux.Poller;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.SupervisorConnection.Hello;
import io.berth.linux.supervisor.SupervisorConnection.Launched;
import io.berth.linux.supervisor.SupervisorConnection.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A folder for one container whose root holds a static busybox, and clients for the supervisor that
 * a test starts there. Closing it ends whatever the test has left running.
 */
final class TestContainer {
  static final Path PROGRAM = Path.of("target/bin/berth-supervisor").toAbsolutePath();
  static final int NAMESPACES =
      Namespaces.Kind.MOUNT.flag() | Namespaces.Kind.PID.flag() | Namespaces.Kind.UTS.flag();

  private static final Path BUSYBOX = Path.of("/usr/bin/busybox");

  final Path folder;
  final Path socket;
  final Poller poller;
  final SupervisorClient client;
  final Told told = new Told();
  private final Path root;
  private final List<AutoCloseable> open = new ArrayList<>();

  TestContainer(Path folder) throws IOException {
    assertTrue(Files.isExecutable(PROGRAM), "the supervisor is not built");
    assertTrue(Files.isExecutable(BUSYBOX), "no static busybox");
    this.folder = folder;
    this.socket = folder.resolve("sup.sock");
    this.root = Files.createDirectory(folder.resolve("rootfs"));
    for (String name : List.of("bin", "proc", "dev", "tmp")) {
      Files.createDirectory(root.resolve(name));
    }
    Files.copy(BUSYBOX, root.resolve("bin/busybox"));
    Files.createSymbolicLink(root.resolve("bin/sh"), Path.of("busybox"));
    poller = Poller.start("test-poller");
    client = new SupervisorClient(poller);
  }

  /** What the supervisor tells unasked. */
  static class Told implements SupervisorListener {
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

  /** Starts the supervisor, which ends with this container. */
  SupervisorConnection born() throws Exception {
    try (Fd task = Fd.open(folder, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) {
      Supervisor.Birth birth =
          new Supervisor.Birth(
              PROGRAM.toString(), task, null, List.of(), null, "test", /* tied= */ false);
      Supervisor.Born born = Supervisor.spawn(client, birth, told).get(20, TimeUnit.SECONDS);
      SupervisorConnection connection = born.connection();
      Hello hello = born.hello();
      Fd pidfd = hello.pidfd();
      assertNotNull(pidfd);
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

  /** Another connection to the supervisor, not greeted yet. */
  SupervisorConnection connect(SupervisorListener listener) throws IOException {
    return keep(client.connect(socket, listener));
  }

  /** An init that runs a shell script and whose output goes nowhere. */
  Launched running(SupervisorConnection supervisor, String script) throws Exception {
    LaunchPlan plan = init(script, new Step.Sink(1, new Sink.Null()));
    Launched init = get(supervisor.create(supervisor.newRequest(), plan));
    get(supervisor.start(supervisor.newRequest()));
    return init;
  }

  /** A plan for an init that runs a shell script with pipes for its streams. */
  LaunchPlan init(String script, Step... streams) throws IOException {
    List<Step> steps = new ArrayList<>(List.of(new Step.Id("")));
    steps.addAll(List.of(streams));
    steps.addAll(mounts());
    steps.add(new Step.Stdio(0, 0));
    steps.addAll(program(script));
    return plan(steps);
  }

  static LaunchPlan plan(List<Step> steps) throws IOException {
    return LaunchPlan.init(NAMESPACES, steps, OpenOnly.FILES, OpenOnly.STREAMS);
  }

  static LaunchPlan exec(List<Step> steps) throws IOException {
    return LaunchPlan.exec(steps, OpenOnly.FILES, OpenOnly.STREAMS);
  }

  /** A plan for an exec that joins the container by its init. */
  static LaunchPlan exec(String id, Fd initProcess, Sink output, String script) throws IOException {
    return exec(
        List.of(
            new Step.Id(id),
            new Step.Sink(1, output),
            new Step.JoinProcess(new Handle.Open(initProcess), NAMESPACES),
            new Step.Stdio(0, 0),
            new Step.WorkingDirectory("/tmp"),
            new Step.User(0, 0, List.of()),
            new Step.LookUp("sh", "/bin"),
            new Step.Execute(List.of("sh", "-c", script), List.of())));
  }

  List<Step> mounts() {
    return List.of(
        new Step.Hostname("box"),
        new Step.Propagation(MountFlags.MS_SLAVE | MountFlags.MS_REC, "/"),
        new Step.Root(null, root.toString()),
        mount("proc", "/proc", ""),
        mount("tmpfs", "/dev", "mode=755"),
        mount("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620"),
        new Step.Pivot(false));
  }

  private static Step mount(String type, String target, String data) {
    return new Step.Mount(type, type, target, data, 0, 0, MountStep.MAKE_FOLDER, 0755, false);
  }

  static List<Step> program(String script) {
    return List.of(
        new Step.User(0, 0, List.of()),
        new Step.LookUp("sh", "/bin"),
        new Step.Ready(),
        new Step.Execute(List.of("sh", "-c", script), List.of("PATH=/bin", "A=b c")));
  }

  <T extends AutoCloseable> T keep(T closeable) {
    open.add(closeable);
    return closeable;
  }

  void close() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
    poller.close();
  }

  static <T> T get(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(20, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SupervisorException refused) {
        throw refused;
      }
      throw e;
    }
  }

  static SupervisorException refused(CompletableFuture<?> future) {
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> future.get(20, TimeUnit.SECONDS));
    return assertInstanceOf(SupervisorException.class, e.getCause());
  }
}
