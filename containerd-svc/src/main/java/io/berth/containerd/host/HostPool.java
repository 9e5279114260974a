package io.berth.containerd.host;

import com.google.protobuf.Empty;
import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.berth.host.v1.StatusResponse;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The host processes of this instance: found, started, chosen, followed, buried. Thread-safe. */
@Singleton
public final class HostPool {
  private static final Logger LOG = System.getLogger(HostPool.class.getName());
  private static final Duration STATUS_PATIENCE = Duration.ofMillis(800);

  // Longer than who waits for one is kept: a process that only is slow (a busy or emulated machine)
  // is of use to the next, and one that ends is noticed at once.
  private static final Duration START_PATIENCE = Duration.ofMinutes(3);

  private static final Duration WARM_PATIENCE = Duration.ofSeconds(60);
  private static final Duration RESERVE_PATIENCE = Duration.ofSeconds(40);
  private static final Duration IDLE = Duration.ofMinutes(10);
  private static final int MAX_IDLE_BOUND = 4;

  // One that starts takes both cores of a small machine for two seconds, just when a client has
  // begun: as long as another free one is there, it waits until no container was asked for in a
  // while, within limits.
  private static final Duration QUIET = Duration.ofSeconds(1);
  private static final Duration QUIET_PATIENCE = Duration.ofMinutes(2);

  private static final int MAX_HOSTS = 10_000;

  private final StateFolders folders;
  private final HostLauncher launcher;
  private final EventLoops loops;
  private final int warmHosts;
  private final int containersPerHost;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<Integer, HostProcess> hosts = new TreeMap<>();
  private final Set<Integer> starting = new HashSet<>();
  private int waiting;
  private int failures;
  private String lastFailure = "";
  private boolean stopped = true;
  private boolean replenishing;
  private long lastReservedNanos;
  private @Nullable HostListener listener;

  @Inject
  HostPool(Config config, HostLauncher launcher, EventLoops loops) {
    this.folders = new StateFolders(config.state());
    this.launcher = launcher;
    this.loops = loops;
    this.warmHosts = (int) config.number(Key.SHIM_WARM_HOSTS);
    this.containersPerHost = (int) Math.max(1, config.number(Key.SHIM_CONTAINERS_PER_HOST));
  }

  /** A living process and the tasks it holds. */
  public record Found(HostProcess host, List<String> ids, String namespace, boolean draining) {}

  /** Looks which processes of an earlier life are there; folders of dead ones are removed. */
  public List<Found> find() throws IOException {
    folders.prepareShimProcesses();
    List<Found> found = new ArrayList<>();
    try (Stream<Path> all = Files.list(folders.shimProcesses())) {
      for (Path each : all.sorted().toList()) {
        String name = String.valueOf(each.getFileName());
        Found host =
            name.matches("[0-9]{1,6}")
                ? look(Integer.parseInt(name), new ShimProcessFolder(each))
                : null;
        if (host == null) {
          new ShimProcessFolder(each).delete();
        } else {
          found.add(host);
        }
      }
    }
    return found;
  }

  private @Nullable Found look(int number, ShimProcessFolder place) {
    HostProcess host = new HostProcess(number, place, UnixChannel.to(loops, place.socket()));
    try {
      StatusResponse status = host.stub(STATUS_PATIENCE).status(Empty.getDefaultInstance());
      String build = launcher.build();
      boolean old =
          !build.isEmpty() && !status.getBuild().isEmpty() && !build.equals(status.getBuild());
      host.pid = status.getPid();
      host.namespace = status.getNamespace();
      host.warmed = status.getWarmed();
      host.draining = old || status.getDraining();
      if (old) {
        LOG.log(Level.INFO, "{0} is of build {1}: drained", host, status.getBuild());
        host.drain();
      }
      lock.lock();
      try {
        hosts.put(number, host);
      } finally {
        lock.unlock();
      }
      return new Found(host, status.getIdsList(), status.getNamespace(), host.draining);
    } catch (StatusRuntimeException e) {
      LOG.log(Level.DEBUG, "{0}: {1}", host, e.getMessage());
      host.close();
      return null;
    }
  }

