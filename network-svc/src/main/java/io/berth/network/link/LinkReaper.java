package io.berth.network.link;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.linux.net.Link;
import io.berth.linux.net.RouteRequest;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Deletes retired links, many at a time, on a thread of its own. Only when their links are gone are
 * endpoints reported as reaped.
 */
public final class LinkReaper implements AutoCloseable {
  private static final Logger LOG = System.getLogger(LinkReaper.class.getName());

  /**
   * How long it waits for more links, so that those of containers that end together go together.
   */
  private static final long GATHER_MILLIS = 30;

  private static final long PAUSE_AFTER_FAILURE_MILLIS = 1000;

  private final HostNetwork host;
  private final InstanceNames names;
  private final Consumer<Set<String>> reaped;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Thread thread;

  @GuardedBy("lock")
  private final Deque<Errand> errands = new ArrayDeque<>();

  /** Ids of endpoints whose links are to be deleted. */
  @GuardedBy("lock")
  private Set<String> waiting = new HashSet<>();

  @GuardedBy("lock")
  private boolean busy;

  @GuardedBy("lock")
  private boolean closed;

  private LinkReaper(HostNetwork host, InstanceNames names, Consumer<Set<String>> reaped) {
    this.host = host;
    this.names = names;
    this.reaped = reaped;
    this.thread = Thread.ofPlatform().daemon().name("link-reaper").unstarted(this::run);
  }

  /**
   * Starts the thread.
   *
   * @param reaped runs on it with the ids of endpoints whose links are gone
   */
  public static LinkReaper start(
      HostNetwork host, InstanceNames names, Consumer<Set<String>> reaped) {
    LinkReaper reaper = new LinkReaper(host, names, reaped);
    reaper.thread.start();
    return reaper;
  }

  /** Takes note that the links of these endpoints are retired or gone. Never waits. */
  public void add(Set<String> ids) {
    lock.lock();
    try {
      waiting.addAll(ids);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Runs something else that no caller waits for, once and in order; a failure is logged. */
  public void later(Errand errand) {
    lock.lock();
    try {
      errands.add(errand);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Work that no answer waits for. */
  @FunctionalInterface
  public interface Errand {
    void run() throws IOException;
  }

  /** Waits until everything added before is reaped; false when the time is over first. */
  public boolean awaitIdle(long millis) {
    long left = TimeUnit.MILLISECONDS.toNanos(millis);
    lock.lock();
    try {
      while ((busy || !waiting.isEmpty()) && left > 0) {
        left = changed.awaitNanos(left);
      }
      return !busy && waiting.isEmpty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    while (true) {
      Set<String> batch = next();
      runErrands();
      if (batch.isEmpty()) {
        if (closed()) {
          return;
        }
        continue;
      }
      boolean done = false;
      try {
        deleteRetired();
        reaped.accept(batch);
        done = true;
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.WARNING, "delete retired links: {0}; trying again", e.getMessage());
      }
      finished(batch, done);
    }
  }

  private boolean closed() {
    lock.lock();
    try {
      return closed && waiting.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private void runErrands() {
    while (true) {
      Errand errand;
      lock.lock();
      try {
        errand = errands.poll();
      } finally {
        lock.unlock();
      }
      if (errand == null) {
        return;
      }
      try {
        errand.run();
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.WARNING, "{0}", e.getMessage());
      }
    }
  }

  /** The next ids; none when there are errands only, or the reaper is closed. */
  private Set<String> next() {
    lock.lock();
    try {
      while (waiting.isEmpty() && errands.isEmpty() && !closed) {
        await(Long.MAX_VALUE);
      }
      if (waiting.isEmpty()) {
        return Set.of();
      }
      pause(GATHER_MILLIS);
      Set<String> batch = waiting;
      waiting = new HashSet<>();
      busy = !batch.isEmpty();
      return batch;
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void pause(long millis) {
    long left = TimeUnit.MILLISECONDS.toNanos(millis);
    while (!closed && left > 0) {
      left = await(left);
    }
  }

  // Answers the nanoseconds that are left; an interrupt closes the reaper.
  @GuardedBy("lock")
  @SuppressWarnings("WaitNotInLoop") // Both callers ask again whether what they wait for is there.
  private long await(long nanos) {
    try {
      return changed.awaitNanos(nanos);
    } catch (InterruptedException e) {
      closed = true;
      return 0;
    }
  }

  private void finished(Set<String> batch, boolean done) {
    lock.lock();
    try {
      busy = false;
      if (!done && !closed) {
        waiting.addAll(batch);
        pause(PAUSE_AFTER_FAILURE_MILLIS);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void deleteRetired() throws IOException {
    List<Link> retired =
        host.links().links().stream().filter(l -> l.group() == names.retiredGroup()).toList();
    if (retired.isEmpty()) {
      return;
    }
    if (retired.stream().allMatch(names::isCable)) {
      delete(new RouteRequest().deleteGroup(names.retiredGroup()));
      return;
    }
    // A link that is not of this instance is in the group, so its own links are deleted one by one.
    for (Link link : retired) {
      if (names.isCable(link)) {
        delete(new RouteRequest().deleteLink(link.index()));
      }
    }
  }

  private void delete(RouteRequest request) throws SyscallException {
    try {
      host.links().send(request, "retired links");
    } catch (SyscallException e) {
      // With a network namespace its end of the cable goes, and with that the other
      // (network_namespaces(7)).
      if (!e.is(Errno.ENODEV)) {
        throw e;
      }
    }
  }

  /** Reaps what is waiting, then ends. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
