package io.berth.base.id;

import java.nio.file.Path;

/** What names a task: namespace and container id. Both are checked identifiers. */
public record TaskKey(String namespace, String id) implements Comparable<TaskKey> {
  public TaskKey {
    Identifier.check(namespace);
    Identifier.check(id);
  }

  /** 12 hex digits: short, for a socket path ends at 107 bytes (unix(7)). */
  public String hex() {
    return Digest.sha256(namespace + "/" + id).hex().substring(0, 12);
  }

  /** The task's folder under a state folder. */
  public Path folder(Path state) {
    return state.resolve("t").resolve(hex());
  }

  /** The container's own files under a root folder: log, hosts, hostname, resolv.conf. */
  public Path files(Path root) {
    return root.resolve("containers").resolve(namespace).resolve(id);
  }

  @Override
  public int compareTo(TaskKey other) {
    int byNamespace = namespace.compareTo(other.namespace);
    return byNamespace != 0 ? byNamespace : id.compareTo(other.id);
  }

  @Override
  public String toString() {
    return namespace + "/" + id;
  }
}
