package io.berth.containerd.container;

import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** Ties containers to their tasks: from the service's start to its stop. */
@Singleton
public final class Supervising {
  private final Tasks tasks;
  private final StartPreparation preparation;
  private final ContainerUpkeep upkeep;

  @Inject
  Supervising(Tasks tasks, StartPreparation preparation, ContainerUpkeep upkeep) {
    this.tasks = tasks;
    this.preparation = preparation;
    this.upkeep = upkeep;
  }

  /** Before tasks are looked for: no end is missed. */
  public void attend() {
    tasks.prepareWith(preparation);
    tasks.onInitExit(upkeep::ended);
  }

  /** When tasks are known and the socket answers. */
  public void resume() {
    upkeep.resume();
  }

  /** Containers are left as they are; no policy starts one any more. */
  public void stop() {
    upkeep.stop();
  }
}