  /** From now on processes are followed, and warm ones are kept. After {@link #find}. */
  public void start(HostListener wanted) {
    List<HostProcess> present;
    lock.lock();
    try {
      listener = wanted;
      stopped = false;
      present = List.copyOf(hosts.values());
    } finally {
      lock.unlock();
    }
    for (HostProcess host : present) {
      follow(host, launcher.watch(host.pid));
      if (!host.warmed && !host.draining) {
        // Our predecessor died before this one was ready.
        Thread.ofVirtual().name("host-warm-" + host.number()).start(() -> warm(host));
      }
    }
    replenish();
    Thread.ofVirtual().name("hosts-idle").start(this::sweep);
  }

  /** Processes are left alone: their containers live on. */
  public void stop() {
    lock.lock();
    try {
      stopped = true;
      hosts.values().forEach(HostProcess::close);
      hosts.clear();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How many there are. */
  public int count() {
    lock.lock();
    try {
      return hosts.size();
    } finally {
      lock.unlock();
    }
  }

  /** Whether a process is there that has gone the whole way once. */
  public boolean isWarm() {
    lock.lock();
    try {
      return hosts.values().stream().anyMatch(host -> host.warmed && !host.draining);
    } finally {
      lock.unlock();
    }
  }

  /**
   * A process for a task: of its namespace with room, else a warm one of none. Blocks while one
   * starts; UNAVAILABLE when none does.
   *
   * @param exclusive the task gets a process of its own
   */
  public HostProcess reserve(TaskKey key, boolean exclusive) {
    long deadline = System.nanoTime() + RESERVE_PATIENCE.toNanos();
    HostProcess chosen;
    lock.lock();
    waiting++;
    try {
      int failuresBefore = failures;
      while (true) {
        chosen = choose(key.namespace(), exclusive);
        if (chosen != null) {
          break;
        }
        if (stopped || failures > failuresBefore + 1 || System.nanoTime() > deadline) {
          throw new BerthException.Unavailable(
              "start a host process for shims: "
                  + (lastFailure.isEmpty() ? "none became ready in time" : lastFailure));
        }
        launchMissing();
        changed.awaitNanos(Duration.ofMillis(500).toNanos());
      }
      bind(chosen, key);
      chosen.exclusive |= exclusive;
      chosen.tasks.add(key);
      lastReservedNanos = System.nanoTime();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("wait for a host process: interrupted", e);
    } finally {
      waiting--;
      lock.unlock();
    }
    replenishSoon(exclusive);
    return chosen;
  }

  // Containers of the warm-up are nobody's: a process that had one is as free as before.
  private static void bind(HostProcess host, TaskKey key) {
    if (!key.namespace().equals(Identifier.WARM_UP_NAMESPACE)) {
      host.namespace = key.namespace();
    }
  }

  private @Nullable HostProcess choose(String namespace, boolean exclusive) {
    HostProcess unbound = null;
    for (HostProcess host : hosts.values()) {
      if (host.draining || host.gone || host.exclusive) {
        continue;
      }
      if (host.namespace.isEmpty()) {
        unbound = unbound == null ? host : unbound;
      } else if (!exclusive
          && host.namespace.equals(namespace)
          && host.tasks.size() < containersPerHost) {
        return host;
      }
    }
    return unbound;
  }

  /** A task that a process turned out to hold. */
  public void claim(HostProcess host, TaskKey key) {
    lock.lock();
    try {
      host.tasks.add(key);
      bind(host, key);
    } finally {
      lock.unlock();
    }
  }

  /** The task is gone from there; a process of its own ends with it. */
  public void release(HostProcess host, TaskKey key) {
    boolean end;
    lock.lock();
    try {
      host.tasks.remove(key);
      host.idleSinceNanos = System.nanoTime();
      end = host.exclusive && host.tasks.isEmpty() && !host.gone;
      host.draining |= end;
    } finally {
      lock.unlock();
    }
    if (end) {
      host.drain();
    }
  }

  /** Whether it is still counted among the living. */
  public boolean isAlive(HostProcess host) {
    lock.lock();
    try {
      return !host.gone;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Somebody got no answer: asks once more, and buries the process if it does not answer. Answers
   * whether it lives.
   */
  public boolean examine(HostProcess host) {
    if (!isAlive(host)) {
      return false;
    }
    try {
      host.stub(STATUS_PATIENCE).status(Empty.getDefaultInstance());
      return true;
    } catch (StatusRuntimeException e) {
      bury(host, e.getStatus().getCode() + " " + e.getStatus().getDescription());
      return false;
    }
  }

  private void bury(HostProcess host, String why) {
    Set<TaskKey> orphans;
    HostListener told;
    lock.lock();
    try {
      if (host.gone || stopped) {
        return;
      }
      host.gone = true;
      hosts.remove(host.number());
      orphans = Set.copyOf(host.tasks);
      told = listener;
    } finally {
      lock.unlock();
    }
    boolean expected = host.draining && orphans.isEmpty();
    LOG.log(
        expected ? Level.DEBUG : Level.WARNING,
        "{0} (pid {1}) is gone ({2}) with {3} tasks; its last words: {4}",
        host,
        Integer.toString(host.pid),
        why,
        orphans.size(),
        host.lastWords());
    launcher.kill(host.pid);
    host.close();
    if (told != null) {
      told.lost(host, orphans);
    }
    host.folder().delete();
    replenish();
  }

  private void follow(HostProcess host, @Nullable CompletableFuture<Void> ended) {
    if (ended != null) {
      ended.whenCompleteAsync((_, _) -> bury(host, "process ended"), Thread.ofVirtual()::start);
    }
    watch(host);
  }

  private void watch(HostProcess host) {
    host.streaming()
        .watch(
            Empty.getDefaultInstance(),
            new StreamObserver<>() {
              @Override
              public void onNext(Occurrence occurrence) {
                if (occurrence.hasCaughtUp()) {
                  host.watched();
                }
                HostListener told = listener;
                if (told != null) {
                  told.occurred(host, occurrence);
                }
              }

              @Override
              public void onError(Throwable failure) {
                Thread.ofVirtual().start(() -> rewatch(host));
              }

              @Override
              public void onCompleted() {
                Thread.ofVirtual().start(() -> rewatch(host));
              }
            });
  }

  private void rewatch(HostProcess host) {
    if (!stopped && examine(host)) {
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      watch(host);
    }
  }

  private void replenish() {
    lock.lock();
    try {
      launchMissing();
    } finally {
      lock.unlock();
    }
  }

  private void replenishSoon(boolean exclusive) {
    lock.lock();
    try {
      long free = free();
      if (exclusive || free == 0) {
        launchMissing();
      } else if (free < warmHosts && !replenishing) {
        replenishing = true;
        Thread.ofVirtual().name("hosts-replenish").start(this::replenishWhenQuiet);
      }
    } finally {
      lock.unlock();
    }
  }

  private void replenishWhenQuiet() {
    long patience = System.nanoTime() + QUIET_PATIENCE.toNanos();
    lock.lock();
    try {
      while (!stopped) {
        long now = System.nanoTime();
        long due = Math.min(patience, lastReservedNanos + QUIET.toNanos());
        if (now >= due) {
          break;
        }
        long left = changed.awaitNanos(due - now);
        LOG.log(Level.TRACE, "woke {0} ns early", left);
      }
      launchMissing();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      replenishing = false;
      lock.unlock();
    }
  }

  // Under the lock.
  private long free() {
    return hosts.values().stream()
        .filter(host -> host.namespace.isEmpty() && !host.draining && !host.gone)
        .count();
  }

  // Under the lock.
  private void launchMissing() {
    if (stopped) {
      return;
    }
    long wanted = Math.max(warmHosts, Math.min(waiting, 2));
    for (long have = free() + starting.size(); have < wanted; have++) {
      int number = freeNumber();
      starting.add(number);
      Thread.ofVirtual().name("host-start-" + number).start(() -> launch(number));
    }
  }

  private int freeNumber() {
    for (int number = 1; number < MAX_HOSTS; number++) {
      if (!hosts.containsKey(number)
          && !starting.contains(number)
          && !Files.exists(folders.shimProcess(number).path())) {
        return number;
      }
    }
    throw new IllegalStateException("more than " + MAX_HOSTS + " host processes");
  }

  private void launch(int number) {
    ShimProcessFolder place = folders.shimProcess(number);
    HostProcess host = new HostProcess(number, place, UnixChannel.to(loops, place.socket()));
    try {
      int before;
      lock.lock();
      try {
        before = failures;
      } finally {
        lock.unlock();
      }
      if (before > 0) {
        Thread.sleep(Math.min(30_000, 250L << Math.min(before, 10)));
      }
      place.prepare();
      CompletableFuture<Void> ended = launcher.launch(number);
      StatusResponse status = host.awaitStatus(ended, START_PATIENCE);
      host.pid = status.getPid();
      // Watched before the first placement: nothing that happens there is missed.
      follow(host, ended);
      host.awaitWatched();
      admit(host);
      warm(host);
    } catch (IOException | BerthException e) {
      fail(host, String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      fail(host, "interrupted");
    }
  }

  private void admit(HostProcess host) {
    lock.lock();
    try {
      starting.remove(host.number());
      if (stopped) {
        host.close();
        return;
      }
      hosts.put(host.number(), host);
      failures = 0;
      lastFailure = "";
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void fail(HostProcess host, String why) {
    LOG.log(Level.ERROR, "start {0}: {1}", host, why);
    host.close();
    lock.lock();
    try {
      starting.remove(host.number());
      failures++;
      lastFailure = why;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    killStarted(host);
    host.folder().delete();
    Thread.ofVirtual().start(this::replenish);
  }

  /** One that came too late would keep the number's lock and its memory. */
  private void killStarted(HostProcess host) {
    try {
      launcher.kill(Integer.parseInt(Files.readString(host.folder().pid()).strip()));
    } catch (IOException | NumberFormatException e) {
      LOG.log(Level.DEBUG, "{0} has told no pid: {1}", host, e.getMessage());
    }
  }

  private void warm(HostProcess host) {
    try {
      host.stub(WARM_PATIENCE).warm(Empty.getDefaultInstance());
    } catch (StatusRuntimeException e) {
      LOG.log(Level.INFO, "warm {0}: {1}", host, e.getMessage());
    }
    lock.lock();
    try {
      host.warmed = true;
    } finally {
      lock.unlock();
    }
  }

  // A process bound to a namespace that has nothing any more ends after a while; the oldest at
  // once if there are too many.
  private void sweep() {
    while (!stopped) {
      try {
        TimeUnit.SECONDS.sleep(15);
      } catch (InterruptedException e) {
        return;
      }
      List<HostProcess> ending = new ArrayList<>();
      lock.lock();
      try {
        List<HostProcess> idle =
            hosts.values().stream()
                .filter(host -> !host.namespace.isEmpty() && host.tasks.isEmpty())
                .filter(host -> !host.draining)
                .sorted(Comparator.comparingLong(host -> host.idleSinceNanos))
                .toList();
        long now = System.nanoTime();
        for (int i = 0; i < idle.size(); i++) {
          HostProcess host = idle.get(i);
          if (i < idle.size() - MAX_IDLE_BOUND || now - host.idleSinceNanos > IDLE.toNanos()) {
            host.draining = true;
            ending.add(host);
          }
        }
      } finally {
        lock.unlock();
      }
      ending.forEach(HostProcess::drain);
    }
  }
}
