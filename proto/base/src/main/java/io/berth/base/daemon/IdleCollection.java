package io.berth.base.daemon;

import io.berth.base.time.Sleeper;
import io.berth.linux.CleanPages;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Has a process give memory back once its work is done: the serial collector makes the heap smaller
 * at a full collection only, to which a process that has nothing to do does not come. It is done
 * when the process has been idle for some seconds, and again only when as much garbage has come
 * together that it is worth its some milliseconds. How small the heap becomes is the matter of the
 * JVM's options.
 */
public final class IdleCollection {
  private static final Logger LOG = System.getLogger(IdleCollection.class.getName());
  private static final Duration PERIOD = Duration.ofSeconds(3);

  /** So many looks in a row at a process that does nothing, and it counts as idle. */
  private static final int QUIET_LOOKS = 2;

  /** The share of one core up to which a process does nothing. */
  private static final double IDLE_SHARE = 0.05;

  /** What has to have been allocated since the last collection. */
  private static final long WORTHWHILE_BYTES = 2 << 20;

  private final Duration period;
  private final Supplier<Duration> spent;
  private final LongSupplier used;
  private final Runnable collect;
  private final Runnable letGo;
  private Duration before;
  private long kept;
  private int quiet;
  private boolean collected;

  /**
   * @param period between two looks
   * @param spent the processor time that the process has taken
   * @param used bytes of the heap that are in use, garbage included
   * @param letGo what is done a look after a collection, whose own work has ended then
   */
  IdleCollection(
      Duration period,
      Supplier<Duration> spent,
      LongSupplier used,
      Runnable collect,
      Runnable letGo) {
    this.period = period;
    this.spent = spent;
    this.used = used;
    this.collect = collect;
    this.letGo = letGo;
    this.before = spent.get();
  }

  /** Begins for this process, until its end; a thread of its own sleeps nearly all the time. */
  public static void start() {
    Thread.ofVirtual().name("idle-collection").start(() -> run(PERIOD));
  }

  static void run(Duration period) {
    IdleCollection collection =
        new IdleCollection(
            period,
            IdleCollection::processorTime,
            IdleCollection::heap,
            System::gc,
            IdleCollection::letGo);
    while (Sleeper.SYSTEM.pause(period)) {
      collection.look();
    }
  }

  private static Duration processorTime() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  private static long heap() {
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static void letGo() {
    try {
      // What a start or a warm-up read of the start-up cache is not read again.
      var _ = CleanPages.letGo(".aot");
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "let go of the start-up cache's pages", e);
    }
  }

  /** Is called once a period, always by the same thread. */
  void look() {
    Duration now = spent.get();
    boolean idle = now.minus(before).toNanos() <= IDLE_SHARE * period.toNanos();
    before = now;
    quiet = idle ? quiet + 1 : 0;
    if (!idle) {
      return;
    }
    if (quiet >= QUIET_LOOKS && used.getAsLong() - kept >= WORTHWHILE_BYTES) {
      collect.run();
      kept = used.getAsLong();
      quiet = 0;
      collected = true;
    } else if (collected) {
      collected = false;
      letGo.run();
    }
  }
}
