package io.berth.containerd.task;

import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.base.id.TaskKey;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What a container of our own needs before its task can be made, whoever asks for the task. */
public interface TaskPreparer {
  /**
   * Makes it ready, by idempotent calls.
   *
   * @return null for a container that another client described
   */
  @Nullable Prepared prepare(TaskKey key, Container record);

  /** The task is there. */
  default void taskStarted(TaskKey key, int pid) {}

  /**
   * What it made.
   *
   * @param netns what the task's `netns` link points at, or null
   * @param logUri where output goes if the client names nothing
   */
  record Prepared(@Nullable Path netns, String logUri, boolean ephemeral) {}
}
