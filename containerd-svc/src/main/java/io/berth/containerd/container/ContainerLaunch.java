package io.berth.containerd.container;

import com.google.protobuf.Any;
import io.berth.api.berth.container.v1.Config;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.containerd.task.Tasks;
import io.berth.linux.Signal;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The one way from a container to its running task, whoever asks for it. What a failure means is
 * for the caller to record. The container's lock is held.
 */
@Singleton
final class ContainerLaunch {
  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final ContainerHealth health;
  private final Tasks tasks;
  private final InstantSource clock;

  @Inject
  ContainerLaunch(
      NamedContainers containers,
      Surroundings surroundings,
      ContainerHealth health,
      Tasks tasks,
      InstantSource clock) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.health = health;
    this.tasks = tasks;
    this.clock = clock;
  }

  boolean isRunning(TaskKey key) {
    Tasks.Glance glance = tasks.glance(key);
    return glance != null && glance.running();
  }

  /** The task up to its gate; answers its pid. */
  int create(NamedContainer container) {
    TaskKey key = container.key();
    if (tasks.isPresent(key)) {
      // CD-11: left from a start that nobody finished.
      var _ = tasks.delete(key);
    }
    String snapshot = container.described().getSnapshotKey();
    List<RootfsMount> mounts =
        snapshot.isEmpty()
            ? List.of()
            : surroundings
                .images()
                .mounts(key.namespace(), container.described().getSnapshotter(), snapshot);
    Config config = container.described().getConfig();
    Stdio stdio =
        new Stdio(config.getOpenStdin() ? "berth-attach:///" : "", "", "", config.getTty());
    return tasks.create(new Tasks.Creation(key, mounts, stdio, Any.getDefaultInstance(), ""));
  }

  /**
   * Lets a created task run; one that cannot is taken away.
   *
   * @param counted what is put on record beside the start
   */
  void begin(TaskKey key, UnaryOperator<Progress> counted) {
    Instant now = clock.instant();
    health.begins(containers.progress(key, old -> counted.apply(old.started(now))));
    try {
      var _ = tasks.start(key, "");
    } catch (BerthException e) {
      health.ends(key);
      try {
        tasks.kill(key, "", Signal.SIGKILL.number(), true);
        var _ = tasks.delete(key);
      } catch (BerthException undo) {
        e.addSuppressed(undo);
      }
      throw e;
    }
  }
}
