package io.berth.base.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.testing.Eventually;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DatabaseTest {
  private static final List<String> SCHEMA =
      List.of("CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT NOT NULL);\n");

  @TempDir Path folder;

  private static Database.Work<Integer> insert(int key) {
    return connection -> execute(connection, "INSERT INTO t VALUES(" + key + ", 'v')");
  }

  private static int execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return statement.executeUpdate(sql);
    }
  }

  private static int count(Database database) {
    return database.read(connection -> {
      try (Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery("SELECT count(*) FROM t")) {
        return row.getInt(1);
      }
    });
  }

  @Test
  void whatAWriteAnsweredIsReadAtOnceAndAfterReopening() throws Exception {
    try (Database database = Database.open(folder.resolve("a.db"), SCHEMA)) {
      database.durable(insert(1));
      database.lazy(insert(2));
      assertEquals(2, count(database));
    }
    try (Database database = Database.open(folder.resolve("a.db"), SCHEMA)) {
      assertEquals(2, count(database));
    }
  }

  /** The files are for their owner only, and a wider mode of an older build is tightened. */
  @Test
  void theFilesAreTheOwners() throws Exception {
    Path file = folder.resolve("a.db");
    Files.setPosixFilePermissions(
        Files.createFile(file), PosixFilePermissions.fromString("rw-r--r--"));
    try (Database database = Database.open(file, SCHEMA)) {
      database.durable(insert(1));
      try (var files = Files.list(folder)) {
        for (Path each : files.toList()) {
          assertEquals(
              "rw-------",
              PosixFilePermissions.toString(Files.getPosixFilePermissions(each)),
              each.toString());
        }
      }
    }
  }

  private static int put(Connection connection, int key, String value) throws SQLException {
    try (PreparedStatement put =
        connection.prepareStatement("INSERT OR REPLACE INTO t VALUES (?, ?)")) {
      put.setInt(1, key);
      if (!value.isEmpty()) {
        put.setString(2, value);
      }
      return put.executeUpdate();
    }
  }

  @Test
  void aStatementUsedAgainHasNothingOfItsLastUse() throws Exception {
    try (Database database = Database.open(folder.resolve("a.db"), SCHEMA)) {
      database.lazy(connection -> put(connection, 1, "one"));
      assertThrows(
          BerthException.class,
          () -> database.lazy(connection -> put(connection, 2, "")),
          "the second argument of the use before was kept");
      database.lazy(connection -> put(connection, 2, "two"));
      String select = "SELECT v FROM t WHERE k >= ? ORDER BY k";
      database.read(connection -> {
        try (PreparedStatement outer = connection.prepareStatement(select)) {
          outer.setInt(1, 1);
          ResultSet rows = outer.executeQuery();
          assertTrue(rows.next());
          try (PreparedStatement inner = connection.prepareStatement(select)) {
            inner.setInt(1, 2);
            assertEquals("two", inner.executeQuery().getString(1));
          }
          assertEquals("one", rows.getString(1));
          assertTrue(rows.next());
          assertEquals("two", rows.getString(1));
          return 0;
        }
      });
      // A reader that left in the middle of its rows keeps no old state open.
      database.lazy(connection -> put(connection, 3, "three"));
      assertEquals(3, count(database));
    }
  }

  @Test
  void aFailingCallIsRolledBackAndFailsNoNeighbour() throws Exception {
    try (Database database = Database.open(folder.resolve("a.db"), SCHEMA);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> good = new ArrayList<>();
      List<Future<Integer>> bad = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        int key = i;
        good.add(threads.submit(() -> database.durable(insert(key))));
        bad.add(
            threads.submit(() ->
                database.durable(connection -> {
                  execute(connection, "INSERT INTO t VALUES(" + (1000 + key) + ", 'x')");
                  throw new BerthException.AlreadyExists("taken");
                })));
      }
      for (Future<Integer> one : good) {
        assertEquals(1, one.get());
      }
      for (Future<Integer> one : bad) {
        assertThrows(Exception.class, one::get);
      }
      assertEquals(200, count(database));
    }
  }

  private static int pagesAtMost(Connection connection, int count) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA max_page_count=" + count);
      return count;
    }
  }

  /** SQLite rolls back by itself then; the failure that is told is the first one. */
  @Test
  void aCallWithoutRoomIsToldAsAFullDiskAndTheNextGoesWell() throws Exception {
    try (Database database = Database.open(folder.resolve("a.db"), SCHEMA)) {
      database.lazy(connection -> pagesAtMost(connection, 10));
      String large = "x".repeat(100_000);
      var full =
          assertThrows(
              BerthException.ResourceExhausted.class,
              () ->
                  database.durable(connection -> {
                    put(connection, 1, "small");
                    return put(connection, 2, large);
                  }));
      String message = String.valueOf(full.getMessage());
      assertTrue(message.endsWith("the disk is full; free space there"), message);
      assertEquals(0, count(database));
      database.lazy(connection -> pagesAtMost(connection, 1000));
      database.durable(connection -> put(connection, 2, large));
      assertEquals(1, count(database));
    }
  }

  /** Keeps the writer's thread at work, so that others wait for it, until it is let go. */
  private static final class HeldWriter implements AutoCloseable {
    private final CountDownLatch release = new CountDownLatch(1);
    private final Future<Boolean> work;

    HeldWriter(Database database, ExecutorService threads) throws InterruptedException {
      CountDownLatch held = new CountDownLatch(1);
      work =
          threads.submit(() ->
              database.lazy(_ -> {
                held.countDown();
                try {
                  return release.await(1, TimeUnit.MINUTES);
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              }));
      held.await();
    }

    void letGo() throws Exception {
      release.countDown();
      assertTrue(work.get());
    }

    @Override
    public void close() {
      release.countDown();
    }
  }

  private static void awaitWaiting(Set<Thread> callers, int number) throws InterruptedException {
    Eventually.holds(
        "all wait",
        () ->
            callers.size() == number
                && callers.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING));
  }

  /** An error of the machine, such as a want of memory, is answered like any other failure. */
  @Test
  void anErrorOnTheWritersThreadLeavesNobodyWithoutAnAnswer() throws Exception {
    Set<Thread> callers = ConcurrentHashMap.newKeySet();
    try (Database database = Database.open(folder.resolve("a.db"), SCHEMA);
        ExecutorService threads = Executors.newCachedThreadPool();
        HeldWriter writer = new HeldWriter(database, threads)) {
      List<Future<Integer>> writes = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int key = i;
        writes.add(
            threads.submit(() -> {
              callers.add(Thread.currentThread());
              return database.durable(connection -> {
                int changed = insert(key).run(connection);
                if (key % 2 == 1) {
                  throw new OutOfMemoryError("for the test");
                }
                return changed;
              });
            }));
      }
      awaitWaiting(callers, 4);
      writer.letGo();
      for (int i = 0; i < 4; i++) {
        Future<Integer> write = writes.get(i);
        if (i % 2 == 1) {
          assertThrows(ExecutionException.class, () -> write.get(1, TimeUnit.MINUTES));
        } else {
          assertEquals(1, write.get(1, TimeUnit.MINUTES));
        }
      }
      assertEquals(2, count(database));
      database.durable(insert(9));
      assertEquals(3, count(database));
    } finally {
      callers.forEach(Thread::interrupt);
    }
  }

  /** What callers do who were answered follows from it, such as the deletion of a file. */
  @Test
  void anInterruptedWriteIsNotMadeOrIsAnswered() throws Exception {
    Set<Thread> callers = ConcurrentHashMap.newKeySet();
    try (Database database = Database.open(folder.resolve("a.db"), SCHEMA);
        ExecutorService threads = Executors.newCachedThreadPool();
        HeldWriter writer = new HeldWriter(database, threads)) {
      List<Future<Boolean>> writes = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        int key = i;
        writes.add(
            threads.submit(() -> {
              callers.add(Thread.currentThread());
              try {
                database.lazy(insert(key));
                return true;
              } catch (BerthException.Cancelled e) {
                return false;
              }
            }));
      }
      awaitWaiting(callers, 5);
      callers.forEach(Thread::interrupt);
      writer.letGo();
      int answered = 0;
      for (Future<Boolean> write : writes) {
        answered += write.get() ? 1 : 0;
      }
      assertEquals(answered, count(database));
    }
  }

  @Test
  void durableCallsInFlightShareASync() throws Exception {
    try (Database database = Database.open(folder.resolve("a.db"), SCHEMA);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> all = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        int key = i;
        all.add(threads.submit(() -> database.durable(insert(key))));
      }
      for (Future<Integer> one : all) {
        one.get();
      }
      assertTrue(database.syncs() < 1000, "syncs: " + database.syncs());
      long before = database.syncs();
      database.lazy(insert(5000));
      assertEquals(before, database.syncs());
    }
  }

  @Test
  void aNewerSchemaIsRefusedWithWhatToDo() throws Exception {
    Database.open(folder.resolve("a.db"), List.of("CREATE TABLE a(x);\n", "CREATE TABLE b(x);\n"))
        .close();
    Exception e =
        assertThrows(Exception.class, () -> Database.open(folder.resolve("a.db"), SCHEMA));
    assertTrue(String.valueOf(e.getMessage()).contains("start the newer program"), e.getMessage());
  }
}
