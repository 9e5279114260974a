package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.containerd.health.HealthState;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.Mount;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Filters {@code key=value} as docker has them: of the filters of one key any must fit, except that
 * labels must all fit; every key must fit. Immutable.
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
   * Reads filters. INVALID_ARGUMENT for an unknown key.
   *
   * @param createdOf tells when the container was made that a word means
   * @param now from which ages are counted
   */
  static ListFilters parse(List<String> filters, Function<String, Instant> createdOf, Instant now) {
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
        result.moments.put(key + "=" + ref, createdOf.apply(ref));
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

  boolean matches(ContainerStatus container) {
    return wanted.entrySet().stream()
        .allMatch(entry ->
            entry.getKey().startsWith("label")
                ? entry.getValue().stream()
                    .allMatch(value -> label(container, value) == entry.getKey().equals("label"))
                : entry.getValue().stream()
                    .anyMatch(value -> one(container, entry.getKey(), value)));
  }

  private boolean one(ContainerStatus container, String key, String value) {
    ContainerDescription described = container.described();
    Instant created = described.createdAt();
    return switch (key) {
      case "id" -> described.key().id().startsWith(value);
      case "name" -> name(described.name(), value);
      case "status" -> container.state().word().equals(value);
      case "health" -> health(container.run()).equals(value);
      case "exited" ->
          container.state() == RunState.EXITED
              && Integer.toUnsignedString(container.run().exitCode()).equals(value);
      case "ancestor" -> ancestor(described, value);
      case "volume" ->
          described.host().storage().mounts().stream().anyMatch(mount -> volume(mount, value));
      case "network" -> described.network().mode().equals(value);
      case "before", "until" -> created.isBefore(at(key, value));
      case "since" -> created.isAfter(at(key, value));
      default -> false;
    };
  }

  private static String health(ContainerStatus.Run run) {
    HealthState health = run.health();
    return health == null ? "none" : health.status().word();
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

  private static boolean ancestor(ContainerDescription container, String value) {
    String image = container.image();
    return image.equals(value)
        || image.startsWith(value + ":")
        || image.endsWith("/" + value)
        || image.contains("/" + value + ":")
        || container.imageId().equals(value)
        || (value.length() >= 6 && container.imageId().startsWith("sha256:" + value));
  }

  private static boolean volume(Mount mount, String value) {
    return mount.source().equals(value) || mount.target().equals(value);
  }

  private static boolean label(ContainerStatus container, String value) {
    int equals = value.indexOf('=');
    Map<String, String> labels = container.described().config().labels();
    return equals < 0
        ? labels.containsKey(value)
        : value.substring(equals + 1).equals(labels.get(value.substring(0, equals)));
  }
}
