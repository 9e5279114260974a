package io.berth.containerd.event;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Something that happened to a container, a volume or a network, in docker's words. Of long texts
 * it holds the beginning, because events are kept, and wait for watchers, by their number: the
 * command of an exec may have many megabytes, and so may labels.
 *
 * @param namespace in which it happened; empty for what belongs to none
 * @param type {@code container}, {@code volume} or {@code network}
 * @param action {@code start}, {@code exec_create: sh -c x} and so on
 * @param actor id of a container or network, name of a volume
 * @param attributes what is told of it besides, labels among them, in the order in which it counts:
 *     what there is no room for is left out
 */
public record RecentEvent(
    String namespace,
    String type,
    String action,
    String actor,
    Map<String, String> attributes,
    Instant at) {
  /** The type of what happens to containers. */
  public static final String CONTAINER = "container";

  /** The type of what happens to networks. */
  public static final String NETWORK = "network";

  /** The type of what happens to volumes. */
  public static final String VOLUME = "volume";

  /** How many characters of one text are held. */
  static final int TEXT = 4096;

  /** How many characters all attributes of an event may have together. */
  static final int ATTRIBUTES = 4 * TEXT;

  public RecentEvent {
    action = cut(action);
    attributes = Collections.unmodifiableMap(fitting(attributes));
  }

  private static String cut(String text) {
    if (text.length() <= TEXT) {
      return text;
    }
    int end = TEXT - 1;
    // No character is cut in its middle.
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end) + "…";
  }

  private static Map<String, String> fitting(Map<String, String> attributes) {
    Map<String, String> result = new TreeMap<>();
    int room = ATTRIBUTES;
    for (Map.Entry<String, String> attribute : attributes.entrySet()) {
      String value = cut(attribute.getValue());
      int size = attribute.getKey().length() + value.length();
      if (size <= room) {
        result.put(attribute.getKey(), value);
        room -= size;
      }
    }
    return result;
  }
}
