package io.berth.cli.render;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.api.berth.image.v1.Chunk;
import io.berth.api.berth.image.v1.Progress;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RenderTest {
  private static String printed(Consumer<PrintStream> what) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, /* autoFlush= */ true, StandardCharsets.UTF_8);
    what.accept(out);
    out.flush();
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource({
    "0, Less than a second",
    "1, 1 second",
    "59, 59 seconds",
    "60, About a minute",
    "119, About a minute",
    "120, 2 minutes",
    "3599, 59 minutes",
    "3600, About an hour",
    "169200, 47 hours",
    "1123200, 13 days",
    "1209600, 2 weeks",
    "7689600, 12 weeks",
    "7776000, 3 months",
    "94608000, 3 years"
  })
  void durations(long seconds, String expected) {
    assertEquals(expected, Words.duration(Duration.ofSeconds(seconds)));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0B",
    "999, 999B",
    "1000, 1kB",
    "1234567, 1.23MB",
    "2040000, 2.04MB",
    "12345, 12.3kB"
  })
  void sizes(long bytes, String expected) {
    assertEquals(expected, Words.size(bytes));
  }

  /** Text is cut between code points, never inside one. */
  @Test
  void cutsText() {
    assertEquals("abc", Words.cut("abc", 3));
    assertEquals("ab…", Words.cut("abcd", 3));
    assertEquals("\uD83D\uDE00\uD83D\uDE00…", Words.cut("\uD83D\uDE00".repeat(4), 3));
  }

  @Test
  void aTableHidesControlCharacters() {
    assertEquals(
        "NAME         X\na?[2Jb       1\nlonger-one   2\n",
        printed(out ->
            new Table(List.of("NAME", "X"))
                .row("a\u001b[2Jb", "1")
                .row("longer-one", "2")
                .print(out)));
  }

  @Test
  void aListingHasThreeForms() {
    Listing listing = new Listing(List.of("ID", "NAME"), List.of("ID", "Name"));
    listing.add("1", "a");
    listing.add("2", "b");
    assertEquals(
        "ID        NAME\n1         a\n2         b\n", printed(out -> listing.print(out, "")));
    assertEquals(
        "{\"ID\":\"1\",\"Name\":\"a\"}\n{\"ID\":\"2\",\"Name\":\"b\"}\n",
        printed(out -> listing.print(out, "json")));
    assertEquals("a=1\nb=2\n", printed(out -> listing.print(out, "{{.Name}}={{.ID}}")));
    // Case F1.
    assertEquals(
        "NAME      ID\na         1\nb         2\n",
        printed(out -> listing.print(out, "table {{.Name}}\\t{{.ID}}")));
    // Case F3.
    BerthException e =
        assertThrows(
            BerthException.FailedPrecondition.class,
            () -> printed(out -> listing.print(out, "{{.Nme}}")));
    assertTrue(e.getMessage().contains("field Nme"), e.getMessage());
    assertTrue(e.getMessage().endsWith(", did you mean `Name`?"), e.getMessage());
  }

  @Test
  void documentsAreShownByATemplate() {
    ObjectNode document =
        (ObjectNode) Json.tree("{\"Name\":\"v\"}".getBytes(StandardCharsets.UTF_8), "x");
    Inspection inspection = new Inspection("{{.Name}}={{.Driver}};");
    inspection.add("types.Volume", document);
    assertEquals("v=;\n", printed(inspection::print));
    // Case F3.
    BerthException e =
        assertThrows(
            BerthException.FailedPrecondition.class,
            () -> new Inspection("{{.Nam}}").add("types.Volume", document));
    assertTrue(e.getMessage().contains("\"Nam\", did you mean `Name`?"), e.getMessage());
    assertThrows(BerthException.InvalidArgument.class, () -> new Inspection("{{range .L}}x{{end"));
  }

  @Test
  void states() {
    Instant now = Instant.parse("2026-03-01T12:00:00Z");
    Timestamp before = Timestamp.newBuilder().setSeconds(now.getEpochSecond() - 300).build();
    StateInfo.Builder state = StateInfo.newBuilder().setStartedAt(before).setFinishedAt(before);
    assertEquals(
        "Up 5 minutes", ContainerWords.status(state.setState(State.STATE_RUNNING).build(), now));
    assertEquals(
        "Up 5 minutes (Paused)",
        ContainerWords.status(state.setState(State.STATE_PAUSED).build(), now));
    assertEquals(
        "Exited (137) 5 minutes ago",
        ContainerWords.status(state.setState(State.STATE_EXITED).setExitCode(137).build(), now));
    assertEquals("Created", ContainerWords.status(StateInfo.getDefaultInstance(), now));
  }

  @Test
  void portsAsPsShowsThem() {
    assertEquals(
        "0.0.0.0:8080->80/tcp, 9/tcp, [::1]:53->53/udp",
        ContainerWords.ports(
            List.of(port("", 8080, 80, "tcp"), port("::1", 53, 53, "udp"), port("", 0, 9, "tcp"))));
  }

  /** Case N11: neighbours on both sides are one range. */
  @Test
  void neighboursAreOneRange() {
    assertEquals(
        "0.0.0.0:8000-8002->80-82/tcp, 0.0.0.0:9003->83/tcp, 5-6/tcp, [::1]:8003->83/tcp,"
            + " 0.0.0.0:8003->83/udp",
        ContainerWords.ports(
            List.of(
                port("", 8002, 82, "tcp"),
                port("", 8000, 80, "tcp"),
                port("", 8003, 83, "udp"),
                port("::1", 8003, 83, "tcp"),
                port("", 9003, 83, "tcp"),
                port("", 0, 6, "tcp"),
                port("", 0, 5, "tcp"),
                port("", 8001, 81, "tcp"))));
    assertEquals(
        "0.0.0.0:8000->80/tcp, 0.0.0.0:8001->80/tcp",
        ContainerWords.ports(List.of(port("", 8000, 80, "tcp"), port("", 8001, 80, "tcp"))));
  }

  private static PortBinding port(String ip, int host, int inside, String protocol) {
    return PortBinding.newBuilder()
        .setHostIp(ip)
        .setHostPort(host)
        .setContainerPort(inside)
        .setProtocol(protocol)
        .build();
  }

  /** The names are those that docker's users know. */
  @Test
  void aContainersDocument() {
    Container container =
        Container.newBuilder()
            .setId("c0ffee")
            .setName("web")
            .setImageId("sha256:1")
            .setState(StateInfo.newBuilder().setState(State.STATE_RUNNING).setPid(7))
            .build();
    var document = ContainerDocument.of(container);
    assertEquals("c0ffee", document.get("Id").asText());
    assertEquals("/web", document.get("Name").asText());
    assertEquals("sha256:1", document.get("Image").asText());
    assertEquals("running", document.at("/State/Status").asText());
    assertEquals(7, document.at("/State/Pid").asInt());
    assertEquals("0001-01-01T00:00:00Z", document.at("/State/FinishedAt").asText());
    assertEquals("[\n    1\n]", Pretty.text(Json.mapper().createArrayNode().add(1)));
  }

  @Test
  void namesAsPeopleTypeThem() {
    assertEquals("busybox:1", ImageDocument.familiar("docker.io/library/busybox:1"));
    assertEquals("me/bb:1", ImageDocument.familiar("docker.io/me/bb:1"));
    assertEquals("localhost:5000/bb", ImageDocument.repository("localhost:5000/bb:1"));
    assertEquals("localhost:5000/bb", ImageDocument.repository("localhost:5000/bb"));
    assertEquals("<none>", ImageDocument.tag("localhost:5000/bb"));
    assertEquals("1", ImageDocument.tag("localhost:5000/bb:1"));
  }

  @Test
  void progressOffATerminalIsALineForEachStatus() {
    Progress step = Progress.newBuilder().setId("sha256:0123456789abcdef").setTotal(1000).build();
    String text =
        printed(out -> {
          ProgressView view = new ProgressView(out, /* terminal= */ false);
          for (int at = 0; at < 1000; at += 100) {
            view.show(step.toBuilder().setStatus("downloading").setCurrent(at).build());
          }
          view.show(step.toBuilder().setStatus("done").setCurrent(1000).build());
        });
    assertEquals("0123456789ab: downloading (1kB)\n0123456789ab: done (1kB)\n", text);
  }

  @Test
  void bytesAreBase64() {
    assertEquals(
        "AQI=",
        Document.of(Chunk.newBuilder().setData(ByteString.copyFrom(new byte[] {1, 2})).build())
            .get("data")
            .asText());
  }
}
