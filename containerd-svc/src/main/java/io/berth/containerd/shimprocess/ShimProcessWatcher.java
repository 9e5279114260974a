package io.berth.containerd.shimprocess;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Follows what shim processes tell, notices their ends, and passes both on to the listener of the
 * table. Thread-safe.
 */
final class ShimProcessWatcher {
  private static final Logger LOG = System.getLogger(ShimProcessWatcher.class.getName());

  /** For the answer of a living process to the smallest of questions. */
  static final Duration STATUS_PATIENCE = Duration.ofMillis(800);

  /** Between the break of a process's stream and the next stream of the same process. */
  private static final Duration RECONNECT_PAUSE = Duration.ofMillis(50);

  /** Between two questions whether a process answers. */
  private static final Duration BEAT = Duration.ofMillis(500);

  /** For the answer to that question. */
  private static final Duration BEAT_PATIENCE = Duration.ofMillis(500);

  /** So many questions in a row that nobody answers, and the process counts as hung. */
  private static final int MISSES = 3;

  /** The same for one that is at work all the time: it may only be slow. */
  private static final int BUSY_MISSES = 60;

  private final ShimProcessTable table;
  private final ShimProcessLauncher launcher;
  private final Runnable afterLoss;

  /**
   * @param afterLoss runs when a process has ended, to make up the reserve
   */
  ShimProcessWatcher(ShimProcessTable table, ShimProcessLauncher launcher, Runnable afterLoss) {
    this.table = table;
    this.launcher = launcher;
    this.afterLoss = afterLoss;
  }

  /**
   * Begins to follow a process.
   *
   * @param ended completes with its end; null if that cannot be watched
   */
  void follow(ShimProcess process, @Nullable CompletableFuture<Void> ended) {
    if (ended != null) {
      ended.whenCompleteAsync((_, _) -> bury(process, "process ended"), Thread.ofVirtual()::start);
    }
    watch(process);
    Thread.ofVirtual().name("beat-" + process.number()).start(() -> listen(process));
  }

  // A process that ends is noticed at once; one that hangs only does not answer.
  private void listen(ShimProcess process) {
    try {
      while (!table.awaitStop(BEAT) && process.isAlive()) {
        beat(process);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void beat(ShimProcess process) {
    int idleMisses = 0;
    for (int missed = 1; process.isAlive() && table.listener() != null; missed++) {
      try {
        var _ = process.connection().status(BEAT_PATIENCE);
        process.answers(true);
        return;
      } catch (BerthException.DeadlineExceeded e) {
        if (!launcher.isBusy(process.pid())) {
          process.answers(false);
          idleMisses++;
        }
        if (idleMisses == MISSES || missed == BUSY_MISSES) {
          bury(process, "it hangs: it does not answer");
        }
      } catch (BerthException e) {
        // Its end, or that of this service: who follows it hears of it.
        LOG.log(Level.DEBUG, "{0}: {1}", process, e.getMessage());
        return;
      }
    }
  }

  private void watch(ShimProcess process) {
    process.connection().watch(event -> tell(process, event), () -> watchAgain(process));
  }

  private void tell(ShimProcess process, ShimProcessEvent event) {
    switch (event) {
      case ShimProcessEvent.CaughtUp _ -> process.caughtUp();
      case ShimProcessEvent.OfTask ofTask -> {
        ShimProcessListener told = table.listener();
        if (told != null) {
          told.occurred(process, ofTask);
        }
      }
    }
  }

  private void watchAgain(ShimProcess process) {
    try {
      if (table.listener() != null && examine(process) && !table.awaitStop(RECONNECT_PAUSE)) {
        watch(process);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Asks whether a process lives that gave somebody no answer; one that does not is buried. */
  boolean examine(ShimProcess process) {
    if (!process.isAlive()) {
      return false;
    }
    try {
      var _ = process.connection().status(STATUS_PATIENCE);
      return true;
    } catch (BerthException e) {
      bury(process, String.valueOf(e.getMessage()));
      return false;
    }
  }

  private void bury(ShimProcess process, String why) {
    boolean draining = process.isDraining();
    ShimProcessListener told = table.listener();
    Set<TaskKey> orphans = table.remove(process);
    if (orphans == null) {
      return;
    }
    LOG.log(
        draining && orphans.isEmpty() ? Level.DEBUG : Level.WARNING,
        "{0} (pid {1}) is gone ({2}) with {3} tasks; its last words: {4}",
        process,
        Integer.toString(process.pid()),
        why,
        orphans.size(),
        ShimProcess.lastWords(process.folder()));
    launcher.kill(process.pid());
    process.connection().close();
    if (told != null) {
      told.lost(process, orphans);
    }
    process.folder().delete();
    afterLoss.run();
  }
}
