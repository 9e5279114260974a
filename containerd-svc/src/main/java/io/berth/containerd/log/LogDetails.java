package io.berth.containerd.log;

import io.berth.base.error.BerthException;
import io.berth.base.text.ClientPattern;
import io.berth.containerd.settings.ContainerDescription;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What every line of a container's log carries besides its text: labels and variables of the
 * container that its log options choose, and a tag. It is the same for all lines, and is told
 * beside them.
 */
public final class LogDetails {
  private static final String TAG = "tag";
  private static final String LABELS = "labels";
  private static final String LABELS_REGEX = "labels-regex";
  private static final String ENV = "env";
  private static final String ENV_REGEX = "env-regex";
  private static final List<String> KEYS = List.of(TAG, LABELS, LABELS_REGEX, ENV, ENV_REGEX);

  private static final Pattern FIELD = Pattern.compile("\\{\\{\\s*\\.([A-Za-z]+)\\s*}}");
  private static final int SHORT_ID = 12;

  private LogDetails() {}

  /** INVALID_ARGUMENT for an option that there is not, and for one that cannot be read. */
  public static void check(Map<String, String> options) {
    options.forEach((key, value) -> {
      if (!KEYS.contains(key)) {
        throw new BerthException.InvalidArgument(
            "log option `"
                + key
                + "`: not known; there are max-size, max-file, "
                + String.join(", ", KEYS));
      }
      switch (key) {
        case LABELS_REGEX, ENV_REGEX -> {
          var _ = pattern(key, value);
        }
        case TAG -> {
          String rest = FIELD.matcher(value).replaceAll("");
          if (rest.contains("{{") || rest.contains("}}")) {
            throw badTag(value);
          }
          FIELD
              .matcher(value)
              .results()
              .forEach(field -> {
                if (!isField(field.group(1))) {
                  throw badTag(value);
                }
              });
        }
        default -> {
          // A list of names; one that the container has not is no fault.
        }
      }
    });
  }

  private static BerthException badTag(String value) {
    return new BerthException.InvalidArgument(
        "log option tag `"
            + value
            + "`: write text with {{.ID}}, {{.FullID}}, {{.Name}}, {{.ImageName}}, {{.ImageID}},"
            + " {{.ImageFullID}}, {{.Command}} or {{.DaemonName}}");
  }

  private static ClientPattern pattern(String key, String value) {
    try {
      return ClientPattern.of(value);
    } catch (PatternSyntaxException e) {
      throw new BerthException.InvalidArgument(
          "log option " + key + " `" + value + "`: is no regular expression", e);
    }
  }

  /** What the lines of a container's log carry, sorted by name. */
  public static SortedMap<String, String> of(ContainerDescription container) {
    Map<String, String> options = container.host().log().options();
    SortedMap<String, String> details = new TreeMap<>();
    Predicate<String> labels = chosen(options, LABELS, LABELS_REGEX);
    container
        .config()
        .labels()
        .forEach((name, value) -> {
          if (labels.test(name)) {
            details.put(name, value);
          }
        });
    Predicate<String> variables = chosen(options, ENV, ENV_REGEX);
    for (String entry : container.config().environment()) {
      int equals = entry.indexOf('=');
      if (equals > 0 && variables.test(entry.substring(0, equals))) {
        details.put(entry.substring(0, equals), entry.substring(equals + 1));
      }
    }
    String tag = options.getOrDefault(TAG, "");
    if (!tag.isEmpty()) {
      details.put(
          TAG,
          FIELD
              .matcher(tag)
              .replaceAll(field -> Matcher.quoteReplacement(field(field.group(1), container))));
    }
    return details;
  }

  private static Predicate<String> chosen(
      Map<String, String> options, String names, String expression) {
    Set<String> listed =
        Stream.of(options.getOrDefault(names, "").split(","))
            .map(String::strip)
            .collect(Collectors.toSet());
    String fitting = options.getOrDefault(expression, "");
    if (fitting.isEmpty()) {
      return listed::contains;
    }
    ClientPattern pattern = pattern(expression, fitting);
    return name -> listed.contains(name) || pattern.finds(name);
  }

  private static boolean isField(String name) {
    return switch (name) {
      case "ID", "FullID", "Name", "ImageName", "ImageID", "ImageFullID", "Command", "DaemonName" ->
          true;
      default -> false;
    };
  }

  private static String field(String name, ContainerDescription container) {
    String id = container.key().id();
    String image = container.imageId().replaceFirst("^[a-z0-9]+:", "");
    return switch (name) {
      case "ID" -> shortened(id);
      case "FullID" -> id;
      case "Name" -> container.name();
      case "ImageName" -> container.image();
      case "ImageID" -> shortened(image);
      case "ImageFullID" -> container.imageId();
      case "Command" -> String.join(" ", container.commandLine());
      default -> "berth";
    };
  }

  private static String shortened(String id) {
    return id.substring(0, Math.min(id.length(), SHORT_ID));
  }
}
