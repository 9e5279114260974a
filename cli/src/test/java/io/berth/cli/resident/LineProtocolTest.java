package io.berth.cli.resident;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The Java side knows every number of line.h, with its value. */
final class LineProtocolTest {
  private static final Path HEADER = Path.of("../native/src/main/client/line.h");
  private static final Pattern NUMBER =
      Pattern.compile("^#define (LINE_\\w+) \\(?(\\d+)(?: \\* (\\d+)\\))?", Pattern.MULTILINE);

  @Test
  void numbersAreThoseOfTheHeader() throws Exception {
    Map<String, Integer> theirs = new TreeMap<>();
    Matcher found = NUMBER.matcher(Files.readString(HEADER));
    while (found.find()) {
      int factor = found.group(3) == null ? 1 : Integer.parseInt(found.group(3));
      theirs.put(found.group(1), Integer.parseInt(found.group(2)) * factor);
    }
    Map<String, Integer> ours = new TreeMap<>();
    for (Field field : LineProtocol.class.getDeclaredFields()) {
      if (field.getName().startsWith("LINE_")) {
        ours.put(field.getName(), (Integer) field.get(null));
      }
    }
    assertTrue(theirs.size() > 20, () -> "found in the header: " + theirs);
    assertEquals(theirs, ours);
  }
}
