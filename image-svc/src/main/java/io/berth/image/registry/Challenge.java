package io.berth.image.registry;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a WWW-Authenticate header asks for (RFC 9110, 11.6.1). */
record Challenge(String scheme, Map<String, String> parameters) {
  private static final int MAX_LENGTH = 8192;

  /** Reads a header; null for one that makes no sense. */
  static @Nullable Challenge of(String header) {
    if (header.length() > MAX_LENGTH) {
      return null;
    }
    String text = header.strip();
    int space = text.indexOf(' ');
    String scheme = (space < 0 ? text : text.substring(0, space)).toLowerCase(Locale.ROOT);
    Map<String, String> parameters = new LinkedHashMap<>();
    int at = space < 0 ? text.length() : space + 1;
    while (at < text.length()) {
      int equals = text.indexOf('=', at);
      if (equals < 0) {
        break;
      }
      String key = text.substring(at, equals).replace(",", "").strip().toLowerCase(Locale.ROOT);
      StringBuilder value = new StringBuilder();
      at = value(text, equals + 1, value);
      parameters.put(key, value.toString());
    }
    return scheme.isEmpty() ? null : new Challenge(scheme, parameters);
  }

  /** Reads a token or quoted string; answers where it ends. */
  private static int value(String text, int start, StringBuilder value) {
    int at = start;
    if (at < text.length() && text.charAt(at) == '"') {
      for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        value.append(text.charAt(at));
      }
      return at + 1;
    }
    for (; at < text.length() && text.charAt(at) != ','; at++) {
      value.append(text.charAt(at));
    }
    return at + 1;
  }

  String parameter(String key) {
    return parameters.getOrDefault(key, "");
  }
}
