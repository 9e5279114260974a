package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of the articles' behaviours names tests that there are. */
final class ArticlesTest {
  private static final Pattern REFERENCE =
      Pattern.compile("`([A-Z]\\w*(?:Test|IT|Cases))(?:#(\\w+))?`");

  /** The sources of all tests by the names of their classes; a name may stand in two modules. */
  private static Map<String, String> tests(Path repository) throws IOException {
    Map<String, String> tests = new HashMap<>();
    try (Stream<Path> tree = Files.walk(repository)) {
      for (Path file : tree.filter(path -> path.toString().endsWith(".java")).toList()) {
        if (file.toString().contains("/src/test/")) {
          String name = file.getFileName().toString().replace(".java", "");
          tests.merge(name, Files.readString(file), String::concat);
        }
      }
    }
    return tests;
  }

  private static boolean hasWord(String source, String word) {
    return Pattern.compile("\\b" + word + "\\b").matcher(source).find();
  }

  @Test
  void everyTestThatIsNamed_isThere() throws Exception {
    Path repository = Path.of("../..").toAbsolutePath().normalize();
    Map<String, String> tests = tests(repository);
    List<String> missing = new ArrayList<>();
    int found = 0;
    Matcher reference =
        REFERENCE.matcher(Files.readString(repository.resolve("cli/e2e/ARTICLES.md")));
    while (reference.find()) {
      String source = tests.getOrDefault(reference.group(1), "");
      String method = reference.group(2);
      if (source.isEmpty() || (method != null && !hasWord(source, method))) {
        missing.add(reference.group());
      }
      found++;
    }
    assertTrue(found > 400, found + " references");
    assertEquals(List.of(), missing);
  }
}
