package io.berth.containerd.event;

import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;

/** The rule for topics that clients make up; an {@link Occurrence} knows its own. */
public final class Topics {
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
