package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Timestamps;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * {@code key=value} filters as docker has them: of one key any must fit, of different keys all;
 * labels must all fit. Pure.
 */
final class ListFilters {
  private static final Set<String> KEYS =
      Set.of(
          "id",
          "name",
          "label",
          "label!",
          "status",
          "health",
          "exited",
          "ancestor",
          "volume",
          "network",
          "before",
          "since",
          "until");

  private final Map<String, List<String>> wanted;
  private final Map<String, Instant> moments = new LinkedHashMap<>();

  private ListFilters(Map<String, List<String>> wanted) {
    this.wanted = wanted;
  }

  /**
   * INVALID_ARGUMENT for an unknown key.
   *
   * @param createdOf when the container that a word means was made, as ISO 8601
   * @param now for ages
   */
  static ListFilters parse(List<String> filters, UnaryOperator<String> createdOf, Instant now) {
    Map<String, List<String>> wanted = new LinkedHashMap<>();
    for (String filter : filters) {
      int equals = filter.indexOf('=');
      if (equals <= 0) {
        throw new BerthException.InvalidArgument("filter `" + filter + "`: write key=value");
      }
      String key = filter.substring(0, equals);
      if (!KEYS.contains(key)) {
        throw new BerthException.InvalidArgument(
            "filter `"
                + filter
                + "`: there is no such key; there are "
                + String.join(", ", KEYS.stream().sorted().toList()));
      }
      wanted.computeIfAbsent(key, _ -> new ArrayList<>()).add(filter.substring(equals + 1));
    }
    ListFilters result = new ListFilters(wanted);
    for (String key : List.of("before", "since")) {
      for (String ref : wanted.getOrDefault(key, List.of())) {
        result.moments.put(key + "=" + ref, Instant.parse(createdOf.apply(ref)));
      }
    }
    for (String until : wanted.getOrDefault("until", List.of())) {
      result.moments.put("until=" + until, moment(until, now));
    }
    return result;
  }

  private static Instant moment(String text, Instant now) {
    try {
      return text.contains("T")
          ? Instant.parse(text)
          : text.matches("\\d+")
              ? Instant.ofEpochSecond(Long.parseLong(text))
              : now.minus(Duration.parse("PT" + text.toUpperCase(Locale.ROOT)));
    } catch (DateTimeException e) {
      throw new BerthException.InvalidArgument(
          "filter `until=" + text + "`: neither a time nor an age such as 10m", e);
    }
  }

  /** Whether states other than running are asked for. */
  boolean namesStates() {
    return wanted.containsKey("status") || wanted.containsKey("exited");
  }

  boolean matches(Container container) {
    return wanted.entrySet().stream()
        .allMatch(entry ->
            entry.getKey().startsWith("label")
                ? entry.getValue().stream()
                    .allMatch(value -> label(container, value) == entry.getKey().equals("label"))
                : entry.getValue().stream()
                    .anyMatch(value -> one(container, entry.getKey(), value)));
  }

  private boolean one(Container container, String key, String value) {
    Instant created = Timestamps.instant(container.getCreatedAt());
    return switch (key) {
      case "id" -> container.getId().startsWith(value);
      case "name" -> name(container.getName(), value);
      case "status" -> word(container.getState().getState()).equals(value);
      case "health" -> health(container.getState()).equals(value);
      case "exited" ->
          container.getState().getState() == State.STATE_EXITED
              && Integer.toUnsignedString(container.getState().getExitCode()).equals(value);
      case "ancestor" -> ancestor(container, value);
      case "volume" ->
          container.getHost().getMountsList().stream().anyMatch(mount -> volume(mount, value));
      case "network" -> container.getNetwork().getMode().equals(value);
      case "before", "until" -> created.isBefore(at(key, value));
      case "since" -> created.isAfter(at(key, value));
      default -> false;
    };
  }

  private static String health(StateInfo state) {
    return state.hasHealth() ? state.getHealth().getStatus() : "none";
  }

  private Instant at(String key, String value) {
    Instant moment = moments.get(key + "=" + value);
    if (moment == null) {
      throw new IllegalStateException("filter " + key + " was not resolved");
    }
    return moment;
  }

  private static boolean name(String name, String value) {
    try {
      return Pattern.compile(value).matcher(name).find();
    } catch (PatternSyntaxException e) {
      return name.contains(value);
    }
  }

  private static boolean ancestor(Container container, String value) {
    String image = container.getImage();
    return image.equals(value)
        || image.startsWith(value + ":")
        || image.endsWith("/" + value)
        || image.contains("/" + value + ":")
        || container.getImageId().equals(value)
        || (value.length() >= 6 && container.getImageId().startsWith("sha256:" + value));
  }

  private static boolean volume(Mount mount, String value) {
    return mount.getSource().equals(value) || mount.getTarget().equals(value);
  }

  private static boolean label(Container container, String value) {
    int equals = value.indexOf('=');
    Map<String, String> labels = container.getConfig().getLabelsMap();
    return equals < 0
        ? labels.containsKey(value)
        : value.substring(equals + 1).equals(labels.get(value.substring(0, equals)));
  }

  /** As people write it. */
  static String word(State state) {
    String name = state.name();
    return name.substring("STATE_".length()).toLowerCase(Locale.ROOT);
  }
}
