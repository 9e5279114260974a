package io.berth.shim.stdio;

import io.berth.base.error.BerthException;
import io.berth.base.layout.Stdio;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads where the streams of a process lead. With {@code file} and {@code binary} the stdout field
 * decides for both outputs, as it does in containerd.
 */
public final class StreamUris {
  private static final long DEFAULT_LOG_BYTES = 10L << 20;
  private static final int DEFAULT_LOG_FILES = 3;

  private StreamUris() {}

  /**
   * Where stream 0, 1 and 2 lead, in this order; with a terminal there is no 2.
   *
   * @throws BerthException.InvalidArgument for what cannot be read, naming the field
   */
  public static List<Stream> of(Stdio stdio) {
    String stdout = stdio.stdout();
    List<Stream> streams = new ArrayList<>();
    streams.add(input(stdio.stdin()));
    streams.add(output(stdout, 1));
    if (!stdio.terminal()) {
      boolean together =
          stdout.startsWith("file:")
              || stdout.startsWith("binary:")
              || stdio.stderr().equals(stdout);
      streams.add(output(together ? stdout : stdio.stderr(), 2));
    }
    return streams;
  }

  private static Stream input(String stdin) {
    if (stdin.isEmpty()) {
      return new Stream.None();
    }
    Uri uri = Uri.parse("stdin", stdin);
    return switch (uri.scheme) {
      case "", "fifo" -> new Stream.Fifo(uri.path);
      case "berth-attach" -> new Stream.Attachable();
      default -> throw uri.unsupported();
    };
  }

  private static Stream output(String text, int stream) {
    if (text.isEmpty()) {
      return new Stream.None();
    }
    Uri uri = Uri.parse(stream == 1 ? "stdout" : "stderr", text);
    return switch (uri.scheme) {
      case "", "fifo" -> new Stream.Fifo(uri.path);
      case "file" -> new Stream.AppendFile(uri.path);
      case "berth-attach" -> new Stream.Attachable();
      case "berth-log" ->
          new Stream.LogFile(
              uri.path,
              uri.number("max_size", DEFAULT_LOG_BYTES),
              Math.clamp(uri.number("max_files", DEFAULT_LOG_FILES), 1, 1000));
      case "binary" -> new Stream.LogProgram(uri.path, uri.words(), stream);
      default -> throw uri.unsupported();
    };
  }

  private record Uri(
      String field, String text, String scheme, String path, Map<String, String> query) {
    static Uri parse(String field, String text) {
      int colon = text.indexOf("://");
      String scheme = colon < 0 ? "" : text.substring(0, colon);
      String rest = colon < 0 ? text : text.substring(colon + 3);
      Map<String, String> query = new LinkedHashMap<>();
      String path = rest;
      int mark = scheme.isEmpty() || scheme.equals("fifo") ? -1 : rest.indexOf('?');
      if (mark >= 0) {
        path = rest.substring(0, mark);
        for (String pair : rest.substring(mark + 1).split("&", -1)) {
          int equals = pair.indexOf('=');
          String key = equals < 0 ? pair : pair.substring(0, equals);
          if (!key.isEmpty()) {
            query.put(decode(key), equals < 0 ? "" : decode(pair.substring(equals + 1)));
          }
        }
      }
      if (scheme.equals("berth-attach")) {
        path = "/";
      }
      if (!path.startsWith("/")) {
        throw new BerthException.InvalidArgument(field + " `" + text + "`: no absolute path");
      }
      return new Uri(field, text, scheme, path, query);
    }

    private static String decode(String text) {
      try {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
      } catch (IllegalArgumentException e) {
        return text;
      }
    }

    long number(String key, long otherwise) {
      String value = query.get(key);
      if (value == null) {
        return otherwise;
      }
      try {
        return Math.max(0, Long.parseLong(value));
      } catch (NumberFormatException e) {
        throw new BerthException.InvalidArgument(
            field + " `" + text + "`: " + key + " is no number", e);
      }
    }

    /**
     * Keys and values in the order in which they were written; a key without value stands alone.
     */
    List<String> words() {
      List<String> words = new ArrayList<>();
      query.forEach((key, value) -> {
        words.add(key);
        if (!value.isEmpty()) {
          words.add(value);
        }
      });
      return words;
    }

    BerthException unsupported() {
      return new BerthException.InvalidArgument(
          field
              + " `"
              + text
              + "`: unsupported scheme `"
              + scheme
              + "`; use a path, fifo, file or binary");
    }
  }
}
