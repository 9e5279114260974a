package io.berth.image.meta;

import io.berth.base.error.BerthException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Events that were committed together with their changes, numbered in the order of these. The
 * newest {@link #KEPT} are kept. Thread-safe.
 */
@Singleton
public final class Outbox {
  static final int KEPT = 20_000;
  private static final int PAGE = 256;

  private final Metadata metadata;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition more = lock.newCondition();
  private final AtomicLong sinceTrim = new AtomicLong();

  @Inject
  public Outbox(Metadata metadata) {
    this.metadata = metadata;
    metadata.onEvents(this::wake);
  }

  /** An event as it was committed. */
  // The record is only passed on, and nobody compares two of them.
  @SuppressWarnings("ArrayRecordComponent")
  public record Letter(
      long sequence, Instant time, String namespace, String topic, String typeUrl, byte[] value) {}

  /** The numbers of the oldest and the newest kept; 1 and 0 when nothing ever happened. */
  public record Range(long first, long last) {}

  /** The numbers of the events that are kept. */
  public Range range() {
    return metadata.read(query -> {
      Range kept =
          query.first(
              "SELECT ifnull(min(sequence), 0), ifnull(max(sequence), 0) FROM outbox",
              row -> new Range(row.number(1), row.number(2)));
      Long last =
          query.first(
              "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'", row -> row.number(1));
      long newest = last == null ? 0 : last;
      return kept == null || kept.first == 0 ? new Range(newest + 1, newest) : kept;
    });
  }

  /** Some of the events after a number; waits up to the given time for the first one. */
  public List<Letter> after(long sequence, long waitMillis) {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(waitMillis);
    lock.lock();
    try {
      while (true) {
        List<Letter> letters = page(sequence);
        long left = deadline - System.nanoTime();
        if (!letters.isEmpty() || left <= 0) {
          return letters;
        }
        long ignored = more.awaitNanos(left);
        assert ignored <= left;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("follow events: interrupted", e);
    } finally {
      lock.unlock();
    }
  }

  private List<Letter> page(long sequence) {
    return metadata.read(query ->
        query.all(
            "SELECT sequence, time, namespace, topic, type_url, value FROM outbox WHERE sequence >"
                + " ? ORDER BY sequence LIMIT "
                + PAGE,
            row ->
                new Letter(
                    row.number(1),
                    row.time(2),
                    row.text(3),
                    row.text(4),
                    row.text(5),
                    row.bytes(6)),
            sequence));
  }

  private void wake() {
    lock.lock();
    try {
      more.signalAll();
    } finally {
      lock.unlock();
    }
    if (sinceTrim.incrementAndGet() % 1000 == 0) {
      metadata.lazy(transaction ->
          transaction.run(
              "DELETE FROM outbox WHERE sequence <= (SELECT max(sequence) FROM outbox) - ?", KEPT));
    }
  }
}
