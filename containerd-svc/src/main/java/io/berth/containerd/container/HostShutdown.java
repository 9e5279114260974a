package io.berth.containerd.container;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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

  private final Config config;
  private final NamespaceTable namespaces;
  private final NamedContainers containers;
  private final ContainerRecords records;
  private final Tasks tasks;
  private final Policies policies;

  @Inject
  HostShutdown(
      Config config,
      NamespaceTable namespaces,
      NamedContainers containers,
      ContainerRecords records,
      Tasks tasks,
      Policies policies) {
    this.config = config;
    this.namespaces = namespaces;
    this.containers = containers;
    this.records = records;
    this.tasks = tasks;
    this.policies = policies;
  }

  /**
   * What came of it.
   *
   * @param ended how many containers ran
   * @param killed how many of them needed SIGKILL
   */
  public record Outcome(int ended, int killed) {}

  /**
   * Ends what runs, all at once: each by its own signal and in its own time, at the latest by
   * SIGKILL when the time for all is over. From now on no policy starts anything, until the unit of
   * containers is up again or this service starts anew.
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
    List<Future<Boolean>> ends = new ArrayList<>();
    try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
      for (String namespace : namespaces.all().keySet()) {
        for (TaskKey key : tasks.keys(namespace)) {
          if (isRunning(key) && !namespace.equals(Identifier.WARM_UP_NAMESPACE)) {
            ends.add(each.submit(() -> end(key, deadline)));
          }
        }
      }
    }
    int killed = 0;
    for (Future<Boolean> end : ends) {
      try {
        killed += end.get() ? 0 : 1;
      } catch (ExecutionException e) {
        LOG.log(Level.WARNING, "end a container: {0}", String.valueOf(e.getCause()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BerthException.Cancelled("end all containers: interrupted", e);
      }
    }
    return new Outcome(ends.size(), killed);
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
