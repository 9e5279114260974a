package io.berth.base.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.testing.Eventually;
import io.berth.testing.TurnableClock;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writes on a disk that has room for a while, for none, and again for some. */
final class LateWritesTest {
  private static final String LARGE = "x".repeat(100_000);

  @TempDir Path folder;
  private final TurnableClock clock = new TurnableClock(Instant.EPOCH);
  private Database database;
  private LateWrites late;

  @BeforeEach
  void open() throws Exception {
    database =
        Database.open(
            folder.resolve("a.db"), List.of("CREATE TABLE t(k INTEGER, v TEXT NOT NULL);\n"));
    late = new LateWrites(database, clock::sleep);
  }

  @AfterEach
  void close() {
    database.close();
  }

  private void pagesAtMost(int count) {
    database.lazy(connection -> {
      try (Statement statement = connection.createStatement()) {
        return statement.execute("PRAGMA max_page_count=" + count);
      }
    });
  }

  private static Database.Work<Integer> insert(int key, String value) {
    return connection -> {
      try (PreparedStatement insert = connection.prepareStatement("INSERT INTO t VALUES(?, ?)")) {
        insert.setInt(1, key);
        insert.setString(2, value);
        return insert.executeUpdate();
      }
    };
  }

  private List<Integer> keys() {
    return database.read(connection -> {
      List<Integer> keys = new ArrayList<>();
      try (Statement statement = connection.createStatement();
          ResultSet rows = statement.executeQuery("SELECT k FROM t ORDER BY rowid")) {
        while (rows.next()) {
          keys.add(rows.getInt(1));
        }
      }
      return keys;
    });
  }

  @Test
  void whileThereIsRoom_aWriteIsThereWhenItReturns() {
    assertTrue(late.write("a", insert(1, "small")).isDone());
    assertEquals(List.of(1), keys());
    assertTrue(late.written("a").isDone());
  }

  @Test
  void whatFindsNoRoom_isWrittenInItsOrderOnceThereIsSome() throws Exception {
    pagesAtMost(10);
    CompletableFuture<Void> first = late.write("a", insert(1, LARGE));
    // There is room for this one, and its turn is after the first.
    CompletableFuture<Void> second = late.write("b", insert(2, "small"));
    assertFalse(first.isDone() || second.isDone());
    assertFalse(late.written("a").isDone());
    assertEquals(List.of(), keys());
    pagesAtMost(1000);
    Eventually.holds(
        "both are written",
        () -> {
          clock.turn(Duration.ofSeconds(1));
          return first.isDone() && second.isDone();
        });
    assertEquals(List.of(1, 2), keys());
    assertTrue(late.written("a").isDone());
    assertTrue(late.write("c", insert(3, "small")).isDone());
  }

  @Test
  void aNewerWriteAboutTheSame_takesThePlaceOfOneThatWaits() throws Exception {
    pagesAtMost(10);
    CompletableFuture<Void> old = late.write("a", insert(1, LARGE));
    CompletableFuture<Void> other = late.write("b", insert(2, "small"));
    CompletableFuture<Void> young = late.write("a", insert(3, "small"));
    Eventually.holds(
        "all are written",
        () -> {
          clock.turn(Duration.ofSeconds(1));
          return old.isDone() && other.isDone() && young.isDone();
        });
    assertEquals(List.of(2, 3), keys());
  }

  @Test
  void whatWaitsWhenTheDatabaseIsClosed_isNotWritten() throws Exception {
    pagesAtMost(10);
    CompletableFuture<Void> waits = late.write("a", insert(1, LARGE));
    database.close();
    Eventually.holds(
        "given up",
        () -> {
          clock.turn(Duration.ofSeconds(1));
          return waits.isDone();
        });
    var failed = assertThrows(ExecutionException.class, () -> waits.get()).getCause();
    assertTrue(failed instanceof BerthException.Unavailable, String.valueOf(failed));
  }
}
