package io.berth.containerd.container;

import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** Ties containers to their tasks from this service's start to its stop. */
@Singleton
public final class Supervising {
  private final Tasks tasks;
  private final StartPreparation preparation;
  private final ContainerEndings endings;
  private final ContainerResumption resumption;
  private final ContainerHealth health;
  private final BackgroundWork background;

  @Inject
  Supervising(
      Tasks tasks,
      StartPreparation preparation,
      ContainerEndings endings,
      ContainerResumption resumption,
      ContainerHealth health,
      BackgroundWork background) {
    this.tasks = tasks;
    this.preparation = preparation;
    this.endings = endings;
    this.resumption = resumption;
    this.health = health;
    this.background = background;
  }

  /** Called before tasks are looked for, so that no end is missed. */
  public void attend() {
    tasks.prepareWith(preparation);
    tasks.onInitExit(endings::ended);
  }

  /** Called when tasks are known and the socket answers. */
  public void resume() {
    resumption.resume();
  }

  /** Containers are left as they are; no policy starts one any more. */
  public void stop() {
    background.stop();
    health.stop();
  }
}
