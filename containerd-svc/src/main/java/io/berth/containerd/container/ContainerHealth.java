package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.Health;
import io.berth.api.berth.container.v1.HealthResult;
import io.berth.api.berth.container.v1.HealthStatus;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Topics;
import io.berth.containerd.health.HealthCheck;
import io.berth.containerd.health.HealthMonitor;
import io.berth.containerd.health.HealthState;
import io.berth.containerd.health.HealthState.Result;
import io.berth.containerd.health.Prober;
import io.berth.containerd.log.LogEntry;
import io.berth.containerd.log.LogQuery;
import io.berth.containerd.log.LogReader;
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
import org.jspecify.annotations.Nullable;

/** Health checks as processes run in containers. Rows MB-45, MB-112. */
@Singleton
final class ContainerHealth implements Prober {
  private static final Logger LOG = System.getLogger(ContainerHealth.class.getName());

  /** Ids of such processes: they are the engine's own, not a person's. */
  private static final String PREFIX = "health-";

  private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

  /** How long after a killed probe the container's own end may be told. */
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

  /** Whether the exec with this id is a probe. */
  static boolean isProbe(String execId) {
    return execId.startsWith(PREFIX);
  }

  /** Of a container that is about to run, if it has a check. */
  void begins(@Nullable NamedContainer container) {
    HealthCheck check = container == null ? null : check(container);
    if (container != null && check != null) {
      TaskKey key = container.key();
      long run = container.progress().startedAt();
      monitor.watch(key, check, run, surroundings.files(key).health(), this);
    }
  }

  /** Of one that was found running after a start of this service. */
  void goesOn(NamedContainer container) {
    Tasks.Glance glance = check(container) == null ? null : tasks.glance(container.key());
    if (glance == null || !glance.running()) {
      return;
    }
    TaskKey key = container.key();
    // What the service's predecessor began tells nobody any more.
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
    return container.described().getConfig().hasHealth()
        ? HealthCheck.of(container.described().getConfig().getHealth())
        : null;
  }

  /** Null for a container without a check, and for one that was never started. */
  @Nullable Health of(NamedContainer container) {
    TaskKey key = container.key();
    HealthState state =
        check(container) == null ? null : monitor.state(key, surroundings.files(key).health());
    if (state == null) {
      return null;
    }
    Health.Builder result =
        Health.newBuilder()
            .setStatus(state.status().word())
            .setFailingStreak(state.failingStreak());
    for (Result each : state.log()) {
      result.addLog(
          HealthResult.newBuilder()
              .setStart(Timestamps.of(Progress.instant(each.start())))
              .setEnd(Timestamps.of(Progress.instant(each.end())))
              .setExitCode(each.exitCode())
              .setOutput(each.output()));
    }
    return result.build();
  }

  // --- one probe

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
      // All that it wrote is in the file then.
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
    String log = ContainerFiles.logUri(output, KEPT_OUTPUT, 1);
    ExecCreateRequest wish =
        ExecCreateRequest.newBuilder().setRef(container.name()).addAllCmd(check.command()).build();
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
    new LogReader(file, all, clock, Thread::sleep).read(() -> true, entry -> add(text, entry));
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

  /** {@code 30s}, {@code 1m30s}. */
  private static String text(Duration duration) {
    return duration.toString().substring("PT".length()).toLowerCase(java.util.Locale.ROOT);
  }

  @Override
  public void changed(TaskKey key, HealthState.Status status) {
    NamedContainer container = containers.find(key);
    if (container != null) {
      events.publish(
          key.namespace(),
          Topics.CONTAINER_HEALTH,
          HealthStatus.newBuilder()
              .setContainerId(key.id())
              .setName(container.name())
              .setStatus(status.word())
              .build());
    }
  }
}
