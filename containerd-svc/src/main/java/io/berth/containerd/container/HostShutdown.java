package io.berth.containerd.container;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.time.Sleeper;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.metadata.NamespaceTable;
import io.berth.containerd.settings.StopSettings;
import io.berth.containerd.task.Tasks;
import io.berth.linux.Signal;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Ends all containers because the host goes down or the instance is taken away. Nobody wished a
 * single one of them to stop, so their policies start them when this service starts anew, or when
 * the unit in which they live does.
 */
@Singleton
public final class HostShutdown {
  private static final Logger LOG = System.getLogger(HostShutdown.class.getName());

  /** Where clients of containerd note the stop signal of an image (containerd, StopSignalLabel). */
  private static final String STOP_SIGNAL_LABEL = "io.containerd.image.config.stop-signal";

  /** How long the end of a container is waited for that was sent SIGKILL. */
  private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

  /** How often it is looked whether a start that was under way is over. */
  private static final Duration LOOK = Duration.ofMillis(50);

  private final Config config;
  private final NamespaceTable namespaces;
  private final NamedContainers containers;
  private final ContainerRecords records;
  private final Tasks tasks;
  private final Policies policies;
  private final Sleeper sleeper;

  @Inject
  HostShutdown(
      Config config,
      NamespaceTable namespaces,
      NamedContainers containers,
      ContainerRecords records,
      Tasks tasks,
      Policies policies,
      Sleeper sleeper) {
    this.config = config;
    this.namespaces = namespaces;
    this.containers = containers;
    this.records = records;
    this.tasks = tasks;
    this.policies = policies;
    this.sleeper = sleeper;
  }

  /**
   * What came of it.
   *
   * @param ended how many containers ran and have ended
   * @param killed how many of them needed SIGKILL
   */
  public record Outcome(int ended, int killed) {}

  /**
   * Ends what runs, all at once: each by its own signal and in its own time, at the latest by
   * SIGKILL when the time for all is over. From now on no policy starts anything, until the unit of
   * containers is up again or this service starts anew. DEADLINE_EXCEEDED, which names them, if
   * containers run on.
   *
   * @param seconds for all together; null for the configured time
   */
  public Outcome run(@Nullable Integer seconds) {
    policies.suspend();
    try {
      return endAll(seconds);
    } finally {
      policies.allEnded();
    }
  }

  private Outcome endAll(@Nullable Integer seconds) {
    long total = seconds == null ? config.number(Key.CONTAINERD_SHUTDOWN_TIMEOUT) : seconds;
    long deadline = System.nanoTime() + Duration.ofSeconds(Math.max(0, total)).toNanos();
    Map<TaskKey, Boolean> ended = new HashMap<>();
    List<TaskKey> left = running();
    boolean over = false;
    // A start that was under way at the first look brings a container after it.
    while (!left.isEmpty() || (policies.isStarting() && !over)) {
      ended.putAll(end(left, deadline));
      left = running();
      over = System.nanoTime() - deadline >= KILL_PATIENCE.toNanos();
      if (over && !left.isEmpty()) {
        throw new BerthException.DeadlineExceeded(
            "end all containers: these run on after SIGKILL: "
                + left.stream().map(TaskKey::toString).collect(Collectors.joining(", "))
                + "; processes in state D wait for a device or for a file server");
      }
      if (!sleeper.pause(LOOK)) {
        throw new BerthException.Cancelled("end all containers: interrupted");
      }
    }
    return new Outcome(
        ended.size(), (int) ended.values().stream().filter(bySignal -> !bySignal).count());
  }

  private List<TaskKey> running() {
    return namespaces.all().keySet().stream()
        .filter(namespace -> !namespace.equals(Identifier.WARM_UP_NAMESPACE))
        .flatMap(namespace -> tasks.keys(namespace).stream())
        .filter(this::isRunning)
        .toList();
  }

  /** Ends these, all at once: those that have ended, and whether each did by its signal. */
  private Map<TaskKey, Boolean> end(List<TaskKey> running, long deadline) {
    Map<TaskKey, Future<Boolean>> ends = new HashMap<>();
    try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
      running.forEach(key -> ends.put(key, each.submit(() -> end(key, deadline))));
    }
    Map<TaskKey, Boolean> ended = new HashMap<>();
    ends.forEach((key, end) -> {
      if (end.state() == Future.State.FAILED) {
        LOG.log(Level.WARNING, "end {0}: {1}", key, end.exceptionNow().getMessage());
      }
      if (!isRunning(key)) {
        ended.put(key, end.state() != Future.State.SUCCESS || end.resultNow());
      }
    });
    return ended;
  }

  private boolean isRunning(TaskKey key) {
    Tasks.Glance glance = tasks.glance(key);
    return glance != null && glance.exit() == null;
  }

  /** Answers whether it ended by its signal. */
  private boolean end(TaskKey key, long deadline) throws InterruptedException {
    StopSettings own = settings(key);
    long left = Math.max(0, deadline - System.nanoTime());
    Integer seconds = own.timeoutSeconds();
    long patience =
        seconds == null
            ? Duration.ofSeconds(config.number(Key.CONTAINERD_STOP_TIMEOUT)).toNanos()
            : seconds < 0 ? left : Duration.ofSeconds(seconds).toNanos();
    if (asked(key, signal(own))
        && tasks.await(key, "", Duration.ofNanos(Math.min(patience, left))) != null) {
      return true;
    }
    var _ = asked(key, Signal.SIGKILL.number());
    var _ = tasks.await(key, "", KILL_PATIENCE);
    return false;
  }

  private StopSettings settings(TaskKey key) {
    NamedContainer named = containers.find(key);
    if (named != null) {
      return named.described().config().stop();
    }
    try {
      String signal = records.get(key).labels().getOrDefault(STOP_SIGNAL_LABEL, "");
      return new StopSettings(signal, null);
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "{0} has no record: {1}", key, e.getMessage());
      return StopSettings.NONE;
    }
  }

  private static int signal(StopSettings own) {
    return Signal.parse(own.signal().isEmpty() ? "SIGTERM" : own.signal())
        .orElse(Signal.SIGTERM.number());
  }

  /** Whether a signal is on its way to a container that acts on it. */
  private boolean asked(TaskKey key, int signal) {
    try {
      tasks.kill(key, "", signal, /* all= */ signal == Signal.SIGKILL.number());
      Tasks.Glance glance = tasks.glance(key);
      if (glance != null && glance.paused()) {
        tasks.resume(key);
      }
      return true;
    } catch (BerthException.NotFound e) {
      // It has ended meanwhile, which whoever waits for it finds at once.
      return true;
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "signal {0} to {1}: {2}", signal, key, e.getMessage());
      return false;
    }
  }
}
