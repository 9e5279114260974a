package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.base.time.Sleeper;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence;
import io.berth.containerd.health.HealthCheck;
import io.berth.containerd.health.HealthMonitor;
import io.berth.containerd.health.HealthState;
import io.berth.containerd.health.HealthState.Result;
import io.berth.containerd.health.Prober;
import io.berth.containerd.log.LogDrivers;
import io.berth.containerd.log.LogEntry;
import io.berth.containerd.log.LogQuery;
import io.berth.containerd.log.LogReader;
import io.berth.containerd.settings.ExecSettings;
import io.berth.containerd.settings.HealthSettings;
import io.berth.containerd.spec.SpecJson;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import io.berth.linux.Signal;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Runs health checks as processes in containers, and tells when a container's health changes.
 * Thread-safe.
 */
@Singleton
final class ContainerHealth implements Prober {
  private static final Logger LOG = System.getLogger(ContainerHealth.class.getName());

  /**
   * The ids of probes begin like this; they are the engine's own processes, so people are not shown
   * them.
   */
  private static final String PREFIX = "health-";

  private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

  /**
   * How long after a probe was killed the end of its container may be told, which killed it too.
   */
  private static final Duration END_PATIENCE = Duration.ofMillis(500);

  private static final int SHOWN_OUTPUT = 4096;
  private static final int KEPT_OUTPUT = 64 << 10;

  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final ExecSpecs specs;
  private final HealthMonitor monitor;
  private final Tasks tasks;
  private final EventBroker events;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();

  @Inject
  ContainerHealth(
      NamedContainers containers,
      Surroundings surroundings,
      ExecSpecs specs,
      HealthMonitor monitor,
      Tasks tasks,
      EventBroker events,
      InstantSource clock) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.specs = specs;
    this.monitor = monitor;
    this.tasks = tasks;
    this.events = events;
    this.clock = clock;
  }

  /** Whether the process with this id is a probe. */
  static boolean isProbe(String execId) {
    return execId.startsWith(PREFIX);
  }

  /** Begins the checks of a container that is about to run, if it has any. */
  void begins(@Nullable NamedContainer container) {
    HealthCheck check = container == null ? null : check(container);
    if (container != null && check != null) {
      TaskKey key = container.key();
      long run = container.progress().startedAt();
      monitor.watch(key, check, run, surroundings.files(key).health(), this);
    }
  }

  /** Goes on with the checks of a container that was found running when this service started. */
  void goesOn(NamedContainer container) {
    Tasks.Glance glance = check(container) == null ? null : tasks.glance(container.key());
    if (glance == null || !glance.running()) {
      return;
    }
    TaskKey key = container.key();
    // Nobody waits for the result of a probe that this service began before it was restarted.
    tasks.execs(key).stream().filter(ContainerHealth::isProbe).forEach(id -> takeAway(key, id));
    begins(container);
    if (tasks.exitOf(key) != null) {
      monitor.end(key);
    }
  }

  void ends(TaskKey key) {
    monitor.end(key);
  }

  void stop() {
    monitor.stop();
  }

  private static @Nullable HealthCheck check(NamedContainer container) {
    HealthSettings settings = container.described().config().health();
    return settings == null ? null : HealthCheck.of(settings);
  }

  /** Null for a container without a check, and for one that was never started. */
  @Nullable HealthState of(NamedContainer container) {
    TaskKey key = container.key();
    return check(container) == null ? null : monitor.state(key, surroundings.files(key).health());
  }

  @Override
  public @Nullable Result probe(TaskKey key, HealthCheck check) throws InterruptedException {
    NamedContainer container = containers.find(key);
    if (container == null || !isToBeProbed(key)) {
      return null;
    }
    Instant start = clock.instant();
    String execId = PREFIX + ContainerId.generate(random);
    Path output = surroundings.files(key).healthOutput();
    try {
      Files.deleteIfExists(output);
      begin(container, execId, check, output);
    } catch (BerthException.Unavailable | BerthException.Cancelled e) {
      LOG.log(Level.DEBUG, "probe {0}: {1}", key, e.getMessage());
      return null;
    } catch (IOException | BerthException e) {
      takeAway(key, execId);
      return isToBeProbed(key)
          ? Result.of(start, clock.instant(), Result.NOT_RUN, String.valueOf(e.getMessage()))
          : null;
    }
    try {
      Exit exit = tasks.await(key, execId, check.timeout());
      if (exit == null) {
        boolean counts = isToBeProbed(key);
        takeAway(key, execId);
        String late = "Health check exceeded timeout (" + text(check.timeout()) + ")";
        return counts ? Result.of(start, clock.instant(), Result.NOT_RUN, late) : null;
      }
      // When the process is deleted, all that it wrote is in the file.
      var _ = tasks.deleteProcess(key, execId);
      if (exit.status() == 128 + Signal.SIGKILL.number()
          && tasks.await(key, "", END_PATIENCE) != null) {
        return null;
      }
      return Result.of(start, clock.instant(), exit.status(), begin(output));
    } catch (BerthException.NotFound e) {
      // The container has ended, and its task went with it.
      return null;
    }
  }

  private boolean isToBeProbed(TaskKey key) {
    Tasks.Glance glance = tasks.glance(key);
    return glance != null && glance.running() && !glance.paused();
  }

  private void begin(NamedContainer container, String execId, HealthCheck check, Path output) {
    String log = LogDrivers.target(output, KEPT_OUTPUT, 1);
    ExecSettings wish = ExecSettings.unattended(container.name(), check.command());
    byte[] process = SpecJson.bytes(specs.of(container, wish));
    tasks.exec(
        container.key(),
        execId,
        new Stdio("", log, log, false),
        Anys.of(Anys.PROCESS, ByteString.copyFrom(process)));
    var _ = tasks.start(container.key(), execId);
  }

  private void takeAway(TaskKey key, String execId) {
    try {
      try {
        tasks.kill(key, execId, Signal.SIGKILL.number(), /* all= */ false);
        var _ = tasks.await(key, execId, KILL_PATIENCE);
      } catch (BerthException e) {
        LOG.log(Level.DEBUG, "kill probe {0} of {1}: {2}", execId, key, e.getMessage());
      }
      var _ = tasks.deleteProcess(key, execId);
    } catch (BerthException e) {
      LOG.log(Level.DEBUG, "take probe {0} of {1} away: {2}", execId, key, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private String begin(Path file) throws InterruptedException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    LogQuery all = new LogQuery(false, true, true, null, null, -1);
    new LogReader(file, all, clock, Sleeper.SYSTEM).read(() -> true, entry -> add(text, entry));
    byte[] bytes = text.toByteArray();
    return new String(bytes, 0, Math.min(bytes.length, SHOWN_OUTPUT), StandardCharsets.UTF_8);
  }

  private static void add(ByteArrayOutputStream text, LogEntry entry) {
    if (text.size() < SHOWN_OUTPUT) {
      text.writeBytes(entry.line());
      if (!entry.partial()) {
        text.write('\n');
      }
    }
  }

  /** A duration as docker writes it: {@code 30s}, {@code 1m30s}. */
  private static String text(Duration duration) {
    return duration.toString().substring("PT".length()).toLowerCase(Locale.ROOT);
  }

  @Override
  public void changed(TaskKey key, HealthState.Status status) {
    NamedContainer container = containers.find(key);
    if (container != null) {
      events.publish(
          key.namespace(), new Occurrence.HealthChanged(key.id(), container.name(), status.word()));
      surroundings.chronicle().tell(container, "health_status: " + status.word());
    }
  }
}
