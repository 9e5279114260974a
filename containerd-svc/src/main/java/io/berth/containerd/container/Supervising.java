package io.berth.containerd.container;

import io.berth.base.id.TaskKey;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.timing.Timings;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Set;

/** Ties containers to their tasks from this service's start to its stop. */
@Singleton
public final class Supervising {
  private final Tasks tasks;
  private final StartPreparation preparation;
  private final ContainerRuns runs;
  private final ContainerEndings endings;
  private final ContainerResumption resumption;
  private final Policies policies;
  private final Timings timings;
  private Set<TaskKey> left = Set.of();

  @Inject
  Supervising(
      Tasks tasks,
      StartPreparation preparation,
      ContainerRuns runs,
      ContainerEndings endings,
      ContainerResumption resumption,
      Policies policies,
      Timings timings) {
    this.tasks = tasks;
    this.preparation = preparation;
    this.runs = runs;
    this.endings = endings;
    this.resumption = resumption;
    this.policies = policies;
    this.timings = timings;
  }

  /** Called before tasks are looked for, so that no end is missed. */
  public void attend() {
    tasks.prepareWith(preparation);
    tasks.onInitExit((key, exit) -> timings.goOn(key, () -> endings.ended(key, exit)));
    left = runs.pending();
    resumption.attend();
  }

  /** Called when tasks are known and the socket answers. */
  public void resume() {
    preparation.readyHost();
    resumption.resume(left, runs::undoLeft);
    policies.start();
  }

  /** Containers are left as they are; no policy starts one any more. */
  public void stop() {
    policies.stop();
  }
}
