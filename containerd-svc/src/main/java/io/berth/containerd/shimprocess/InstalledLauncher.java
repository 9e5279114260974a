package io.berth.containerd.shimprocess;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.daemon.DelegatedUnit;
import io.berth.base.layout.StateFolders;
import io.berth.linux.CgroupLeaf;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.Poller;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.linux.SpawnPlan;
import io.berth.linux.SyscallException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Starts {@code LIBEXEC/bin/berth-shim --config FILE --host N} in a session of its own (setsid(2)),
 * so that no signal to this service's process group reaches it. The program's output goes to the
 * log in its folder.
 */
@Singleton
public final class InstalledLauncher implements ShimProcessLauncher {
  private static final Logger LOG = System.getLogger(InstalledLauncher.class.getName());

  private final Config config;
  private final DelegatedUnit unit;

  @GuardedBy("this")
  private @Nullable Poller poller;

  @Inject
  public InstalledLauncher(Config config) {
    this.config = config;
    try {
      this.unit = DelegatedUnit.of(config);
    } catch (SyscallException e) {
      throw new UncheckedIOException("look for the cgroup of containers", e);
    }
  }

  @Override
  public void check() {
    unit.check();
  }

  @Override
  public Launched launch(int number) throws IOException {
    unit.check();
    Path program = config.libexec().resolve("bin").resolve("berth-shim");
    Path file =
        Objects.requireNonNull(config.file(), "shim processes read the configuration's file");
    Path log = new StateFolders(config.state()).shimProcess(number).log();
    try (Fd output =
        Fd.open(
            log.toString(),
            OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND | OpenFlags.O_CLOEXEC,
            0600)) {
      Map<String, String> environment = System.getenv();
      SpawnPlan plan =
          SpawnPlan.of(program.toString())
              .arguments("--config", file.toString(), "--host", Integer.toString(number))
              .environment(
                  "PATH", environment.getOrDefault("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"))
              .descriptor(1, output)
              .descriptor(2, output)
              .directory("/")
              .newSession();
      for (String name : new String[] {"JAVA_HOME", "HOME", "LANG"}) {
        String value = environment.get(name);
        if (value != null) {
          plan.environment(name, value);
        }
      }
      Processes.Child child = Processes.spawn(plan);
      leaveService(child.pid());
      CompletableFuture<Void> ended =
          Processes.exit(child.pidfd(), poller())
              .handle((_, _) -> {
                child.close();
                return null;
              });
      return new Launched(child.pid(), ended);
    }
  }

  /**
   * Moves the process out of this service's cgroup if a service manager has given containers one of
   * their own: shim processes then live beside the containers, and the end of this service's cgroup
   * does not end them.
   */
  private void leaveService(int pid) {
    if (config.text(Key.CGROUP_PARENT).isEmpty()) {
      return;
    }
    try {
      CgroupLeaf.at(config.cgroupParent() + "/hosts").enter(pid);
    } catch (IOException e) {
      LOG.log(
          Level.WARNING,
          "shim process {0} stays in the cgroup of this service: {1}",
          Integer.toString(pid),
          e.getMessage());
    }
  }

  @Override
  public @Nullable CompletableFuture<Void> watch(int pid) {
    try {
      Fd pidfd = Processes.openPidfd(pid);
      return Processes.ended(pidfd, poller()).whenComplete((_, _) -> pidfd.close());
    } catch (SyscallException e) {
      LOG.log(Level.DEBUG, "watch shim process {0}: {1}", pid, e.getMessage());
      return null;
    }
  }

  /** By the states of its threads in /proc (proc_pid_stat(5)): running, ready, or in the kernel. */
  @Override
  public boolean isBusy(int pid) {
    try (Stream<Path> threads = Files.list(Path.of("/proc", Integer.toString(pid), "task"))) {
      return threads.anyMatch(InstalledLauncher::isBusy);
    } catch (IOException | UncheckedIOException e) {
      LOG.log(Level.DEBUG, "look at shim process {0}: {1}", pid, e.getMessage());
      return false;
    }
  }

  private static boolean isBusy(Path thread) {
    try {
      String stat = Files.readString(thread.resolve("stat"));
      // The state follows the name, which stands in brackets and may hold any character.
      char state = stat.charAt(stat.lastIndexOf(')') + 2);
      return state == 'R' || state == 'D';
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "`{0}` has ended: {1}", thread, e.getMessage());
      return false;
    }
  }

  @Override
  public void kill(int pid) {
    try (Fd pidfd = Processes.openPidfd(pid)) {
      // The pid may have been given to another program since: only a shim process of this instance
      // is killed, by the command line that it was started with.
      String commandLine = Files.readString(Path.of("/proc", Integer.toString(pid), "cmdline"));
      if (commandLine.contains("--host") && commandLine.contains(String.valueOf(config.file()))) {
        Processes.sendSignal(pidfd, Signal.SIGKILL.number());
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "kill shim process {0}: {1}", pid, e.getMessage());
    }
  }

  /**
   * Programs are installed in a folder named by the hash of their build, which is what they tell.
   */
  @Override
  public String build() {
    return String.valueOf(config.libexec().getFileName());
  }

  private synchronized Poller poller() throws SyscallException {
    Poller running = poller;
    if (running == null) {
      running = Poller.start("shim-process-exits");
      poller = running;
    }
    return running;
  }
}
