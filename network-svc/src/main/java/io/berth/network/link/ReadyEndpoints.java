package io.berth.network.link;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NetworkNamespace;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints of one bridge that lack only an address: netns pinned, both ends of the cable up. A
 * thread of its own makes up for those that are taken, so nobody waits for one.
 */
public final class ReadyEndpoints implements AutoCloseable {
  private static final Logger LOG = System.getLogger(ReadyEndpoints.class.getName());
  private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long PAUSE_AFTER_FAILURE_MILLIS = 2000;

  private final Cabling cabling;
  private final Cabling.Bridge bridge;
  private final Path pins;
  private final int wanted;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Thread maker;

  @GuardedBy("lock")
  private final Deque<Ready> ready = new ArrayDeque<>();

  @GuardedBy("lock")
  private boolean closed;

  @GuardedBy("lock")
  private long lastTaken = System.nanoTime() - QUIET_NANOS;

  /** An endpoint without an address; whoever takes it closes the guest. */
  public record Ready(String id, Path pin, Guest guest, Cabling.Cable cable) {}

  private ReadyEndpoints(Cabling cabling, Cabling.Bridge bridge, Path pins, int wanted) {
    this.cabling = cabling;
    this.bridge = bridge;
    this.pins = pins;
    this.wanted = wanted;
    this.maker = Thread.ofPlatform().daemon().name("ready-" + bridge.name()).unstarted(this::fill);
  }

  /**
   * Begins to make them.
   *
   * @param pins folder of the pinned namespaces
   * @param wanted how many are kept
   */
  public static ReadyEndpoints start(
      Cabling cabling, Cabling.Bridge bridge, Path pins, int wanted) {
    ReadyEndpoints endpoints = new ReadyEndpoints(cabling, bridge, pins, wanted);
    endpoints.maker.start();
    return endpoints;
  }

  /** Takes an endpoint if one is ready; never waits. */
  public Optional<Ready> take() {
    lock.lock();
    try {
      Optional<Ready> first = Optional.ofNullable(ready.pollFirst());
      lastTaken = System.nanoTime();
      changed.signalAll();
      return first;
    } finally {
      lock.unlock();
    }
  }

  /** How many endpoints are ready. */
  public int count() {
    lock.lock();
    try {
      return ready.size();
    } finally {
      lock.unlock();
    }
  }

  private void fill() {
    String told = "";
    while (awaitNeed()) {
      Ready made = null;
      try {
        made = make(InstanceNames.newId(), cabling, bridge, pins);
      } catch (IOException | RuntimeException e) {
        String problem = String.valueOf(e.getMessage());
        // A bridge that is full stays so for long, so the same problem is a warning only once.
        LOG.log(
            problem.equals(told) ? Level.DEBUG : Level.WARNING,
            "keep endpoints ready on {0}: {1}",
            bridge.name(),
            problem);
        told = problem;
      }
      add(made);
    }
  }

  private boolean awaitNeed() {
    lock.lock();
    try {
      while (!closed && ready.size() >= wanted) {
        changed.await();
      }
      // The thread that has just taken one is still at work with it, and needs the kernel's lock on
      // links (rtnetlink(7)) that the making of the next one would hold.
      long left = lastTaken + QUIET_NANOS - System.nanoTime();
      while (!closed && !ready.isEmpty() && left > 0) {
        var _ = changed.awaitNanos(left);
        left = lastTaken + QUIET_NANOS - System.nanoTime();
      }
      return !closed;
    } catch (InterruptedException e) {
      return false;
    } finally {
      lock.unlock();
    }
  }

  private void add(@Nullable Ready made) {
    lock.lock();
    try {
      if (made == null) {
        pause();
      } else if (closed) {
        discard(List.of(made));
      } else {
        ready.addLast(made);
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void pause() {
    long left = TimeUnit.MILLISECONDS.toNanos(PAUSE_AFTER_FAILURE_MILLIS);
    try {
      while (!closed && left > 0) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      closed = true;
    }
  }

  /** Makes an endpoint in the calling thread. */
  public static Ready make(String id, Cabling cabling, Cabling.Bridge bridge, Path pins)
      throws IOException {
    Path pin = pins.resolve(id);
    Guest guest = Guest.create();
    boolean done = false;
    try {
      guest.namespace().pin(pin);
      Cabling.Cable cable = cabling.lay(bridge, id, guest, Optional.empty());
      done = true;
      return new Ready(id, pin, guest, cable);
    } finally {
      if (!done) {
        guest.close();
        NetworkNamespace.unpin(pin);
      }
    }
  }

  private void discard(List<Ready> members) {
    for (Ready member : members) {
      try {
        cabling.retire(null, member.cable().hostLink(), Ipv4.ANY);
        member.guest().close();
        NetworkNamespace.unpin(member.pin());
      } catch (IOException e) {
        LOG.log(Level.WARNING, "give up ready endpoint {0}: {1}", member.id(), e.getMessage());
      }
    }
  }

  /** Gives up the endpoints that nobody took; the reaper deletes their links. */
  @Override
  public void close() {
    List<Ready> left;
    lock.lock();
    try {
      closed = true;
      left = new ArrayList<>(ready);
      ready.clear();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    discard(left);
    try {
      maker.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
