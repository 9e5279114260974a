package io.berth.image.registry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One of the ways to log in that WWW-Authenticate headers offer (RFC 9110, 11.6.1). */
record Challenge(String scheme, Map<String, String> parameters) {
  private static final int MAX_LENGTH = 8192;

  /** Reads all that the headers offer, in their order; what makes no sense is left out. */
  static List<Challenge> all(List<String> headers) {
    List<Challenge> result = new ArrayList<>();
    for (String header : headers) {
      if (header.length() <= MAX_LENGTH) {
        new Reader(header, result).read();
      }
    }
    return result;
  }

  String parameter(String key) {
    return parameters.getOrDefault(key, "");
  }

  /** Reads one header, which may offer several ways, parted by the same commas as parameters. */
  private static final class Reader {
    private final String text;
    private final List<Challenge> found;
    private int at;

    Reader(String text, List<Challenge> found) {
      this.text = text;
      this.found = found;
    }

    void read() {
      int before = found.size();
      while (true) {
        skip(" \t,");
        if (at >= text.length()) {
          return;
        }
        String name = token(" \t,=").toLowerCase(Locale.ROOT);
        skip(" \t");
        boolean parameter = at < text.length() && text.charAt(at) == '=';
        if (parameter) {
          at++;
          skip(" \t");
          String value = value();
          if (found.size() > before && !name.isEmpty()) {
            found.getLast().parameters.putIfAbsent(name, value);
          }
        } else if (!name.isEmpty()) {
          found.add(new Challenge(name, new LinkedHashMap<>()));
          skipToken68();
        }
      }
    }

    private void skip(String characters) {
      while (at < text.length() && characters.indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private String token(String end) {
      int start = at;
      while (at < text.length() && end.indexOf(text.charAt(at)) < 0) {
        at++;
      }
      return text.substring(start, at);
    }

    /** Skips the word that some schemes have instead of parameters, such as Negotiate's. */
    private void skipToken68() {
      int start = at;
      token(" \t,=");
      skip("=");
      int end = at;
      skip(" \t");
      if (end == start || (at < text.length() && text.charAt(at) != ',')) {
        at = start;
      }
    }

    private String value() {
      if (at >= text.length() || text.charAt(at) != '"') {
        return token(",").strip();
      }
      StringBuilder value = new StringBuilder();
      for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        value.append(text.charAt(at));
      }
      at++;
      return value.toString();
    }
  }
}
