package io.berth.base.text;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Lists of {@code KEY=VALUE} in their uses: environment, labels, kernel settings, and files. */
public final class Variables {
  private static final String BYTE_ORDER_MARK = "\ufeff";

  private Variables() {}

  /**
   * A line of a file that says something.
   *
   * @param where the file and the number of the line, for a refusal
   */
  private record Line(String where, String text) {}

  /**
   * The environment of {@code --env-file} and {@code -e}, files first. A name without a value takes
   * the caller's. Where the caller has none, a name in a file says nothing, and a name of {@code
   * -e} stays alone: that takes the variable away from what the image or a default sets.
   *
   * @param own the caller's variables
   */
  public static List<String> environment(
      List<String> given, List<Path> files, Map<String, String> own) {
    List<String> all = new ArrayList<>();
    for (Path file : files) {
      for (Line line : lines("--env-file", file)) {
        String name = name(line);
        if (line.text.contains("=")) {
          all.add(line.text);
        } else if (own.containsKey(name)) {
          all.add(owned(line.where, name, own));
        }
      }
    }
    for (String word : given) {
      if (word.isEmpty() || word.startsWith("=")) {
        throw Refusal.of("-e", word, "the variable has no name");
      }
      boolean named = !word.contains("=") && own.containsKey(word);
      all.add(named ? owned("-e", word, own) : word);
    }
    return all;
  }

  private static String owned(String what, String name, Map<String, String> own) {
    String value = own.getOrDefault(name, "");
    if (!RawText.isText(value)) {
      throw Refusal.of(what, name, "the value `" + RawText.shown(value) + "` is not UTF-8");
    }
    return name + "=" + value;
  }

  private static String name(Line line) {
    int equals = line.text.indexOf('=');
    String name = equals < 0 ? line.text.stripTrailing() : line.text.substring(0, equals);
    if (name.isEmpty()) {
      throw Refusal.of(line.where, line.text, "the variable has no name");
    }
    if (name.chars().anyMatch(Character::isWhitespace)) {
      throw Refusal.of(line.where, name, "a variable's name has no blanks");
    }
    return name;
  }

  /** The labels of {@code -l} and {@code --label-file}; a key alone has an empty value. */
  public static Map<String, String> labels(List<String> given, List<Path> files) {
    Map<String, String> result = new LinkedHashMap<>();
    for (Path file : files) {
      lines("--label-file", file).forEach(line -> put(result, line.where, line.text));
    }
    given.forEach(word -> put(result, "-l", word));
    return result;
  }

  /** Keys with their values, in the order of first mention; the last of equal keys counts. */
  public static Map<String, String> pairs(String what, List<String> words) {
    Map<String, String> result = new LinkedHashMap<>();
    words.forEach(word -> put(result, what, word));
    return result;
  }

  private static void put(Map<String, String> result, String what, String word) {
    int equals = word.indexOf('=');
    String key = equals < 0 ? word : word.substring(0, equals);
    if (key.isEmpty()) {
      throw Refusal.of(what, word, "write KEY=VALUE");
    }
    result.put(key, equals < 0 ? "" : word.substring(equals + 1));
  }

  /** The lines of a file but for comments and empty ones, without the blanks before them. */
  private static List<Line> lines(String what, Path file) {
    byte[] bytes = SmallFile.read(what, file);
    List<Line> lines = new ArrayList<>();
    int number = 0;
    for (int start = 0; start < bytes.length; number++) {
      int end = start;
      while (end < bytes.length && bytes[end] != '\n') {
        end++;
      }
      int last = end > start && bytes[end - 1] == '\r' ? end - 1 : end;
      String where = what + " `" + file + "` line " + (number + 1);
      String text = text(where, ByteBuffer.wrap(bytes, start, last - start));
      if (number == 0 && text.startsWith(BYTE_ORDER_MARK)) {
        text = text.substring(1);
      }
      text = text.stripLeading();
      if (!text.isEmpty() && !text.startsWith("#")) {
        lines.add(new Line(where, text));
      }
      start = end + 1;
    }
    return lines;
  }

  private static String text(String where, ByteBuffer line) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(line.duplicate()).toString();
    } catch (CharacterCodingException e) {
      String shown = StandardCharsets.ISO_8859_1.decode(line).toString();
      throw Refusal.of(where, shown.replaceAll("[^ -~]", "?"), "is not UTF-8");
    }
  }
}
