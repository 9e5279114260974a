package io.berth.containerd.shimprocess;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.layout.StateFolders;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The shim processes of this instance: found after a restart, started, chosen for tasks, followed,
 * and ended when nobody needs them. Thread-safe.
 */
@Singleton
public final class ShimProcesses {
  private static final Logger LOG = System.getLogger(ShimProcesses.class.getName());
  private static final Duration IDLE_CHECK = Duration.ofSeconds(15);

  private final StateFolders folders;
  private final ShimProcessLauncher launcher;
  private final ShimProcessConnection.Connector connector;
  private final ShimProcessTable table;
  private final ShimProcessWatcher watcher;
  private final ShimProcessStarter starter;

  @Inject
  ShimProcesses(
      Config config, ShimProcessLauncher launcher, ShimProcessConnection.Connector connector) {
    this.folders = new StateFolders(config.state());
    this.launcher = launcher;
    this.connector = connector;
    this.table =
        new ShimProcessTable(
            folders,
            new ReadyProcesses(
                (int) config.number(Key.SHIM_WARM_HOSTS),
                (int) Math.max(1, config.number(Key.SHIM_CONTAINERS_PER_HOST))));
    this.watcher = new ShimProcessWatcher(table, launcher, this::replenish);
    this.starter =
        new ShimProcessStarter(
            folders,
            table,
            launcher,
            connector,
            watcher,
            /* warms= */ config.number(Key.CONTAINERD_WARM_ROUNDS) > 0);
  }

  private void replenish() {
    starter.startMissing();
  }

  /** ABSENT, which says why, while no container could live on this host. */
  public void check() {
    launcher.check();
  }

  /**
   * A living process of an earlier life of this service.
   *
   * @param ids the tasks that it has
   * @param namespace empty if it has never had one
   * @param draining it takes no more tasks: those that it has want to be moved
   */
  public record Found(ShimProcess process, List<String> ids, String namespace, boolean draining) {
    public Found {
      ids = List.copyOf(ids);
    }
  }

  /** Looks which processes of an earlier life are there; folders of dead ones are removed. */
  public List<Found> find() throws IOException {
    folders.prepareShimProcesses();
    List<Found> found = new ArrayList<>();
    try (Stream<Path> all = Files.list(folders.shimProcesses())) {
      for (Path each : all.sorted().toList()) {
        String name = String.valueOf(each.getFileName());
        ShimProcessFolder folder = new ShimProcessFolder(each);
        Found process = name.matches("[0-9]{1,6}") ? look(Integer.parseInt(name), folder) : null;
        if (process == null) {
          folder.delete();
        } else {
          found.add(process);
        }
      }
    }
    return found;
  }

  private @Nullable Found look(int number, ShimProcessFolder folder) {
    ShimProcessConnection connection = connector.connect(folder.socket());
    try {
      ShimProcessConnection.Status status = connection.status(ShimProcessWatcher.STATUS_PATIENCE);
      String build = launcher.build();
      boolean outdated =
          !build.isEmpty() && !status.build().isEmpty() && !build.equals(status.build());
      ShimProcess process =
          new ShimProcess(
              number,
              folder,
              connection,
              status,
              ShimProcess.State.of(status, outdated),
              table.lock());
      if (outdated) {
        LOG.log(Level.INFO, "{0} is of build {1}: drained", process, status.build());
        connection.drain();
      }
      table.add(process);
      return new Found(process, status.ids(), status.namespace(), process.isDraining());
    } catch (BerthException e) {
      LOG.log(Level.DEBUG, "{0}: {1}", ShimProcess.name(number), e.getMessage());
      connection.close();
      return null;
    }
  }

  /**
   * From now on processes are followed, and a reserve of free ones is kept. After {@link #find}.
   *
   * @param listener is told what happens, until {@link #stop}
   */
  public void start(ShimProcessListener listener) {
    for (ShimProcess process : table.open(listener)) {
      watcher.follow(process, launcher.watch(process.pid()));
      if (process.needsWarmUp()) {
        // The service that started it died before this one was ready.
        Thread.ofVirtual()
            .name("shim-process-warm-up-" + process.number())
            .start(() -> starter.warmUp(process));
      }
    }
    // Another may have died in its warm-up, with nobody to see it.
    Thread.ofVirtual().name("shim-processes-sweep").start(starter::sweep);
    starter.startMissing();
    Thread.ofVirtual().name("shim-processes-idle").start(this::drainIdle);
  }

  /** Leaves the processes alone: their containers live on. The listener is told nothing more. */
  public void stop() {
    table.close().forEach(process -> process.connection().close());
  }

  /** How many there are. */
  public int count() {
    return table.count();
  }

  /** Whether there is one whose warm-up is over, so that the next starts as fast as it can. */
  public boolean isWarmedUp() {
    return table.all().stream().anyMatch(ShimProcess::isWarmUpOver);
  }

  /**
   * A process for a task: one of its namespace with room, else a free one. Blocks while one starts.
   *
   * @param exclusive the task gets a process for itself
   * @throws BerthException.Unavailable when none becomes ready
   */
  public ShimProcess reserve(TaskKey key, boolean exclusive) {
    ShimProcess chosen = table.reserve(key, exclusive, starter::startInBackground);
    starter.replenishAfterReservation(exclusive);
    return chosen;
  }

  /** The process turned out to have this task. */
  public void claim(ShimProcess process, TaskKey key) {
    process.take(key, /* exclusive= */ false);
  }

  /** The task has left the process. One that was started for this task alone ends. */
  public void release(ShimProcess process, TaskKey key) {
    if (process.release(key)) {
      process.connection().drain();
    }
  }

  /**
   * Somebody got no answer from the process: it is asked once more, and counts as gone if it does
   * not answer. Answers whether it lives; blocks for a second at most.
   */
  public boolean examine(ShimProcess process) {
    return watcher.examine(process);
  }

  private void drainIdle() {
    try {
      while (!table.awaitStop(IDLE_CHECK)) {
        table.drainIdle().forEach(process -> process.connection().drain());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
