package io.berth.containerd.task;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.id.TaskKey;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.metadata.NamespaceTable;
import jakarta.inject.Inject;

/**
 * Which tasks get a shim process of their own: the container's label decides, else its namespace's,
 * else the configuration. The value {@code container} asks for one, {@code pool} does not.
 * Thread-safe.
 */
final class Isolation {
  private final Config config;
  private final ContainerRecords records;
  private final NamespaceTable namespaces;

  @Inject
  Isolation(Config config, ContainerRecords records, NamespaceTable namespaces) {
    this.config = config;
    this.records = records;
    this.namespaces = namespaces;
  }

  boolean isExclusive(ContainerRecord container, String namespace) {
    String wish = container.labels().get(Tasks.ISOLATION_LABEL);
    if (wish == null) {
      wish = namespaces.labels(namespace).get(NamespaceTable.ISOLATION_LABEL);
    }
    if (wish == null) {
      wish = config.text(Key.SHIM_ISOLATION);
    }
    return wish.equals("container");
  }

  /** The same of a container by its name; false if it has no record any more. */
  boolean isExclusive(TaskKey key) {
    return records.contains(key) && isExclusive(records.get(key), key.namespace());
  }
}
