package io.berth.cli.parse;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads {@code KEY=VALUE} in its uses: environment, labels, kernel settings. */
public final class Variables {
  private Variables() {}

  /**
   * The environment of {@code -e} and {@code --env-file}, files first. A name without a value takes
   * the caller's value, and is left out where the caller has none.
   */
  public static List<String> environment(
      List<String> given, List<Path> files, Map<String, String> own) {
    List<String> all = new ArrayList<>();
    for (Path file : files) {
      for (String line : lines("--env-file", file)) {
        add(all, "--env-file", line, own);
      }
    }
    for (String text : given) {
      add(all, "-e", text, own);
    }
    return all;
  }

  private static void add(List<String> all, String option, String text, Map<String, String> own) {
    if (text.startsWith("=") || text.isEmpty()) {
      throw new BerthException.InvalidArgument(
          option + " `" + text + "`: the variable has no name");
    }
    String value = own.get(text);
    if (text.contains("=")) {
      all.add(text);
    } else if (value != null) {
      all.add(text + "=" + value);
    }
  }

  /** The labels of {@code -l} and {@code --label-file}; a key alone has an empty value. */
  public static Map<String, String> labels(List<String> given, List<Path> files) {
    List<String> all = new ArrayList<>();
    files.forEach(file -> all.addAll(lines("--label-file", file)));
    all.addAll(given);
    return pairs("-l", all);
  }

  /** Keys with their values, in the order of first mention; the last of equal keys counts. */
  public static Map<String, String> pairs(String option, List<String> texts) {
    Map<String, String> result = new LinkedHashMap<>();
    for (String text : texts) {
      int equals = text.indexOf('=');
      String key = equals < 0 ? text : text.substring(0, equals);
      if (key.isEmpty()) {
        throw new BerthException.InvalidArgument(option + " `" + text + "`: write KEY=VALUE");
      }
      result.put(key, equals < 0 ? "" : text.substring(equals + 1));
    }
    return result;
  }

  private static List<String> lines(String option, Path file) {
    try {
      return Files.readAllLines(file).stream()
          .map(String::stripLeading)
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .toList();
    } catch (IOException e) {
      throw new BerthException.InvalidArgument(
          option
              + " `"
              + file
              + "`: "
              + (Files.exists(file) ? "is no readable text" : "no such file"),
          e);
    }
  }
}
