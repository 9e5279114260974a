package io.berth.base.id;

import io.berth.base.error.BerthException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Rules for labels: bounded pairs, and an empty value that means "delete this key". */
public final class Labels {
  /** Bytes of key and value together. */
  public static final int MAX_PAIR = 4096;

  private Labels() {}

  /** INVALID_ARGUMENT for a pair that is too long. */
  public static void check(Map<String, String> labels) {
    labels.forEach((key, value) -> {
      int length = utf8Length(key) + utf8Length(value);
      if (length > MAX_PAIR) {
        String shown = key.length() > 10 ? key.substring(0, 10) + "..." : key;
        throw new BerthException.InvalidArgument(
            "label key and value length ("
                + length
                + " bytes) greater than maximum size ("
                + MAX_PAIR
                + " bytes), key: "
                + shown);
      }
    });
  }

  /** What is stored for a map as a client sent it: checked, sorted, without empty values. */
  public static Map<String, String> stored(Map<String, String> sent) {
    check(sent);
    Map<String, String> result = new TreeMap<>();
    sent.forEach((key, value) -> {
      if (!value.isEmpty()) {
        result.put(key, value);
      }
    });
    return result;
  }

  /**
   * The labels after an update with bare mask paths: {@code labels} replaces all, {@code
   * labels.KEY} sets or deletes one. Other paths are left to the caller.
   */
  public static Map<String, String> updated(
      Map<String, String> old, Map<String, String> sent, List<String> paths) {
    Map<String, String> result = new LinkedHashMap<>(old);
    for (String path : paths) {
      if (path.equals("labels")) {
        result.clear();
        result.putAll(sent);
      } else if (path.startsWith("labels.")) {
        String key = path.substring("labels.".length());
        result.put(key, sent.getOrDefault(key, ""));
      }
    }
    return stored(result);
  }

  private static int utf8Length(String text) {
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      length += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
    }
    return length;
  }
}
