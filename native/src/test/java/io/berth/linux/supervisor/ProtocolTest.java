package io.berth.linux.supervisor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.CProbe;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Java side knows every number of protocol.h, with its value, and every struct, with its size.
 */
final class ProtocolTest {
  private static final Path HEADER = Path.of("src/main/c/protocol.h");
  private static final Pattern NUMBER =
      Pattern.compile("^#define (\\w+) \\S|\\b([A-Z][A-Z0-9_]+) = ", Pattern.MULTILINE);
  private static final Pattern STRUCT = Pattern.compile("^struct (\\w+) \\{", Pattern.MULTILINE);

  @TempDir Path folder;

  @Test
  void numbersAndSizesAreThoseOfTheHeader() throws Exception {
    String header = Files.readString(HEADER).replaceAll("(?s)/\\*.*?\\*/", "");
    Map<String, String> expressions = new HashMap<>();
    for (Matcher m = NUMBER.matcher(header); m.find(); ) {
      String name = m.group(1) != null ? m.group(1) : m.group(2);
      expressions.put(name, name);
    }
    for (Matcher m = STRUCT.matcher(header); m.find(); ) {
      expressions.put(
          m.group(1).toUpperCase(Locale.ROOT) + "_SIZE", "sizeof(struct " + m.group(1) + ")");
    }
    assertTrue(expressions.size() > 130, () -> "found in the header: " + expressions.size());
    Map<String, Long> real = CProbe.run(probe(expressions), folder);
    List<String> wrong = new ArrayList<>();
    Set<String> unknown = new TreeSet<>(real.keySet());
    for (Field field : Protocol.class.getDeclaredFields()) {
      long ours = ((Number) field.get(null)).longValue();
      Long theirs = real.get(field.getName());
      unknown.remove(field.getName());
      if (theirs == null || (theirs != ours && theirs.intValue() != ours)) {
        wrong.add(field.getName() + ": " + ours + " here, " + theirs + " in the header");
      }
    }
    assertEquals(List.of(), wrong);
    assertEquals(Set.of(), unknown, "in the header, but not known here");
  }

  private Path probe(Map<String, String> expressions) throws Exception {
    StringBuilder source = new StringBuilder("#include <stdio.h>\n");
    source.append("#include \"").append(HEADER.toAbsolutePath()).append("\"\n");
    source.append("int main(void) {\n");
    expressions.forEach((name, expression) ->
        source
            .append("printf(\"" + name + " %lld\\n\", (long long)(")
            .append(expression)
            .append("));\n"));
    source.append("return 0; }\n");
    return Files.writeString(folder.resolve("probe.c"), source);
  }
}
