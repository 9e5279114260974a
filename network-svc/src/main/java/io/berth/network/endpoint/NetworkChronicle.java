package io.berth.network.endpoint;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Tells what happens to networks, in docker's words: this is the one place where those are made.
 * The last ones are kept, in memory alone. They are numbered from the moment of the start on, so
 * that who followed an earlier run of this service is told all of this one. Thread-safe.
 */
@Singleton
public final class NetworkChronicle {
  /** As many as containerd-svc keeps of all kinds. */
  static final int KEPT = 256;

  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition more = lock.newCondition();

  @GuardedBy("lock")
  private final Deque<Letter> kept = new ArrayDeque<>();

  @GuardedBy("lock")
  private long last;

  /**
   * Something that happened.
   *
   * @param actor id of the network; empty for what is about several
   */
  public record Letter(
      long sequence, Instant at, String action, String actor, Map<String, String> attributes) {}

  @Inject
  public NetworkChronicle(InstantSource clock) {
    this.clock = clock;
    this.last = ChronoUnit.MICROS.between(Instant.EPOCH, clock.instant());
  }

  /** A network was made. */
  void created(NetworkRecord network) {
    tell("create", network);
  }

  /** A network is gone. */
  void destroyed(NetworkRecord network) {
    tell("destroy", network);
  }

  /** Networks that nobody used are gone. docker tells how many bytes that gave, which is none. */
  void pruned() {
    tell("prune", "", Map.of("reclaimed", "0"));
  }

  private void tell(String action, NetworkRecord network) {
    tell(action, network.id(), Map.of("name", network.name(), "type", "bridge"));
  }

  private void tell(String action, String actor, Map<String, String> attributes) {
    lock.lock();
    try {
      if (kept.size() == KEPT) {
        kept.removeFirst();
      }
      last++;
      kept.addLast(new Letter(last, clock.instant(), action, actor, attributes));
      more.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The number of the oldest that is kept, or of the next if there is none. */
  public long first() {
    lock.lock();
    try {
      return kept.isEmpty() ? last + 1 : kept.getFirst().sequence;
    } finally {
      lock.unlock();
    }
  }

  /** The number of the newest; one that nothing had where nothing has happened. */
  public long last() {
    lock.lock();
    try {
      return last;
    } finally {
      lock.unlock();
    }
  }

  /** What happened after a number; waits up to the given time for the first of it. */
  public List<Letter> after(long sequence, Duration patience) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = patience.toNanos();
      // What an earlier run counted up to says nothing about what is kept here.
      while ((kept.isEmpty() || kept.getLast().sequence <= sequence) && left > 0) {
        left = more.awaitNanos(left);
      }
      return kept.stream().filter(letter -> letter.sequence > sequence).toList();
    } finally {
      lock.unlock();
    }
  }
}
