package io.berth.containerd.event;

import io.berth.base.text.ListFilters;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Which recent events somebody wants, in the words of docker's filters: the values of a key are
 * alternatives, but for labels; an object is meant by the beginning of its name or id.
 */
public final class RecentEventFilter {
  private static final String EVENT = "event";
  private static final String TYPE = "type";
  private static final String SCOPE = "scope";
  private static final String DAEMON = "daemon";

  /** Objects that are found by the beginning of an id or name. */
  private static final List<String> OBJECTS =
      List.of(RecentEvent.CONTAINER, RecentEvent.VOLUME, RecentEvent.NETWORK, DAEMON);

  /** The actions that go on behind a colon; where one is wanted, beginnings fit. */
  private static final Set<String> LONG = Set.of("health_status", "exec_create", "exec_start");

  private static final List<String> KEYS =
      List.of(
          RecentEvent.CONTAINER,
          DAEMON,
          EVENT,
          RecentEvent.IMAGE,
          ListFilters.LABEL,
          RecentEvent.NETWORK,
          SCOPE,
          TYPE,
          RecentEvent.VOLUME);

  private final ListFilters filters;
  private final boolean beginnings;

  private RecentEventFilter(ListFilters filters) {
    this.filters = filters;
    this.beginnings = filters.values(EVENT).stream().anyMatch(LONG::contains);
  }

  /** Reads filters {@code KEY=VALUE}; INVALID_ARGUMENT for a key that there is not. */
  public static RecentEventFilter of(List<String> words) {
    return new RecentEventFilter(ListFilters.parse("events", words, KEYS));
  }

  boolean fits(RecentEvent what) {
    Predicate<String> action =
        wanted -> beginnings ? what.action().startsWith(wanted) : what.action().equals(wanted);
    return filters.any(EVENT, action)
        && filters.any(TYPE, what.type()::equals)
        && filters.any(SCOPE, "local"::equals)
        && OBJECTS.stream().allMatch(object -> filters.any(object, wanted -> names(what, wanted)))
        && filters.any(RecentEvent.IMAGE, wanted -> isImage(what, wanted))
        && filters.fitsLabels(what.attributes());
  }

  private static boolean names(RecentEvent what, String wanted) {
    return what.actor().startsWith(wanted)
        || what.attributes().getOrDefault("name", "").startsWith(wanted);
  }

  // An image is meant with its tag, and without one whatever the tag. What happens to an image has
  // its name, and what happens to a container the one of its image.
  private static boolean isImage(RecentEvent what, String wanted) {
    String attribute = what.type().equals(RecentEvent.IMAGE) ? "name" : RecentEvent.IMAGE;
    String image = what.attributes().getOrDefault(attribute, "");
    return List.of(what.actor(), image, untagged(what.actor()), untagged(image)).contains(wanted);
  }

  private static String untagged(String image) {
    int colon = image.lastIndexOf(':');
    return colon > image.lastIndexOf('/') ? image.substring(0, colon) : image;
  }
}
