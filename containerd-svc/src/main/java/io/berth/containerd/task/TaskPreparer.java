package io.berth.containerd.task;

import io.berth.base.id.TaskKey;
import io.berth.containerd.metadata.ContainerRecord;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes what a container that this engine described needs before it can have a task, no matter
 * which client asks for the task.
 */
public interface TaskPreparer {
  /**
   * Makes a container ready. The calls that this takes can be repeated.
   *
   * @return null for a container that another client described
   */
  @Nullable Prepared prepare(TaskKey key, ContainerRecord record);

  /**
   * What was made for the task.
   *
   * @param links made in the task's folder, by name: what the specification names by a path that is
   *     the same at every start ({@code netns})
   * @param logUri where output goes if the client names nothing
   * @param ephemeral whether the container removes itself
   */
  record Prepared(Map<String, Path> links, String logUri, boolean ephemeral) {
    public Prepared {
      links = Map.copyOf(links);
    }
  }
}
