package io.berth.containerd.event;

import io.berth.base.text.EventTexts;
import java.time.Instant;
import java.util.Collections;
import java.util.Map;

/**
 * Something that happened to a container, an image, a volume or a network, in docker's words. Of
 * long texts it holds the beginning, see {@link EventTexts}.
 *
 * @param namespace in which it happened; empty for what belongs to none
 * @param type {@code container}, {@code image}, {@code volume} or {@code network}
 * @param action {@code start}, {@code exec_create: sh -c x} and so on
 * @param actor id of a container, image or network, name of a volume; empty for what is about
 *     several
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

  /** The type of what happens to images. */
  public static final String IMAGE = "image";

  public RecentEvent {
    action = EventTexts.cut(action);
    attributes = Collections.unmodifiableMap(EventTexts.fitting(attributes));
  }
}
