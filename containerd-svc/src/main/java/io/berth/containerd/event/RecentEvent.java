package io.berth.containerd.event;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Something that happened to a container, a volume or a network, in docker's words.
 *
 * @param namespace in which it happened; empty for what belongs to none
 * @param type {@code container}, {@code volume} or {@code network}
 * @param action {@code start}, {@code exec_create: sh -c x} and so on
 * @param actor id of a container or network, name of a volume
 * @param attributes what is told of it besides, labels among them
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

  public RecentEvent {
    attributes = Collections.unmodifiableMap(new TreeMap<>(attributes));
  }
}
