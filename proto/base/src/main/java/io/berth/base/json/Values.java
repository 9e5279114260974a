package io.berth.base.json;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes immutable values of what a parser hands over: what is absent becomes empty, elements that
 * are null are left out, and the order stays.
 */
public final class Values {
  private Values() {}

  /** A list that nobody can change, without null. */
  public static <T> List<T> copy(@Nullable List<? extends @Nullable T> list) {
    if (list == null || list.isEmpty()) {
      return List.of();
    }
    List<T> result = new ArrayList<>(list.size());
    for (T element : list) {
      if (element != null) {
        result.add(element);
      }
    }
    return Collections.unmodifiableList(result);
  }

  /** A map that nobody can change, without null, in the order of the document. */
  public static <V> Map<String, V> copy(@Nullable Map<String, ? extends @Nullable V> map) {
    if (map == null || map.isEmpty()) {
      return Map.of();
    }
    Map<String, V> result = new LinkedHashMap<>();
    for (Map.Entry<String, ? extends @Nullable V> entry : map.entrySet()) {
      V value = entry.getValue();
      if (value != null) {
        result.put(entry.getKey(), value);
      }
    }
    return Collections.unmodifiableMap(result);
  }

  /** The text, or the empty one if it is absent. */
  public static String text(@Nullable String text) {
    return text == null ? "" : text;
  }
}
