package io.berth.containerd.event;

import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;

/**
 * The topics of events as containerd names them, and the rule for topics that clients make up. An
 * {@link Occurrence} knows its own.
 */
public final class Topics {
  public static final String CONTAINER_CREATE = "/containers/create";
  public static final String CONTAINER_UPDATE = "/containers/update";
  public static final String CONTAINER_HEALTH = "/containers/health_status";
  public static final String CONTAINER_DELETE = "/containers/delete";
  public static final String NAMESPACE_CREATE = "/namespaces/create";
  public static final String NAMESPACE_UPDATE = "/namespaces/update";
  public static final String NAMESPACE_DELETE = "/namespaces/delete";
  public static final String TASK_CREATE = "/tasks/create";
  public static final String TASK_START = "/tasks/start";
  public static final String TASK_EXEC_ADDED = "/tasks/exec-added";
  public static final String TASK_EXEC_STARTED = "/tasks/exec-started";
  public static final String TASK_EXIT = "/tasks/exit";
  public static final String TASK_DELETE = "/tasks/delete";
  public static final String TASK_OOM = "/tasks/oom";
  public static final String TASK_PAUSED = "/tasks/paused";
  public static final String TASK_RESUMED = "/tasks/resumed";

  private Topics() {}

  /**
   * Checks a topic that a client sent: a slash, then identifiers with slashes between them.
   *
   * @return the topic itself; INVALID_ARGUMENT if it breaks the rule
   */
  public static String check(String topic) {
    if (!topic.startsWith("/") || topic.length() == 1) {
      throw new BerthException.InvalidArgument("topic \"" + cut(topic) + "\" must start with '/'");
    }
    for (String component : topic.substring(1).split("/", -1)) {
      try {
        Identifier.check(component);
      } catch (BerthException.InvalidArgument e) {
        throw new BerthException.InvalidArgument(
            "topic \"" + cut(topic) + "\": " + e.getMessage(), e);
      }
    }
    return topic;
  }

  private static String cut(String text) {
    return text.length() <= 100 ? text : text.substring(0, 100) + "...";
  }
}
