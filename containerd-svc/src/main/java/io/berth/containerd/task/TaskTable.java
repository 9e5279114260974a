package io.berth.containerd.task;

import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.StateFolders;
import io.berth.base.layout.TaskFolder;
import io.berth.containerd.metadata.ContainerRecords;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The tasks of this instance by name. Thread-safe. */
@Singleton
final class TaskTable {
  private final StateFolders folders;
  private final ContainerRecords records;
  private final Map<TaskKey, Task> tasks = new ConcurrentHashMap<>();

  @Inject
  TaskTable(Config config, ContainerRecords records) {
    this.folders = new StateFolders(config.state());
    this.records = records;
  }

  /** Where the folder of a task of this name is, whether there is one or not. */
  TaskFolder folder(TaskKey key) {
    return folders.task(key);
  }

  /** Also one that is being created; null if there is none. */
  @Nullable Task find(TaskKey key) {
    return tasks.get(key);
  }

  /** NOT_FOUND for a container without a task, and for no container. */
  Task get(TaskKey key) {
    Task task = tasks.get(key);
    if (task == null || task.isCreating()) {
      var _ = records.get(key);
      throw new BerthException.NotFound("task " + key.id());
    }
    return task;
  }

  /** False if the container has a task. */
  boolean add(Task task) {
    return tasks.putIfAbsent(task.key(), task) == null;
  }

  void remove(Task task) {
    tasks.remove(task.key(), task);
  }

  /** Names of those of a namespace, by id. */
  List<TaskKey> keys(String namespace) {
    return tasks.keySet().stream()
        .filter(key -> key.namespace().equals(namespace))
        .sorted()
        .toList();
  }
}
