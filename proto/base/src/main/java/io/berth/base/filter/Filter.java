package io.berth.base.filter;

import io.berth.base.text.ClientPattern;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * A predicate over records with named fields, as clients write it: {@code
 * labels."a.b/c"==x,name~=^foo}. Selectors of one filter must all hold; of several filters one.
 */
public final class Filter {
  private static final Filter ANY = new Filter(List.of());

  private final List<List<Selector>> alternatives;

  private Filter(List<List<Selector>> alternatives) {
    this.alternatives = alternatives;
  }

  /** How a record shows its fields. */
  public interface Fields {
    /**
     * The value at a path such as {@code [labels, a.b/c]} split at the dots outside quotes; null
     * when absent.
     */
    @Nullable String value(List<String> path);
  }

  /**
   * Parses; an empty list, or an empty text among them, matches everything. INVALID_ARGUMENT for
   * what is no filter.
   */
  public static Filter of(List<String> texts) {
    if (texts.isEmpty() || texts.stream().anyMatch(String::isEmpty)) {
      return ANY;
    }
    return new Filter(texts.stream().map(text -> new FilterParser(text).parse()).toList());
  }

  /** Whether this filter lets everything through. */
  public boolean matchesAll() {
    return alternatives.isEmpty();
  }

  /** Whether a record passes. */
  public boolean matches(Fields record) {
    return alternatives.isEmpty()
        || alternatives.stream()
            .anyMatch(all -> all.stream().allMatch(selector -> selector.matches(record)));
  }

  /** The key of a map field: everything after its name, joined by dots again. */
  public static String key(List<String> path) {
    return String.join(".", path.subList(1, path.size()));
  }

  enum Operator {
    PRESENT,
    EQUAL,
    NOT_EQUAL,
    MATCHES
  }

  record Selector(
      List<String> path, Operator operator, String value, @Nullable ClientPattern pattern) {
    static Selector of(List<String> path, Operator operator, String value) {
      ClientPattern pattern = null;
      if (operator == Operator.MATCHES) {
        try {
          pattern = ClientPattern.of(value);
        } catch (PatternSyntaxException e) {
          // A pattern that does not compile matches nothing.
          pattern = null;
        }
      }
      return new Selector(List.copyOf(path), operator, value, pattern);
    }

    boolean matches(Fields record) {
      String actual = record.value(path);
      return switch (operator) {
        case PRESENT -> actual != null;
        case EQUAL -> value.equals(actual);
        case NOT_EQUAL -> !value.equals(actual);
        case MATCHES -> pattern != null && pattern.finds(actual == null ? "" : actual);
      };
    }
  }
}
