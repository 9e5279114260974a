package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.Health;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.time.Timestamps;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
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

  @Inject
  ContainerView(
      Tasks tasks,
      ContainerUpkeep upkeep,
      ContainerRemoval removal,
      Surroundings surroundings,
      ContainerHealth health,
      BackgroundWork background) {
    this.tasks = tasks;
    this.upkeep = upkeep;
    this.removal = removal;
    this.surroundings = surroundings;
    this.health = health;
    this.background = background;
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
    String waitsFor = background.why(key);
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
