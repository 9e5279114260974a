package io.berth.base.id;

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
