package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.rpc.UnixServer;
import io.berth.testing.InProcessGrpc;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is told of a line that cannot be carried out, and what helps to mend it. */
final class WrongLineTest {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);

  private final EngineDouble engine = new EngineDouble();
  private Lines lines = new Lines(Map.of());

  @BeforeEach
  void serve() throws IOException {
    lines = new Lines(engine.serve(grpc));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ps --nope",
        "run -m",
        "run -p 70000 x",
        "run -p 0:99999 x",
        "run -v a:b x",
        "run --restart on x",
        "run -m 1x x",
        "run --network a --network b x",
        "run -w rel x",
        "run --stop-signal NOPE x",
        "--config",
        "--nope ps",
        "--timeout soon ps",
        "--connect-timeout 1x ps",
        "stats --nope"
      })
  void aWrongLineIsOneLineAnd125(String line) {
    assertEquals(125, lines.berth(line.split(" ", -1)), line);
    assertEquals("", lines.out());
    assertEquals(1, lines.err().lines().count(), lines.err());
    assertTrue(
        engine.asked.isEmpty() || line.startsWith("ps"), () -> line + " asked " + engine.asked);
  }

  /**
   * As docker: 125 is for options that cannot be read, and for run. A command that there is not,
   * the wrong number of words, and a value that its verb refuses are 1.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "bogus",
        "network bogus",
        "run",
        "run -d",
        "stop",
        "exec c",
        "info more",
        "ps more",
        "tag one",
        "logs one two",
        "tasks exec only-an-id",
        "logs --tail many c",
        "logs --since soon c",
        "inspect --type thing c",
        "content ingest --expected-digest md5:x ref",
        "login nohost -u me --password-stdin",
        "ps --format {{range}}",
        "events --format {{range}}",
        "envelopes --format {{range}}",
        "events --since soon",
        "inspect -f {{nofunc}} c",
        "volume inspect -f {{.Name c",
        "update c"
      })
  void whatCannotBeDoneIsOneLineAnd1(String line) {
    assertEquals(1, lines.berth(line.split(" ", -1)), line);
    assertEquals("", lines.out());
    assertEquals(1, lines.err().lines().count(), lines.err());
    assertTrue(
        engine.asked.isEmpty() || line.startsWith("ps"), () -> line + " asked " + engine.asked);
  }

  @Test
  void aGroupByItselfSaysWhatThereIs() {
    assertEquals(0, lines.berth("network"));
    assertEquals("", lines.out());
    assertTrue(lines.err().contains("prune"), lines.err());
  }

  @Test
  void aMissingConfigurationIsOneLine() {
    assertEquals(1, lines.berth("--config", "/nonexistent/berth.toml", "ps"));
    assertEquals(1, lines.err().lines().count(), lines.err());
    assertTrue(lines.err().contains("/nonexistent/berth.toml"), lines.err());
  }

  @Test
  void hints() {
    assertEquals(125, lines.berth("run", "--nmae", "x", "busybox"));
    assertTrue(lines.err().contains("did you mean `--name`?"), lines.err());
    assertEquals(1, lines.berth("imges"));
    assertTrue(lines.err().contains("did you mean `images`?"), lines.err());
  }

  @Test
  void help() {
    assertEquals(0, lines.berth());
    assertTrue(lines.out().contains("make a container and run it"), lines.out());
    assertEquals(0, lines.berth("help", "logs"));
    assertTrue(lines.out().contains("--follow"), lines.out());
    assertEquals("", lines.err());
  }

  @Test
  void everyVerbHasHelp() {
    for (Verbs.Section section : Verbs.Section.values()) {
      for (Verb verb : section.verbs()) {
        for (String name : verb.names()) {
          assertEquals(0, lines.berth(name, "--help"), name);
        }
        for (Verb inside : verb.inside().get()) {
          for (String name : inside.names()) {
            assertEquals(0, lines.berth("help", verb.name(), name), verb.name() + " " + name);
          }
        }
      }
    }
    assertEquals("", lines.err());
  }

  @Test
  void aMissingServiceIsNamed() {
    lines = new Lines(Map.of());
    assertEquals(1, lines.berth("ps"));
    assertEquals("berth: connect to `containerd`: none\n", lines.err());
  }
}
