package io.berth.oci.image;

import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Copies of what a parser made: absent becomes empty, null elements are left out, order is kept.
 */
final class Values {
  private Values() {}

  static <T> List<T> copy(@Nullable List<? extends @Nullable T> list) {
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

  static <V> Map<String, V> copy(@Nullable Map<String, ? extends @Nullable V> map) {
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

  /** A check of ours that fails inside the parser comes out wrapped by it; people see our words. */
  static <T> T read(byte[] bytes, Class<T> type, String what) {
    try {
      return Json.read(bytes, type, what);
    } catch (BerthException.InvalidArgument e) {
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        if (cause instanceof BerthException.InvalidArgument ours) {
          throw new BerthException.InvalidArgument(
              "parse " + what + ": " + ours.getMessage(), ours);
        }
      }
      throw e;
    }
  }
}
