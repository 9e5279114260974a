package io.berth.network.link;

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

  /** Containers that end together are reaped together. */
  private static final long GATHER_MILLIS = 30;

  private static final long PAUSE_AFTER_FAILURE_MILLIS = 1000;

  private final HostNetwork host;
  private final InstanceNames names;
  private final Consumer<Set<String>> reaped;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private Set<String> waiting = new HashSet<>();
  private final Deque<Errand> errands = new ArrayDeque<>();
  private boolean busy;
  private boolean closed;
  private final Thread thread;

  private LinkReaper(HostNetwork host, InstanceNames names, Consumer<Set<String>> reaped) {
    this.host = host;
    this.names = names;
    this.reaped = reaped;
    this.thread = Thread.ofPlatform().daemon().name("link-reaper").unstarted(this::run);
  }

  /** Starts the thread; {@code reaped} runs on it, with the ids of endpoints. */
  public static LinkReaper start(
      HostNetwork host, InstanceNames names, Consumer<Set<String>> reaped) {
    LinkReaper reaper = new LinkReaper(host, names, reaped);
    reaper.thread.start();
    return reaper;
  }

  /** The links of these endpoints are retired, or gone. Never waits. */
  public void add(Set<String> ids) {
    lock.lock();
    try {
      waiting.addAll(ids);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Something else that nobody waits for. It runs once, in order; if it fails, that is logged. */
  public void later(Errand errand) {
    lock.lock();
    try {
      errands.add(errand);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Work off an answer's path. */
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
        changed.await();
      }
      if (waiting.isEmpty()) {
        return Set.of();
      }
      pause(GATHER_MILLIS);
      Set<String> batch = waiting;
      waiting = new HashSet<>();
      busy = !batch.isEmpty();
      return batch;
    } catch (InterruptedException e) {
      closed = true;
      return Set.of();
    } finally {
      lock.unlock();
    }
  }

  private void pause(long millis) throws InterruptedException {
    long left = TimeUnit.MILLISECONDS.toNanos(millis);
    while (!closed && left > 0) {
      left = changed.awaitNanos(left);
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
    } catch (InterruptedException e) {
      closed = true;
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
    // Somebody put a link of theirs into our group: only ours go, one by one.
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
      // A namespace that is gone took its end of the cable along, and so the other.
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
