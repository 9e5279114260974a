package io.berth.base.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One service's SQLite database (WAL), with two kinds of commit.
 *
 * <p>A <em>durable</em> write is on disk when the call returns. A <em>lazy</em> one survives the
 * death of any process and may be lost by a power cut. Writes take turns; each is a transaction of
 * its own, so a failing one never fails its neighbours. One that meets no other runs on its
 * caller's thread, those that meet go through one platform thread, where all durable ones share one
 * sync. Reads use pooled connections and see the last committed state.
 *
 * <p>Thread-safe. Calls block for less than a millisecond on a quiet disk, {@link #durable} for a
 * sync.
 */
public final class Database implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Database.class.getName());
  private static final int READERS = 4;
  private static final int MAX_BATCH = 256;

  /**
   * Pages in the WAL above which it is written back at the next quiet moment; one page has 4 KiB.
   */
  private static final int CHECKPOINT_PAGES = 1000;

  private final Path file;
  private final BlockingQueue<Job<?>> jobs = new LinkedBlockingQueue<>(4096);
  private final BlockingQueue<Connection> readers = new ArrayBlockingQueue<>(READERS);
  private final List<Connection> allReaders = new ArrayList<>();
  private final Connection writer;

  /** The writer is used by the holder of this lock alone. */
  private final ReentrantLock turn = new ReentrantLock();

  private final Thread thread;
  private volatile boolean closed;

  @GuardedBy("this")
  private long syncs;

  @GuardedBy("turn")
  private String synchronous = "NORMAL";

  private Database(Path file, Connection writer) {
    this.file = file;
    this.writer = writer;
    this.thread =
        Thread.ofPlatform().name("database-" + file.getFileName()).daemon().unstarted(this::loop);
  }

  /**
   * Work within one transaction. It may run statements only: no I/O of another kind, no waiting.
   */
  public interface Work<T extends @Nullable Object> {
    T run(Connection connection) throws SQLException;
  }

  private record Job<T extends @Nullable Object>(
      Work<T> work, boolean durable, CompletableFuture<T> answer) {}

  /**
   * Opens or makes the file (mode 0600) and brings its schema up to date.
   *
   * @param migrations one script per schema version, only ever appended; statements end with {@code
   *     ;}
   */
  public static Database open(Path file, List<String> migrations) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    protect(file);
    try {
      Connection writer = connect(file);
      Database database = new Database(file, writer);
      database.migrate(migrations);
      for (int i = 0; i < READERS; i++) {
        Connection reader = connect(file);
        try (Statement statement = reader.createStatement()) {
          statement.execute("PRAGMA query_only=ON");
        }
        database.allReaders.add(reader);
        database.readers.add(reader);
      }
      database.thread.start();
      return database;
    } catch (SQLException e) {
      throw new IOException("open database `" + file + "`: " + e.getMessage(), e);
    }
  }

  // SQLite gives its other files the mode of this one; an older, wider mode is tightened.
  private static void protect(Path file) throws IOException {
    Set<PosixFilePermission> owner = PosixFilePermissions.fromString("rw-------");
    if (Files.exists(file)) {
      Files.setPosixFilePermissions(file, owner);
    } else {
      Files.createFile(file, PosixFilePermissions.asFileAttribute(owner));
    }
  }

  private static Connection connect(Path file) throws SQLException {
    Connection connection = new KeepingConnection(file);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("PRAGMA synchronous=NORMAL");
      statement.execute("PRAGMA wal_autocheckpoint=0");
      statement.execute("PRAGMA foreign_keys=ON");
      statement.execute("PRAGMA busy_timeout=5000");
      statement.execute("PRAGMA temp_store=MEMORY");
    }
    return connection;
  }

  private void migrate(List<String> migrations) throws SQLException {
    try (Statement statement = writer.createStatement()) {
      int version;
      try (ResultSet row = statement.executeQuery("PRAGMA user_version")) {
        version = row.getInt(1);
      }
      if (version > migrations.size()) {
        throw new SQLException(
            "its schema version "
                + version
                + " is newer than this program's "
                + migrations.size()
                + "; start the newer program");
      }
      for (int next = version; next < migrations.size(); next++) {
        statement.execute("BEGIN IMMEDIATE");
        for (String part : migrations.get(next).split(";\\s*(?:\n|$)")) {
          if (!part.isBlank()) {
            statement.execute(part);
          }
        }
        statement.execute("PRAGMA user_version=" + (next + 1));
        statement.execute("COMMIT");
      }
    }
  }

  /** On disk when it returns. */
  public <T extends @Nullable Object> T durable(Work<T> work) {
    return submit(work, /* durable= */ true);
  }

  /** Visible when it returns; survives the death of any process. */
  public <T extends @Nullable Object> T lazy(Work<T> work) {
    return submit(work, /* durable= */ false);
  }

  /** On a pooled connection; sees everything whose write has returned. */
  public <T extends @Nullable Object> T read(Work<T> work) {
    Connection connection;
    try {
      connection = readers.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("read `" + file.getFileName() + "`: interrupted", e);
    }
    try {
      return work.run(connection);
    } catch (SQLException e) {
      throw StatementFailure.of(file, e);
    } finally {
      readers.add(connection);
    }
  }

  /** How many syncs there were: what a benchmark prints per call. */
  public synchronized long syncs() {
    return syncs;
  }

  private <T extends @Nullable Object> T submit(Work<T> work, boolean durable) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    try {
      if (closed) {
        throw new BerthException.Unavailable(
            "write `" + file.getFileName() + "`: the service is stopping");
      }
      Job<T> job = new Job<>(work, durable, answer);
      if (!runHere(job)) {
        jobs.put(job);
      }
      return await(job);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("write `" + file.getFileName() + "`: interrupted", e);
    } catch (ExecutionException e) {
      throw switch (e.getCause()) {
        case BerthException known -> known;
        case SQLException sql -> StatementFailure.of(file, sql);
        case RuntimeException other -> other;
        case null, default -> new IllegalStateException(e.getCause());
      };
    }
  }

  // An interrupted caller takes back what has not begun. For the end of what has begun he waits:
  // told that it was cancelled he would not do what has to follow a change that was made.
  private <T extends @Nullable Object> T await(Job<T> job)
      throws InterruptedException, ExecutionException {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return job.answer().get();
        } catch (InterruptedException e) {
          if (jobs.remove(job)) {
            throw e;
          }
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  // While nobody else writes, the caller's own thread does: two changes of threads take longer than
  // a small transaction.
  private boolean runHere(Job<?> job) {
    if (!turn.tryLock()) {
      return false;
    }
    try {
      if (closed || !jobs.isEmpty()) {
        return false;
      }
      runAll(List.of(job));
      return true;
    } finally {
      turn.unlock();
    }
  }

  private void loop() {
    List<Job<?>> batch = new ArrayList<>();
    while (true) {
      try {
        Job<?> first = jobs.poll(1, TimeUnit.SECONDS);
        if (first == null) {
          if (closed) {
            return;
          }
          turn.lock();
          try {
            checkpoint();
          } finally {
            turn.unlock();
          }
          continue;
        }
        batch.add(first);
        turn.lock();
        try {
          jobs.drainTo(batch, MAX_BATCH - 1);
          runAll(batch);
        } finally {
          turn.unlock();
        }
        if (closed && jobs.isEmpty()) {
          return;
        }
      } catch (Throwable e) {
        // Callers wait for their answers without end.
        LOG.log(Level.ERROR, "the writer of " + file + " goes on after this", e);
        batch.forEach(job -> job.answer().completeExceptionally(e));
      } finally {
        batch.clear();
      }
    }
  }

  @GuardedBy("turn")
  private void runAll(List<Job<?>> batch) {
    List<Runnable> answers = new ArrayList<>();
    int lastDurable = -1;
    for (int i = 0; i < batch.size(); i++) {
      lastDurable = batch.get(i).durable() ? i : lastDurable;
    }
    boolean synced = false;
    for (int i = 0; i < batch.size(); i++) {
      boolean sync = i == lastDurable;
      synchronous(sync ? "FULL" : "NORMAL");
      boolean committed = runOne(batch.get(i), answers);
      if (sync) {
        synced = committed;
        countSync();
      }
    }
    SQLException syncFailure = lastDurable >= 0 && !synced ? syncByItself() : null;
    if (syncFailure == null) {
      answers.forEach(Runnable::run);
    } else {
      batch.forEach(job -> job.answer().completeExceptionally(syncFailure));
    }
  }

  private <T extends @Nullable Object> boolean runOne(Job<T> job, List<Runnable> answers) {
    try {
      T value = inTransaction(job.work());
      answers.add(() -> job.answer().complete(value));
      return true;
    } catch (Throwable e) {
      answers.add(() -> job.answer().completeExceptionally(e));
      return false;
    }
  }

  private <T extends @Nullable Object> T inTransaction(Work<T> work) throws SQLException {
    execute("BEGIN IMMEDIATE");
    try {
      T value = work.run(writer);
      execute("COMMIT");
      return value;
    } catch (Throwable e) {
      rollBack(e);
      throw e;
    }
  }

  // For want of room or after a failed write SQLite has rolled back by itself, and there is nothing
  // left to end. What is told is why the transaction failed.
  private void rollBack(Throwable why) {
    try {
      execute("ROLLBACK");
    } catch (SQLException e) {
      why.addSuppressed(e);
    }
  }

  private void execute(String sql) throws SQLException {
    try (PreparedStatement statement = writer.prepareStatement(sql)) {
      statement.execute();
    }
  }

  // The last durable call of the batch failed, so nothing has synced its neighbours: a write of our
  // own does.
  @GuardedBy("turn")
  private @Nullable SQLException syncByItself() {
    synchronous("FULL");
    try {
      inTransaction(connection -> {
        try (Statement statement = connection.createStatement()) {
          statement.execute("PRAGMA application_id=" + (int) (System.nanoTime() & 0x7fffffff));
        }
        return null;
      });
      countSync();
      return null;
    } catch (SQLException e) {
      return e;
    }
  }

  private synchronized void countSync() {
    syncs++;
  }

  // It is in force as soon as it is parsed, so it cannot be kept prepared.
  @GuardedBy("turn")
  private void synchronous(String mode) {
    if (mode.equals(synchronous)) {
      return;
    }
    try (Statement statement = writer.createStatement()) {
      statement.execute("PRAGMA synchronous=" + mode);
      synchronous = mode;
    } catch (SQLException e) {
      LOG.log(Level.ERROR, "set synchronous of " + file, e);
    }
  }

  private void checkpoint() {
    try {
      if (Files.exists(walFile()) && Files.size(walFile()) > CHECKPOINT_PAGES * 4096L) {
        try (Statement statement = writer.createStatement()) {
          statement.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
      }
    } catch (SQLException | IOException e) {
      LOG.log(Level.WARNING, "checkpoint of {0}: {1}", file, e.getMessage());
    }
  }

  private Path walFile() {
    return file.resolveSibling(file.getFileName() + "-wal");
  }

  /** Finishes what is queued, then closes. */
  @Override
  public void close() {
    closed = true;
    // Wakes the writer, which otherwise looks once a second.
    jobs.add(new Job<@Nullable Void>(_ -> null, /* durable= */ false, new CompletableFuture<>()));
    try {
      thread.join();
      for (Connection reader : allReaders) {
        reader.close();
      }
      writer.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (SQLException e) {
      LOG.log(Level.WARNING, "close {0}: {1}", file, e.getMessage());
    }
  }
}
