package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Every verb and option of docker's command line, as its help was recorded, is one of ours or is
 * refused with the word that does instead; none is forgotten.
 */
final class DockerOptionsTest {
  private static final String RECORDED = "docker-options.txt";

  /** The rows of the record: a verb, and for an option also its names. */
  private static List<List<String>> rows() {
    try (var stream = DockerOptionsTest.class.getResourceAsStream(RECORDED);
        var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      return reader
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> List.of(line.split("\t")))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isThere(String verb) {
    List<String> words = List.of(verb.split(" "));
    Verbs.Called called = Verbs.find(words);
    return called != null && called.words() == words.size();
  }

  private static Set<String> options(String verb) {
    Verbs.Called called = Verbs.find(List.of(verb.split(" ")));
    Set<String> names = new HashSet<>();
    for (OptionSpec option :
        CommandSpec.forAnnotatedObject(called.verb().maker().get()).options()) {
      names.addAll(Arrays.asList(option.names()));
    }
    return names;
  }

  @Test
  void everyVerbIsThereOrRefusedWithAReason() {
    List<String> forgotten = new ArrayList<>();
    for (List<String> row : rows()) {
      String verb = row.getFirst();
      if (row.size() == 1 && isThere(verb) == (Elsewhere.verb(verb) != null)) {
        forgotten.add(verb);
      }
    }
    assertEquals(List.of(), forgotten);
  }

  @Test
  void everyOptionIsThereOrRefusedWithAReason() {
    List<String> forgotten = new ArrayList<>();
    for (List<String> row : rows()) {
      String verb = row.getFirst();
      if (row.size() == 1 || Elsewhere.verb(verb) != null) {
        continue;
      }
      Set<String> ours = options(verb);
      for (String name : row.subList(1, row.size())) {
        if (ours.contains(name) == (Elsewhere.option(verb, name) != null)) {
          forgotten.add(verb + " " + name);
        }
      }
    }
    assertEquals(List.of(), forgotten);
  }

  @Test
  void nothingIsRefusedThatDockerHasNot() {
    Set<String> refused = new TreeSet<>(Elsewhere.optionRows());
    for (List<String> row : rows()) {
      row.stream().skip(1).forEach(name -> refused.remove(row.getFirst() + " " + name));
    }
    assertEquals(Set.of(), refused);
  }

  /** What a person sees who types such a line: one line with the reason, and nothing is asked. */
  @Test
  void theReasonIsTold() {
    Lines lines = new Lines(Map.of());
    assertEquals(125, lines.berth("run", "--gpus", "all", "busybox"));
    assertTrue(lines.err().contains("--gpus: name each device: --device"), lines.err());
    assertEquals(125, lines.berth("container", "run", "--ip6=::1", "busybox"));
    assertTrue(lines.err().contains("--ip6: containers have no IPv6 addresses"), lines.err());
    assertEquals(1, lines.berth("build", "-t", "x", "."));
    assertTrue(lines.err().contains("build: images are built by other programs"), lines.err());
    assertEquals(1, lines.berth("network", "connect", "red", "web"));
    assertTrue(lines.err().contains("`run --network NAME`"), lines.err());
    assertEquals(125, lines.berth("rm", "-l", "web"));
    assertTrue(lines.err().contains("-l: a link ends with its container"), lines.err());
    lines.reset();
    assertEquals(125, lines.berth("run", "--userns", "keep-id", "busybox"));
    assertTrue(lines.err().contains("leave it out, or write host"), lines.err());
    assertEquals(1, lines.err().lines().count());
  }
}
