package io.berth.containerd.container;

import com.google.protobuf.Any;
import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.settings.StreamSettings;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.timing.Timing;
import io.berth.containerd.timing.Timings;
import io.berth.linux.Signal;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Leads from a container to its running task, whether a person or a policy wants it to run. What a
 * failure means is for the caller to record. The caller holds the container's lock.
 */
@Singleton
final class ContainerLaunch {
  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final ContainerHealth health;
  private final Gates gates;
  private final Tasks tasks;
  private final InstantSource clock;
  private final Timings timings;

  @Inject
  ContainerLaunch(
      NamedContainers containers,
      Surroundings surroundings,
      ContainerHealth health,
      Gates gates,
      Tasks tasks,
      InstantSource clock,
      Timings timings) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.health = health;
    this.gates = gates;
    this.tasks = tasks;
    this.clock = clock;
    this.timings = timings;
  }

  boolean isRunning(TaskKey key) {
    Tasks.Glance glance = tasks.glance(key);
    return glance != null && glance.running();
  }

  /** Somebody takes the streams of a container. */
  void attached(NamedContainer container) {
    surroundings.chronicle().tell(container, "attach");
  }

  /**
   * Makes the task, whose program does not run yet, and answers the pid.
   *
   * @param attach lets a client attach from then on
   */
  int create(NamedContainer container, @Nullable AttachToken attach) {
    return timings.start(
        container.key(), () -> Timing.step("make its task", () -> makeTask(container, attach)));
  }

  private int makeTask(NamedContainer container, @Nullable AttachToken attach) {
    TaskKey key = container.key();
    gates.shut(key, "run container `" + container.name() + "`: somebody else has started it");
    if (tasks.isPresent(key)) {
      // A task that nobody started, or of a start that nobody finished, is in the way.
      var _ = tasks.delete(key);
    }
    RootFilesystem root = container.described().root();
    List<RootfsMount> mounts =
        root.isSnapshot() ? surroundings.images().mounts(key.namespace(), root) : List.of();
    StreamSettings streams = container.described().config().streams();
    Stdio stdio =
        new Stdio(streams.openInput() ? "berth-attach:///" : "", "", "", streams.terminal());
    return tasks.create(
        new Tasks.Creation(key, mounts, stdio, Any.getDefaultInstance(), "", attach));
  }

  /**
   * Lets the program of a created task run; a task whose program cannot run is taken away.
   *
   * @param counted what is recorded beside the start
   */
  void begin(TaskKey key, UnaryOperator<Progress> counted) {
    Instant now = clock.instant();
    NamedContainer container = containers.progress(key, old -> counted.apply(old.started(now)));
    health.begins(container);
    if (container != null) {
      surroundings.chronicle().starting(container);
    }
    try {
      var _ = Timing.step("let it run", () -> tasks.start(key, ""));
    } catch (RuntimeException | Error e) {
      surroundings.chronicle().notStarted(key);
      health.ends(key);
      try {
        tasks.kill(key, "", Signal.SIGKILL.number(), true);
        var _ = tasks.delete(key);
      } catch (BerthException undo) {
        e.addSuppressed(undo);
      }
      throw e;
    }
    if (container != null) {
      surroundings.chronicle().started(container);
    }
  }
}
