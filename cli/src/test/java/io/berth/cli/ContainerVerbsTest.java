package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.rpc.UnixServer;
import io.berth.testing.InProcessGrpc;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The verbs on containers and images that are there. */
final class ContainerVerbsTest {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);

  private final EngineDouble engine = new EngineDouble();
  private Lines lines = new Lines(Map.of());

  @BeforeEach
  void serve() throws IOException {
    lines = new Lines(engine.serve(grpc));
  }

  /** All are tried, each failure has its line. */
  @Test
  void severalContainers() {
    assertEquals(1, lines.berth("stop", "-t", "3", "a", "nope", "b"));
    assertEquals("a\nb\n", lines.out());
    assertEquals("berth: No such container: nope\n", lines.err());
    assertEquals(List.of("stop a 3", "stop nope 3", "stop b 3"), engine.asked);
  }

  // case L10: as docker has it, who forces a removal is told of what is not there, and no more.
  @Test
  void aForcedRemovalOfNothingIsNoFailure() {
    assertEquals(0, lines.berth("rm", "-f", "a", "nope"));
    assertEquals("a\n", lines.out());
    assertEquals("berth: No such container: nope\n", lines.err());
    assertEquals(1, lines.berth("rm", "nope"));
    assertEquals(1, lines.berth("rm", "-f", "nope", "held"));
    assertEquals(0, lines.berth("rmi", "-f", "nope"));
    assertEquals(1, lines.berth("rmi", "nope"));
  }

  // case L18
  @Test
  void allContainersAreEnded() {
    assertEquals(0, lines.berth("shutdown", "-t", "5"));
    assertEquals("ended: 3, of these by SIGKILL: 1\n", lines.out());
    assertEquals(List.of("endAll 5"), engine.asked);
  }

  @Test
  void waits() {
    assertEquals(0, lines.berth("wait", "a"));
    assertEquals("7\n", lines.out());
  }

  /** Each stream to its own. */
  @Test
  void logsKeepStreamsApart() {
    assertEquals(0, lines.berth("logs", "a"));
    assertEquals("one\npart", lines.out());
    assertEquals("two\n", lines.err());
  }

  /** As docker 20.10 prints them: sorted, escaped, before the line and after its time. */
  @Test
  void logsWithDetails() {
    assertEquals(0, lines.berth("logs", "--details", "a"));
    assertEquals("A=x%3D%2A~,tier=a+b one\nA=x%3D%2A~,tier=a+b part", lines.out());
    lines.reset();
    assertEquals(0, lines.berth("logs", "--details", "-t", "a"));
    assertTrue(
        lines.out().startsWith("1970-01-01T00:00:00.000000000Z A=x%3D%2A~,tier=a+b one\n"),
        lines.out());
  }

  @Test
  void topTakesTheOptionsOfPs() {
    assertEquals(0, lines.berth("top", "a"));
    assertEquals("PID                 CMD\n1                   sh -c x\n", lines.out());
    assertEquals(0, lines.berth("top", "a", "-o", "pid,comm", "--help"));
    assertEquals(0, lines.berth("container", "top", "a", "aux"));
    assertEquals(List.of("top -ef", "top -o pid,comm --help", "top aux"), engine.asked);
  }

  /** The two forms of docker 20.10. */
  @Test
  void eventsAreShownAsDockers() {
    assertEquals(0, lines.berth("events", "--since", "0", "--until", "1"));
    assertEquals(
        "1970-01-01T00:00:07.000000089Z container die c1 (exitCode=3, image=busybox, name=web)\n",
        lines.out());
    lines.reset();
    assertEquals(0, lines.berth("system", "events", "--format", "{{json .}}", "--filter", "a=b"));
    assertEquals(
        "{\"status\":\"die\",\"id\":\"c1\",\"from\":\"busybox\",\"Type\":\"container\","
            + "\"Action\":\"die\",\"Actor\":{\"ID\":\"c1\",\"Attributes\":{\"exitCode\":\"3\","
            + "\"image\":\"busybox\",\"name\":\"web\"}},\"scope\":\"local\",\"time\":7,"
            + "\"timeNano\":7000000089}\n",
        lines.out());
    lines.reset();
    assertEquals(0, lines.berth("events", "--format", "{{.Action}} {{.Actor.ID}} {{.Time}}"));
    assertEquals("die c1 7\n", lines.out());
    assertEquals(List.of("watch 0 1 []", "watch -1 -1 [a=b]", "watch -1 -1 []"), engine.asked);
  }

  @Test
  void lists() {
    assertEquals(0, lines.berth("ps", "--format", "{{.Names}} {{.Image}} {{.Command}}"));
    assertEquals("web busybox \"sh -c 'x y'\"\n", lines.out());
    lines.reset();
    // Cases F1, F3 and F4.
    assertEquals(
        0, lines.berth("ps", "--format", "table {{.Names}}\\t{{.State}}\\t{{.LocalVolumes}}"));
    assertTrue(lines.out().matches("NAMES     STATE  +LOCAL VOLUMES\nweb  .*0\n"), lines.out());
    lines.reset();
    assertEquals(1, lines.berth("ps", "--format", "{{.Stat}}"));
    assertEquals("", lines.out());
    assertTrue(lines.err().contains("field Stat in type"), lines.err());
    assertTrue(lines.err().contains("did you mean `State`?"), lines.err());
    lines.reset();
    assertEquals(0, lines.berth("ps", "-aq", "-notrunc"));
    assertEquals("0123456789abcdef\n", lines.out());
  }

  // Case F3: events have no type of docker's, and a key that is missing is an error all the same.
  @Test
  void tellsEventsByATemplate() {
    assertEquals(0, lines.berth("envelopes", "--format", "{{.topic}} {{.event.exit_status}}"));
    assertEquals("/tasks/exit 3\n", lines.out());
    lines.reset();
    assertEquals(1, lines.berth("envelopes", "--format", "{{.topik}}"));
    assertTrue(lines.err().contains("did you mean `topic`?"), lines.err());
  }

  @Test
  void inspects() {
    assertEquals(0, lines.berth("inspect", "-f", "{{.Name}}", "web"));
    assertEquals("/web\n", lines.out());
    lines.reset();
    assertEquals(0, lines.berth("inspect", "-f", "{{.Id}}", "busybox"));
    assertEquals("sha256:1\n", lines.out());
    lines.reset();
    assertEquals(1, lines.berth("inspect", "-f", "{{.Id}}", "nope"));
    assertEquals("", lines.out());
    assertEquals("berth: No such object: nope\n", lines.err());
  }

  @Test
  void inspectsNetworksAndVolumesAsWell() {
    assertEquals(0, lines.berth("inspect", "-f", "{{.Name}} {{.Driver}}", "red", "data"));
    assertEquals("red bridge\ndata local\n", lines.out());
    lines.reset();
    assertEquals(0, lines.berth("inspect", "--type", "volume", "-f", "{{.Mountpoint}}", "data"));
    assertEquals("/v/data\n", lines.out());
    lines.reset();
    assertEquals(1, lines.berth("inspect", "--type", "network", "data"));
    assertTrue(lines.err().contains("network `data`: none"), lines.err());
  }

  /** Layers are told as done, too, and are no images: a line was printed for each of them. */
  @Test
  void loadsWhatIsLargerThanAMessage() {
    lines.input(new byte[5 << 20]);
    assertEquals(0, lines.berth("load"));
    assertEquals("Loaded image: busybox:latest\n", lines.out());
    assertEquals(List.of("loaded " + (5 << 20)), engine.asked);
  }

  /** A call is named by its gRPC method, with the last part of its service's name. */
  @Test
  void callsAreTimedByTheirNames() {
    assertEquals(0, lines.berth("--timing", "ps", "-q"));
    assertTrue(lines.err().matches(" 1 Containers\\.List +\\d+\\.\\d\\d ms\n"), lines.err());
  }

  /** What names a network for other verbs; an empty line would name none. */
  @Test
  void networksThatHaveNoId_areListedByTheirNames() {
    assertEquals(0, lines.berth("network", "ls", "-q"));
    assertEquals("0123456789ab\nhost\n", lines.out());
  }

  @Test
  void aFilterThatNobodyAppliesIsRefused() {
    assertEquals(1, lines.berth("history", "--filter", "a=b", "busybox"));
    assertEquals(
        "berth: --filter `a=b`: there are no filters for the history of an image\n", lines.err());
  }
}
