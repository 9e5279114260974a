package io.berth.cli.resident;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.daemon.IdleCollection;
import io.berth.base.daemon.Program;
import io.berth.base.error.BerthException;
import io.berth.base.io.AtomicFile;
import io.berth.cli.Rehearsal;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileLocks;
import io.berth.linux.KernelFeature;
import io.berth.linux.OpenFlags;
import io.berth.linux.Processes;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The program {@code berth-resident}: the command line that stays. The thin client starts it with a
 * lock that says for how long there is one, or systemd with a socket; then it takes the lock
 * itself, so that no client starts another one, which would take the name of systemd's socket.
 */
public final class ResidentMain {
  private static final String NAME = "cli.sock";
  private static final String PID = "cli.pid";
  private static final String LOCK = "cli.lock";
  private static final int BACKLOG = 256;
  private static final int ACTIVATED_FD = 3;
  private static final int ROUNDS = 20;

  private final @Nullable Path file;
  private final @Nullable Fd lock;

  private ResidentMain(@Nullable Path file, @Nullable Fd lock) {
    this.file = file;
    this.lock = lock;
  }

  /** Ends the process when nobody calls it for some time. */
  public static void main(String[] arguments) {
    Path file = null;
    Fd lock = null;
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i].equals("--config") && i + 1 < arguments.length) {
        file = Path.of(arguments[++i]);
      } else if (arguments[i].startsWith("--lock=")) {
        lock = Fd.adopt(Integer.parseInt(arguments[i].substring("--lock=".length())), "lock");
      } else if (arguments[i].equals("--version")) {
        System.out.println("berth-resident " + Program.VERSION);
        Processes.exitNow(0);
      } else {
        System.err.println(
            "berth-resident: unknown argument `"
                + arguments[i]
                + "`; there is --config FILE, and the command line starts it");
        Processes.exitNow(2);
      }
    }
    int code = 0;
    try {
      new ResidentMain(file, lock).serve();
    } catch (BerthException | IOException e) {
      System.err.println("berth-resident: " + e.getMessage());
      code = 1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (System.getenv("BERTH_AOT_TRAIN") != null) {
      // The JVM writes the start-up cache at an ordinary end only.
      System.exit(code);
    }
    Processes.exitNow(code);
  }

  private void serve() throws IOException, InterruptedException {
    Config config = config();
    var _ = KernelFeature.doWithout(config.withoutFeatures());
    Path socket = config.state().resolve(NAME);
    Path pid = config.state().resolve(PID);
    boolean activated =
        Long.toString(ProcessHandle.current().pid()).equals(System.getenv("LISTEN_PID"));
    if (!activated && lock == null) {
      throw new BerthException.FailedPrecondition(
          "start: neither a lock nor a socket was given; `berth` starts it by itself");
    }
    if (activated) {
      takeLock(config.state().resolve(LOCK));
    } else {
      Files.deleteIfExists(socket);
    }
    Fd listener =
        activated
            ? Fd.adopt(ACTIVATED_FD, "socket of the service manager")
            : Sockets.listen(Sockets.Kind.SEQPACKET, socket, 0600, BACKLOG);
    Object own = activated ? null : fileKey(socket);
    AtomicFile.write(pid, ProcessHandle.current().pid() + "\n", "rw-------");
    Build build =
        Build.of(Path.of(Objects.requireNonNull(System.getProperty("berth.libexec")), "bin/berth"));
    try (SharedConnections connections = new SharedConnections();
        Resident resident =
            new Resident(
                listener,
                activated,
                build,
                Math.clamp(config.number(Key.CLI_LINES), 1, 1024),
                new LineRunner(connections),
                () -> {
                  // A service manager may have put a socket of its own there since.
                  boolean named = own != null && own.equals(fileKey(socket));
                  giveAway(
                      activated ? List.of(pid) : named ? List.of(socket, pid) : List.of(), lock);
                })) {
      resident.start();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> end(resident), "stop"));
      warmUp(resident, connections);
      IdleCollection.start();
      resident.awaitEnd(
          Duration.ofSeconds(Math.max(1, config.number(Key.CLI_IDLE))),
          own == null ? () -> true : new Watch(socket, own, config.socket("containerd")));
    }
  }

  /**
   * Whether clients still come to this process: its socket bears its name, and a service answers
   * that they could want. A look or two see none while it is started anew.
   */
  private static final class Watch implements BooleanSupplier {
    private static final int MOST_ABSENCES = 3;

    private final Path socket;
    private final Object own;
    private final Path service;
    private int absences;

    Watch(Path socket, Object own, Path service) {
      this.socket = socket;
      this.own = own;
      this.service = service;
    }

    @Override
    public boolean getAsBoolean() {
      absences = isServed() ? 0 : absences + 1;
      return absences < MOST_ABSENCES && own.equals(fileKey(socket));
    }

    /** A service that has ended leaves its socket, where nobody listens any more. */
    private boolean isServed() {
      try (Fd _ = Sockets.connect(Sockets.Kind.STREAM, service, /* nonBlocking= */ true)) {
        return true;
      } catch (SyscallException e) {
        return !e.is(Errno.ECONNREFUSED) && !e.is(Errno.ENOENT);
      }
    }
  }

  private static @Nullable Object fileKey(Path file) {
    try {
      return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .fileKey();
    } catch (IOException e) {
      return null;
    }
  }

  /** Takes the lock for as long as this process lives. */
  private static void takeLock(Path path) throws IOException {
    int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_NOFOLLOW;
    Fd own = Fd.open(path.toString(), flags, 0600);
    if (!FileLocks.take(own)) {
      own.close();
      System.err.println(
          "berth-resident: lock `"
              + path
              + "`: held by one that was started before, until it ends");
    }
  }

  private Config config() {
    Path usual = Path.of("/etc/berth/config.toml");
    if (file != null) {
      return Config.read(file);
    }
    return Files.exists(usual) ? Config.read(usual) : Config.defaults();
  }

  /** Whoever comes next may start another one. */
  private static void giveAway(List<Path> names, @Nullable Fd lock) {
    for (Path name : names) {
      try {
        Files.deleteIfExists(name);
      } catch (IOException e) {
        System.err.println("berth-resident: remove `" + name + "`: " + e.getMessage());
      }
    }
    if (lock != null) {
      lock.close();
    }
  }

  /**
   * Told to end, it takes no more lines and goes when those have ended that it has, as processes of
   * their own would: a container's output that is watched outlives services that are started anew.
   */
  private static void end(Resident resident) {
    resident.retire();
    try {
      resident.awaitLines();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Carries harmless lines out, in the pauses of clients' own. */
  private void warmUp(Resident resident, SharedConnections connections) {
    List<String> globals = file == null ? List.of() : List.of("--config", file.toString());
    Thread.ofPlatform()
        .daemon()
        .name("warm-up")
        .start(() -> {
          try {
            for (int i = 0; i < ROUNDS && resident.awaitPause(); i++) {
              Rehearsal.lines(globals, connections::forLine);
            }
            System.err.println("berth-resident: warmed");
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }
}
