package io.berth.base.text;

import io.berth.base.error.BerthException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * What a list is narrowed by: filters {@code KEY=VALUE} as docker has them. Every key must fit. Of
 * the values of one key any will do, but for labels, which must all be there ({@code label}) or all
 * be absent ({@code label!}). Thread-safe; what it answers never changes.
 *
 * <p>Which keys and values there are is asked before anything is listed or removed: a filter that
 * fits nothing by mistake would be taken for an answer.
 */
public final class ListFilters {
  /** Things that are labelled so. */
  public static final String LABEL = "label";

  /** Things that are not labelled so. */
  public static final String NO_LABEL = "label!";

  /** Things that were made before a moment. */
  public static final String UNTIL = "until";

  private final Map<String, List<String>> values;

  /** Of values that were asked for: a list holds each of its things against the same one. */
  private final Map<String, Predicate<String>> patterns = new ConcurrentHashMap<>();

  private ListFilters(Map<String, List<String>> values) {
    this.values = values;
  }

  /**
   * Reads filters.
   *
   * @param objects what is listed, for the refusal of a key that they do not have
   * @param keys all that they have
   */
  public static ListFilters parse(String objects, List<String> words, Collection<String> keys) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    for (String word : words) {
      int equals = word.indexOf('=');
      if (equals < 0) {
        throw Refusal.of("filter", word, "write KEY=VALUE");
      }
      String key = word.substring(0, equals).strip().toLowerCase(Locale.ROOT);
      if (!keys.contains(key)) {
        throw Refusal.of(
            "filter",
            word,
            "there is no such key; " + objects + " have " + String.join(", ", sorted(keys)));
      }
      values.computeIfAbsent(key, _ -> new ArrayList<>()).add(word.substring(equals + 1).strip());
    }
    return new ListFilters(values);
  }

  /** Whether there is a filter of this key. */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** The values of a key, in the order in which they were given. */
  public List<String> values(String key) {
    return List.copyOf(values.getOrDefault(key, List.of()));
  }

  /** Refuses a value of this key that is none of the known ones; answers this. */
  public ListFilters known(String key, Collection<String> known) {
    for (String value : values(key)) {
      if (!known.contains(value)) {
        throw refused(key, value, "there is no such value; write " + String.join(", ", known));
      }
    }
    return this;
  }

  /** What a key that is true or false says; null where it was not given. */
  public @Nullable Boolean flag(String key) {
    Boolean said = null;
    for (String value : values(key)) {
      boolean flag =
          switch (value) {
            case "true", "1" -> true;
            case "false", "0" -> false;
            default -> throw refused(key, value, "write true or false");
          };
      if (said != null && said != flag) {
        throw refused(key, value, "contradicts another one");
      }
      said = flag;
    }
    return said;
  }

  /** The moment of {@link #UNTIL}; null where it was not given. */
  public @Nullable Instant until(Instant now, ZoneId zone) {
    List<String> given = values(UNTIL);
    if (given.isEmpty()) {
      return null;
    }
    if (given.size() > 1) {
      throw refused(UNTIL, given.get(1), "is given more than once");
    }
    return Moment.parse("filter until", given.getFirst(), now, zone);
  }

  /**
   * Whether things made at this moment fit what {@link #until} answered; a moment that nobody knows
   * counts as long ago.
   */
  public static boolean fits(@Nullable Instant until, @Nullable Instant made) {
    return until == null || made == null || made.isBefore(until);
  }

  /** Whether any value of the key fits, or there is none. */
  public boolean any(String key, Predicate<String> fits) {
    return !has(key) || values(key).stream().anyMatch(fits);
  }

  /** Whether a text fits a key whose values are patterns, or parts, of texts. */
  public boolean anyPattern(String key, String text) {
    return any(key, value -> patterns.computeIfAbsent(value, ListFilters::pattern).test(text));
  }

  private static Predicate<String> pattern(String value) {
    try {
      return ClientPattern.of(value)::finds;
    } catch (PatternSyntaxException e) {
      return text -> text.contains(value);
    }
  }

  /** Whether the labels are as {@link #LABEL} and {@link #NO_LABEL} want them. */
  public boolean fitsLabels(Map<String, String> labels) {
    return values(LABEL).stream().allMatch(value -> hasLabel(labels, value))
        && values(NO_LABEL).stream().noneMatch(value -> hasLabel(labels, value));
  }

  private static boolean hasLabel(Map<String, String> labels, String wanted) {
    int equals = wanted.indexOf('=');
    return equals < 0
        ? labels.containsKey(wanted)
        : wanted.substring(equals + 1).equals(labels.get(wanted.substring(0, equals)));
  }

  /** The refusal of a value, for keys whose values only the one who lists can read. */
  public static BerthException refused(String key, String value, String why) {
    return Refusal.of("filter", key + "=" + value, why);
  }

  private static List<String> sorted(Collection<String> keys) {
    return Set.copyOf(keys).stream().sorted().toList();
  }
}
