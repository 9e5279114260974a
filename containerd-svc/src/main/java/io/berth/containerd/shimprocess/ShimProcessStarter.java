package io.berth.containerd.shimprocess;

import io.berth.base.error.BerthException;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.layout.StateFolders;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Starts shim processes and warms them up, each on a virtual thread of its own. Thread-safe. */
final class ShimProcessStarter {
  private static final Logger LOG = System.getLogger(ShimProcessStarter.class.getName());

  // Longer than anybody waits for one: a process that only is slow, on a busy or emulated machine,
  // is of use to the next task, and one that ends is noticed at once.
  private static final Duration START_PATIENCE = Duration.ofMinutes(3);

  private static final Duration SOCKET_POLL = Duration.ofMillis(10);

  /**
   * Between two looks at what a process that starts does, and for an answer of one that has begun.
   */
  private static final Duration LOOK = Duration.ofMillis(500);

  /** So many looks in a row at a process that neither works nor answers, and it counts as hung. */
  private static final int IDLE_LOOKS = 20;

  private static final Duration WARM_UP_PATIENCE = Duration.ofSeconds(60);
  private static final Duration FIRST_RETRY = Duration.ofMillis(500);
  private static final Duration LAST_RETRY = Duration.ofSeconds(30);
  private static final int RETRY_DOUBLINGS = 10;

  private final StateFolders folders;
  private final ShimProcessTable table;
  private final ShimProcessLauncher launcher;
  private final ShimProcessConnection.Connector connector;
  private final ShimProcessWatcher watcher;
  private final boolean warms;

  /**
   * @param warms whether processes are warmed up at all
   */
  ShimProcessStarter(
      StateFolders folders,
      ShimProcessTable table,
      ShimProcessLauncher launcher,
      ShimProcessConnection.Connector connector,
      ShimProcessWatcher watcher,
      boolean warms) {
    this.warms = warms;
    this.folders = folders;
    this.table = table;
    this.launcher = launcher;
    this.connector = connector;
    this.watcher = watcher;
  }

  /** Starts as many as the table says are missing. */
  void startMissing() {
    table.startMissing(this::startInBackground);
  }

  /** Starts one whose number the table counts as starting. */
  void startInBackground(int number) {
    Thread.ofVirtual().name("shim-process-start-" + number).start(() -> start(number));
  }

  /** Makes up the reserve when the machine has nothing more urgent to do. */
  void replenishAfterReservation(boolean exclusive) {
    switch (table.afterReservation(exclusive)) {
      case AT_ONCE -> startMissing();
      case WHEN_QUIET ->
          Thread.ofVirtual().name("shim-processes-replenish").start(this::replenishWhenQuiet);
      case NOT_NEEDED -> {}
    }
  }

  private void replenishWhenQuiet() {
    try {
      table.awaitQuiet();
      startMissing();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void start(int number) {
    ShimProcessFolder folder = folders.shimProcess(number);
    ShimProcessConnection connection = connector.connect(folder.socket());
    ShimProcessLauncher.Launched launched = null;
    try {
      if (table.awaitStop(pause(table.failures()))) {
        connection.close();
        return;
      }
      folder.prepare();
      launched = launcher.launch(number);
      ShimProcessConnection.Status status = awaitStatus(connection, folder, launched);
      ShimProcess process =
          new ShimProcess(
              number,
              folder,
              connection,
              status,
              ShimProcess.State.of(status, /* outdated= */ false),
              table.lock());
      // It is followed before the first placement, so that nothing that happens there is missed.
      watcher.follow(process, launched.ended());
      process.awaitCaughtUp();
      if (table.admit(process)) {
        warmUp(process);
      } else {
        connection.close();
      }
    } catch (IOException | BerthException e) {
      fail(number, launched, connection, String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      fail(number, launched, connection, "interrupted");
    }
  }

  /** Before a start that follows failed ones, twice as long each time. */
  private static Duration pause(int failures) {
    if (failures == 0) {
      return Duration.ZERO;
    }
    Duration doubled = FIRST_RETRY.multipliedBy(1L << Math.min(failures - 1, RETRY_DOUBLINGS));
    return doubled.compareTo(LAST_RETRY) < 0 ? doubled : LAST_RETRY;
  }

  /** Waits until a process answers; UNAVAILABLE when it ends instead, hangs, or takes longer. */
  private ShimProcessConnection.Status awaitStatus(
      ShimProcessConnection connection,
      ShimProcessFolder folder,
      ShimProcessLauncher.Launched launched)
      throws InterruptedException {
    CompletableFuture<Void> ended = launched.ended();
    long begin = System.nanoTime();
    long look = begin + LOOK.toNanos();
    int idle = 0;
    while (System.nanoTime() - begin < START_PATIENCE.toNanos()) {
      if (ended.isDone()) {
        throw new BerthException.Unavailable(
            "berth-shim ended at once, its last words: " + ShimProcess.lastWords(folder));
      }
      if (Files.exists(folder.socket())) {
        try {
          return connection.status(LOOK);
        } catch (BerthException e) {
          LOG.log(Level.DEBUG, "{0}: {1}", folder.path(), e.getMessage());
        }
      }
      try {
        ended.get(SOCKET_POLL.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException | ExecutionException e) {
        // It still starts, or its end could not be told: the next turn finds out.
      }
      if (System.nanoTime() - look >= 0) {
        look = System.nanoTime() + LOOK.toNanos();
        // One that does nothing has begun to, and was stopped.
        idle = launcher.isBusy(launched.pid()) ? 0 : idle + 1;
        if (idle == IDLE_LOOKS) {
          throw new BerthException.Unavailable("it hangs: it neither works nor answers");
        }
      }
    }
    throw new BerthException.Unavailable("`" + folder.socket() + "` did not answer in time");
  }

  private void fail(
      int number,
      ShimProcessLauncher.@Nullable Launched launched,
      ShimProcessConnection connection,
      String why) {
    LOG.log(Level.ERROR, "start {0}: {1}", ShimProcess.name(number), why);
    connection.close();
    table.startFailed(number, why);
    ShimProcessFolder folder = folders.shimProcess(number);
    if (launched != null) {
      // It may still come: it would keep its number's lock and its memory.
      launcher.kill(launched.pid());
    }
    folder.delete();
    Thread.ofVirtual().start(this::startMissing);
  }

  /**
   * Has a process run a container of its own, unless none is to be warmed up. There is nothing to
   * wait for afterwards even if that fails.
   */
  void warmUp(ShimProcess process) {
    if (!warms) {
      process.warmUpEnded(/* succeeded= */ false);
      return;
    }
    try {
      process.connection().warmUp(WARM_UP_PATIENCE);
    } catch (BerthException e) {
      LOG.log(Level.INFO, "warm-up of {0}: {1}", process, e.getMessage());
      process.warmUpEnded(/* succeeded= */ false);
      sweep();
      return;
    }
    process.warmUpEnded(/* succeeded= */ true);
  }

  /**
   * Has what a process left that died in its warm-up taken away by one that has it behind itself;
   * one that has it before itself does so anyway.
   */
  void sweep() {
    List<ShimProcess> warm = table.all().stream().filter(ShimProcess::isWarmedUp).toList();
    for (ShimProcess other : warm) {
      try {
        other.connection().warmUp(WARM_UP_PATIENCE);
        return;
      } catch (BerthException e) {
        LOG.log(Level.DEBUG, "sweep by {0}: {1}", other, e.getMessage());
      }
    }
  }
}
