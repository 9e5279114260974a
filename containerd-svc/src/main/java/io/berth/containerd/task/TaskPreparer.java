package io.berth.containerd.task;

import io.berth.base.id.TaskKey;
import io.berth.containerd.metadata.ContainerRecord;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a container of our own needs before its task can be made, whoever asks for the task. */
public interface TaskPreparer {
  /**
   * Makes it ready, by idempotent calls.
   *
   * @return null for a container that another client described
   */
  @Nullable Prepared prepare(TaskKey key, ContainerRecord record);

  /**
   * What it made.
   *
   * @param links made in the task's folder, by name: what the specification names by a path that is
   *     the same at every start ({@code netns})
   * @param logUri where output goes if the client names nothing
   */
  record Prepared(Map<String, Path> links, String logUri, boolean ephemeral) {
    public Prepared {
      links = Map.copyOf(links);
    }
  }
}
