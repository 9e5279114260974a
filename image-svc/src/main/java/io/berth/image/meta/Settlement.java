package io.berth.image.meta;

import io.berth.base.error.BerthException;
import io.berth.image.disk.DiskFailures;
import io.berth.image.disk.ImagePaths;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Makes lazy records durable behind the answers: one sync of the whole file system for all that was
 * asked for meanwhile, then one transaction. If the sync fails the records stay lazy. Thread-safe.
 */
@Singleton
public final class Settlement implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Settlement.class.getName());

  private static final Duration QUIET = Duration.ofMillis(500);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

  private final ImagePaths paths;
  private final Metadata metadata;
  private final Semaphore asked = new Semaphore(0);
  private volatile @Nullable Fd folder;
  private volatile @Nullable Thread thread;

  @Inject
  public Settlement(ImagePaths paths, Metadata metadata) {
    this.paths = paths;
    this.metadata = metadata;
  }

  /**
   * Starts the thread that makes records durable. The descriptor for its sync is opened before
   * anything is written, so that every later write error is reported to it (syncfs(2)).
   */
  public void start() throws IOException {
    folder = Fd.open(paths.root(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
    thread = Thread.ofPlatform().name("settle").daemon().start(this::run);
    request();
  }

  /** Asks for lazy records to be made durable soon. Never blocks. */
  public void request() {
    asked.release();
  }

  /**
   * Makes lazy records durable now. Waits for the disk, so it is to be called on a platform thread.
   */
  public void settle() throws IOException {
    Fd open = folder;
    if (open == null) {
      return;
    }
    Instant until = metadata.now();
    open.syncFileSystem();
    metadata.durable(transaction -> {
      long nanos = Row.nanos(until);
      int rows =
          transaction.runOnNames(
              "UPDATE content SET boot = NULL WHERE boot = ? AND created <= ?",
              metadata.boot(),
              nanos);
      rows +=
          transaction.run(
              "UPDATE snapshot SET boot = NULL WHERE boot = ? AND created <= ?",
              metadata.boot(),
              nanos);
      rows +=
          transaction.runOnNames(
              "UPDATE image SET boot = NULL WHERE boot = ? AND updated <= ?",
              metadata.boot(),
              nanos);
      return rows;
    });
  }

  /**
   * Makes content durable if some of it is not yet. To be called before a durable record is made of
   * content that was there, for a power cut would leave a record of nothing. Waits for the disk.
   */
  public void settleContent() {
    settleIf(query -> query.exists("SELECT 1 FROM content WHERE boot IS NOT NULL"));
  }

  /**
   * Makes a committed snapshot and those below it durable if one of them is not yet. To be called
   * before a durable snapshot is made on it, whose files are nothing without theirs. Waits for the
   * disk.
   */
  public void settleLayers(String namespace, String snapshotter, String name) {
    settleIf(query ->
        query.exists(
            """
            WITH RECURSIVE stack(parent, boot) AS (
              SELECT parent, boot FROM snapshot WHERE namespace = ?1 AND snapshotter = ?2 AND key = ?3
              UNION ALL
              SELECT s.parent, s.boot FROM stack
                JOIN snapshot s ON s.namespace = ?1 AND s.snapshotter = ?2 AND s.key = stack.parent)
            SELECT 1 FROM stack WHERE boot IS NOT NULL
            """,
            namespace,
            snapshotter,
            name));
  }

  private void settleIf(Metadata.Look<Boolean> lazy) {
    if (!metadata.read(lazy)) {
      return;
    }
    // A caller may be on a virtual thread, which would keep its carrier from all others meanwhile.
    FutureTask<@Nullable Void> work =
        new FutureTask<>(() -> {
          settle();
          return null;
        });
    Thread.ofPlatform().name("settle-now").daemon().start(work);
    try {
      work.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("sync what was fetched: interrupted", e);
    } catch (ExecutionException e) {
      throw switch (e.getCause()) {
        case IOException io -> DiskFailures.of("sync what was fetched", io, paths.root());
        case RuntimeException other -> other;
        case null, default -> new IllegalStateException(e);
      };
    }
  }

  /**
   * Waits until no more requests come: a client that pulls commits layer after layer, and a sync
   * between two of them would only hold the next one up.
   */
  private void gather() throws InterruptedException {
    long until = System.nanoTime() + LONGEST_WAIT.toNanos();
    do {
      asked.drainPermits();
    } while (System.nanoTime() < until
        && asked.tryAcquire(QUIET.toMillis(), TimeUnit.MILLISECONDS));
    asked.drainPermits();
  }

  private void run() {
    try {
      while (true) {
        asked.acquire();
        gather();
        try {
          settle();
        } catch (BerthException.Cancelled e) {
          LOG.log(Level.DEBUG, "settlement ends; the next start makes up for it");
          return;
        } catch (IOException | RuntimeException e) {
          LOG.log(
              Level.ERROR, "sync `" + paths.root() + "`: what was fetched stays provisional", e);
        }
      }
    } catch (InterruptedException e) {
      LOG.log(Level.DEBUG, "settlement ends");
    }
  }

  @Override
  public void close() {
    Thread running = thread;
    Fd open = folder;
    folder = null;
    if (running != null) {
      running.interrupt();
      try {
        running.join(5000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    if (open != null) {
      open.close();
    }
  }
}
