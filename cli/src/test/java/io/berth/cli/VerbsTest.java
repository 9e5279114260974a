package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.cli.command.ImageCommands;
import io.berth.cli.command.ListCommands;
import io.berth.cli.command.TransferCommands;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The table of verbs: what a line calls, and that no name means two things. */
final class VerbsTest {
  private static Object called(String... line) {
    Verbs.Called called = Verbs.find(List.of(line));
    assertNotNull(called);
    assertNotNull(called.verb().maker());
    return called.verb().maker().get();
  }

  @Test
  void noNameStandsTwice() {
    List<Verb> all = new ArrayList<>();
    for (Verbs.Section section : Verbs.Section.values()) {
      all.addAll(section.verbs());
    }
    assertUnique(all);
    all.forEach(verb -> assertUnique(verb.inside().get()));
  }

  private static void assertUnique(List<Verb> rows) {
    Set<String> seen = new HashSet<>();
    rows.forEach(row -> row.names().forEach(name -> assertTrue(seen.add(name), name)));
  }

  @Test
  void longerFormsCallTheSameCommands() {
    assertEquals(ListCommands.Ps.class, called("ps").getClass());
    assertEquals(ListCommands.Ps.class, called("container", "ls", "-a").getClass());
    assertEquals(TransferCommands.Pull.class, called("images", "pull", "busybox").getClass());
    assertNull(Verbs.find(List.of("bogus")));
  }

  /** What is no verb after {@code images} is the name of a repository, also {@code history}. */
  @Test
  void imagesTakesARepository() {
    for (String name : List.of("busybox", "history", "prune")) {
      assertEquals(ImageCommands.Images.class, called("images", name).getClass(), name);
      assertEquals(1, Verbs.find(List.of("images", name)).words());
    }
  }

  @Test
  void everyRehearsedLineCallsAVerb() {
    for (List<String> line : Rehearsal.LINES) {
      assertNotNull(Verbs.find(line), line.toString());
    }
  }

  /** The lines can be read, so that they fail only because no service is there. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "network create mine --subnet 10.1.0.0/24",
        "volume create mine -l a=b",
        "container run busybox ls -l --no-such-option",
        "run busybox -- ls",
        "exec web ls -l",
        "container exec web ls -l",
        "tasks exec web ls -l",
        "t ls",
        "c list",
        "snapshot ls",
        "ns ls",
        "-n other ps",
        "-n=other ps",
        "--namespace other ps",
        "--namespace=other --namespace=last ps",
        "-a /nowhere/containerd.sock ps",
        "--timing --debug ps",
        "--connect-timeout 1s --timeout=30s ps"
      })
  void theseCanBeRead(String line) {
    Lines lines = new Lines(Map.of());
    int code = lines.berth(line.split(" "));
    assertTrue(lines.err().contains("connect to `"), lines.err());
    assertTrue(line.contains("run") == (code == 125), code + ": " + lines.err());
  }

  /** What is refused before the verb is refused in one line that names it. */
  @ParameterizedTest
  @ValueSource(strings = {"--nope", "--nope=1 ps", "-", "-x ps", "-nx ps", "--config"})
  void theseCannotBeRead(String line) {
    Lines lines = new Lines(Map.of());
    assertEquals(125, lines.berth(line.split(" ")));
    assertEquals(1, lines.err().lines().count(), lines.err());
    assertTrue(lines.err().startsWith("berth: "), lines.err());
  }
}
