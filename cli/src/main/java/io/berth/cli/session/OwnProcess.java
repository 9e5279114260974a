package io.berth.cli.session;

import io.berth.base.text.RawText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The arguments, variables and folder of this process, as {@link RawText}. The JVM replaces bytes
 * that are no text; where it may have done so they are read from the kernel (proc(5)).
 */
public final class OwnProcess {
  /** Where the launcher keeps the caller's LC_ALL, after an equals sign, or nothing for none. */
  private static final String CALLERS_LOCALE = "BERTH_CALLER_LC_ALL";

  private static final char REPLACED = '\ufffd';

  private OwnProcess() {}

  /** The arguments, of which the JVM made these. */
  public static List<String> arguments(String[] made) {
    List<String> words = List.of(made);
    if (words.stream().noneMatch(word -> word.indexOf(REPLACED) >= 0)) {
      return words;
    }
    // What stands before them is the JVM's: its options and the class.
    List<String> all = strings("/proc/self/cmdline");
    return all.size() < words.size() ? words : all.subList(all.size() - words.size(), all.size());
  }

  /** The variables, with the caller's locale, in whose place the launcher has put one of UTF-8. */
  public static Map<String, String> environment(Map<String, String> made) {
    Map<String, String> variables = new HashMap<>(made);
    if (made.entrySet().stream()
        .anyMatch(one -> (one.getKey() + one.getValue()).indexOf(REPLACED) >= 0)) {
      variables.clear();
      for (String entry : strings("/proc/self/environ")) {
        int equals = entry.indexOf('=', 1);
        if (equals > 0) {
          variables.putIfAbsent(entry.substring(0, equals), entry.substring(equals + 1));
        }
      }
    }
    String locale = variables.remove(CALLERS_LOCALE);
    if (locale != null && locale.startsWith("=")) {
      variables.put("LC_ALL", locale.substring(1));
    } else if (locale != null) {
      variables.remove("LC_ALL");
    }
    return variables;
  }

  /** The folder that it works in, from the root on. */
  public static Path folder() {
    return Path.of("").toAbsolutePath();
  }

  private static List<String> strings(String file) {
    List<String> strings = new ArrayList<>();
    try {
      byte[] bytes = Files.readAllBytes(Path.of(file));
      for (int start = 0, end; start < bytes.length; start = end + 1) {
        end = start;
        while (end < bytes.length && bytes[end] != 0) {
          end++;
        }
        strings.add(RawText.decode(Arrays.copyOfRange(bytes, start, end)));
      }
    } catch (IOException e) {
      // Without proc(5) what the JVM made is all that is known.
      return List.of();
    }
    return strings;
  }
}
