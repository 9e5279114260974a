package io.berth.network.endpoint;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Epoll;
import io.berth.linux.Poller;
import io.berth.linux.SyscallException;
import io.berth.linux.net.ChangeMonitor;
import io.berth.linux.net.ChangeMonitor.Change;
import io.berth.linux.net.Link;
import io.berth.network.link.Cabling;
import io.berth.network.link.InstanceNames;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Hears what others change of the host's network while this service lives, and has what is ours
 * mended. What it hears only says where to look: whoever mends looks for himself.
 */
final class HostWatch implements AutoCloseable {
  private static final Logger LOG = System.getLogger(HostWatch.class.getName());
  private static final long SETTLE_MILLIS = 100;
  private static final long RETRY_MILLIS = 1000;

  private final EngineParts parts;
  private final Mender mender;
  private final Deque<AutoCloseable> ends = new ArrayDeque<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final Set<Suspect> suspects = EnumSet.noneOf(Suspect.class);

  @GuardedBy("lock")
  private boolean closed;

  /** What may be wrong. */
  enum Suspect {
    /** A bridge of ours, or an endpoint's cable. */
    LINKS,
    /** Our table. */
    TABLE,
    /** A chain of somebody else's, by which our packets come. */
    FOREIGN_CHAINS
  }

  /** Looks at one of them and makes it right; called on a platform thread of the watch's own. */
  interface Mender {
    void mend(Suspect suspect) throws IOException;
  }

  private HostWatch(EngineParts parts, Mender mender) {
    this.parts = parts;
    this.mender = mender;
  }

  /** Listens from now on. */
  static HostWatch start(EngineParts parts, Mender mender) throws IOException {
    HostWatch watch = new HostWatch(parts, mender);
    boolean started = false;
    try {
      Poller poller = Poller.start("host-watch");
      ChangeMonitor links = ChangeMonitor.ofLinks(parts.host().namespace());
      watch.ends.push(links);
      watch.listen(poller, links);
      try {
        ChangeMonitor tables = ChangeMonitor.ofTables(parts.host().namespace());
        watch.ends.push(tables);
        watch.listen(poller, tables);
      } catch (SyscallException e) {
        LOG.log(Level.WARNING, "changes of the packet filter are not heard: {0}", e.getMessage());
      }
      Thread worker = Thread.ofPlatform().daemon().name("host-mender").start(watch::work);
      watch.ends.push(worker::join);
      watch.ends.push(poller);
      started = true;
      return watch;
    } finally {
      if (!started) {
        watch.close();
      }
    }
  }

  private void listen(Poller poller, ChangeMonitor monitor) throws SyscallException {
    var _ =
        poller.register(
            monitor.fd(),
            Epoll.EPOLLIN,
            (_, _) -> monitor.read(parts.host().nft()).forEach(this::hear));
  }

  private void hear(Change change) {
    switch (change) {
      case Change.LinkThere there -> {
        if ((isBridge(there.link().name()) && !there.link().up()) || isLoose(there.link())) {
          suspect(Suspect.LINKS);
        }
      }
      case Change.LinkGone gone -> {
        String name = gone.link().name();
        if (isBridge(name) || isCableInUse(name)) {
          suspect(Suspect.LINKS);
        }
      }
      case Change.AddressGone gone -> {
        if (parts.networks().bridges().stream().anyMatch(b -> b.index() == gone.link())) {
          suspect(Suspect.LINKS);
        }
      }
      case Change.TableChanged table -> {
        if (!table.table().equals(parts.settings().names().table())) {
          suspect(Suspect.FOREIGN_CHAINS);
        } else if (table.taken()) {
          suspect(Suspect.TABLE);
        }
      }
      case Change.Missed _ -> EnumSet.allOf(Suspect.class).forEach(this::suspect);
    }
  }

  private boolean isBridge(String name) {
    return parts.networks().bridges().stream().anyMatch(bridge -> bridge.name().equals(name));
  }

  private boolean isCableInUse(String name) {
    return InstanceNames.isCableName(name) && parts.endpoints().isInUse(name);
  }

  /** Whether it is an endpoint's and passes nothing, for it is down or on no bridge of ours. */
  private boolean isLoose(Link link) {
    return isCableInUse(link.name())
        && (!link.up()
            || parts.networks().bridges().stream()
                .mapToInt(Cabling.Bridge::index)
                .noneMatch(index -> index == link.master()));
  }

  /** Has something looked at soon. */
  void suspect(Suspect suspect) {
    lock.lock();
    try {
      suspects.add(suspect);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    String told = "";
    while (true) {
      Set<Suspect> now = take();
      if (now.isEmpty()) {
        return;
      }
      long pause = SETTLE_MILLIS;
      for (Suspect suspect : now) {
        try {
          mender.mend(suspect);
        } catch (IOException | RuntimeException e) {
          String problem = suspect + ": " + e.getMessage();
          LOG.log(
              problem.equals(told) ? Level.DEBUG : Level.WARNING,
              "mend what somebody else changed, {0}",
              problem);
          told = problem;
          suspect(suspect);
          pause = RETRY_MILLIS;
        }
      }
      rest(pause);
    }
  }

  /** Waits for something to look at; nothing once this is closed. */
  private Set<Suspect> take() {
    lock.lock();
    try {
      while (suspects.isEmpty() && !closed) {
        changed.await();
      }
      Set<Suspect> taken = closed ? Set.of() : EnumSet.copyOf(suspects);
      suspects.clear();
      return taken;
    } catch (InterruptedException e) {
      return Set.of();
    } finally {
      lock.unlock();
    }
  }

  /** A firewall's script makes many changes one after another, which are looked at together. */
  private void rest(long millis) {
    lock.lock();
    try {
      long left = TimeUnit.MILLISECONDS.toNanos(millis);
      while (!closed && left > 0) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      closed = true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    while (!ends.isEmpty()) {
      try {
        ends.pop().close();
      } catch (Exception e) {
        LOG.log(Level.DEBUG, "end of the watch: {0}", e.getMessage());
      }
    }
  }
}
