package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.Health;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.api.containerd.types.Mount;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import io.berth.oci.runtime.RuntimeSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A container as clients see it: what is stored, and what its task is doing now. */
@Singleton
final class ContainerView {
  private final Tasks tasks;
  private final ContainerUpkeep upkeep;
  private final ContainerRemoval removal;
  private final Surroundings surroundings;
  private final ContainerHealth health;
  private final BackgroundWork background;
  private final ContainerRecords records;

  @Inject
  ContainerView(
      Tasks tasks,
      ContainerUpkeep upkeep,
      ContainerRemoval removal,
      Surroundings surroundings,
      ContainerHealth health,
      BackgroundWork background,
      ContainerRecords records) {
    this.tasks = tasks;
    this.upkeep = upkeep;
    this.removal = removal;
    this.surroundings = surroundings;
    this.health = health;
    this.background = background;
    this.records = records;
  }

  /** With everything that was asked for. */
  Container of(NamedContainer container, GetRequest request) {
    Container known = of(container, request.getSize());
    return request.getMounts() ? known.toBuilder().addAllMounts(mounts(container)).build() : known;
  }

  /**
   * What a start would mount that is more than a kernel's file system: what a person or the image
   * asked for, and the container's own files as far as they are made.
   */
  private List<Mount> mounts(NamedContainer container) {
    Set<String> asked =
        container.described().getHost().getMountsList().stream()
            .map(mount -> Path.of(mount.getTarget()).normalize().toString())
            .collect(Collectors.toSet());
    ContainerFiles files = surroundings.files(container.key());
    Set<String> own =
        Stream.of(files.hosts(), files.hostname(), files.resolvConf())
            .filter(Files::exists)
            .map(Path::toString)
            .collect(Collectors.toSet());
    RuntimeSpec spec =
        RuntimeSpec.read(
            records.get(container.key()).spec().getValue().toByteArray(),
            "specification of container `" + container.name() + "`");
    return spec.mounts().stream()
        .filter(mount -> asked.contains(mount.destination()) || own.contains(mount.source()))
        .map(mount ->
            Mount.newBuilder()
                .setType(mount.type())
                .setSource(mount.source())
                .setTarget(mount.destination())
                .addAllOptions(mount.options())
                .build())
        .toList();
  }

  Container of(NamedContainer container, boolean size) {
    TaskKey key = container.key();
    Tasks.Glance glance = tasks.glance(key);
    Progress progress = container.progress();
    Container.Builder result =
        container.described().toBuilder()
            .setState(state(container, glance))
            .setRestartCount(progress.restarts());
    if (glance == null || !glance.running()) {
      result.clearEndpoint();
    } else {
      result.addAllExecIds(execs(key));
    }
    if (size) {
      addSize(result, key);
    }
    return result.build();
  }

  private List<String> execs(TaskKey key) {
    try {
      return tasks.execs(key).stream().filter(id -> !ContainerHealth.isProbe(id)).toList();
    } catch (BerthException.NotFound e) {
      // It ended between two looks.
      return List.of();
    }
  }

  private void addSize(Container.Builder result, TaskKey key) {
    if (result.getSnapshotKey().isEmpty()) {
      return;
    }
    long own =
        surroundings
            .images()
            .size(key.namespace(), result.getSnapshotter(), result.getSnapshotKey());
    result.setSizeRw(own).setSizeRoot(own);
  }

  private StateInfo state(NamedContainer container, Tasks.@Nullable Glance glance) {
    TaskKey key = container.key();
    Progress progress = container.progress();
    boolean runs = glance != null && glance.running();
    // Who waited for a service tells so until its thread has ended; what runs waits for none.
    String waitsFor = runs ? "" : background.why(key);
    StateInfo.Builder info =
        StateInfo.newBuilder()
            .setState(stateOf(key, glance, progress))
            .setExitCode(progress.exitCode())
            .setError(waitsFor.isEmpty() ? progress.error() : waitsFor)
            .setOomKilled(progress.oomKilled());
    if (glance == null && progress.running()) {
      // It was cut off with the machine, and that is not recorded yet.
      info.setExitCode(Exit.UNKNOWN);
    }
    if (progress.wasStarted()) {
      info.setStartedAt(Timestamps.of(Progress.instant(progress.startedAt())));
    }
    if (progress.finishedAt() != 0) {
      info.setFinishedAt(Timestamps.of(Progress.instant(progress.finishedAt())));
    }
    Exit exit = glance == null ? null : glance.exit();
    if (exit != null) {
      info.setExitCode(exit.status())
          .setFinishedAt(Timestamps.of(exit.at()))
          .setOomKilled(exit.oomKilled());
    }
    if (glance != null && glance.running()) {
      info.setPid(glance.pid());
    }
    Health known = health.of(container);
    return known == null ? info.build() : info.setHealth(known).build();
  }

  private State stateOf(TaskKey key, Tasks.@Nullable Glance glance, Progress progress) {
    if (removal.isRemoving(key)) {
      return State.STATE_REMOVING;
    }
    if (glance != null && glance.running()) {
      return glance.paused() ? State.STATE_PAUSED : State.STATE_RUNNING;
    }
    if (upkeep.isRestarting(key)) {
      return State.STATE_RESTARTING;
    }
    // What could not be started has not run: its code and error are told, it stays created.
    return progress.wasStarted() ? State.STATE_EXITED : State.STATE_CREATED;
  }
}
