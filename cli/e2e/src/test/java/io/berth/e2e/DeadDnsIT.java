package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.testing.Eventually;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Nobody answers what address a name has: the machine's name server takes the question and says
 * nothing, or there is none.
 */
@Tag("root")
final class DeadDnsIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  private static final String IMAGE = "busybox:test";
  private static final String SILENT = "127.53.53.53";
  private static List<String> before = List.of();

  @SuppressWarnings("NullAway.Init")
  private DatagramSocket server;

  @SuppressWarnings("NullAway.Init")
  private static Path resolver;

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
    resolver = berth.folder("resolver").resolve("resolv.conf");
    berth.words("run --rm --network none " + IMAGE + " true").exits(0);
    before = berth.recorded();
  }

  @BeforeEach
  void listen() throws Exception {
    server = new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral(SILENT), 53));
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    server.close();
    Eventually.answers("nothing is left: " + before, berth::recorded, before::equals);
  }

  private static void resolvers(String lines) throws Exception {
    Files.writeString(resolver, lines);
    berth.kill("image");
    berth.startWithResolver("image", resolver);
    berth.awaitAnswer("image");
  }

  private static CompletableFuture<Command> beside(String line) {
    return CompletableFuture.supplyAsync(() -> berth.words(line), Command.READERS);
  }

  /** What does not need the name goes on meanwhile. */
  @Test
  void aNameServerThatIsSilent_holdsUpOnlyWhoNeedsIt_andIsNamed() throws Exception {
    resolvers("nameserver " + SILENT + "\n");
    CompletableFuture<Command> pull = beside("pull -q nobody.example.test/x:1");
    berth.words("run --rm --network none " + IMAGE + " true").exits(0);
    berth.words("images").exits(0);
    try (LocalRegistry registry = new LocalRegistry(berth.folder("registry"))) {
      registry.put("small", "1", OciImage.of(List.of(new BusyboxImage.Tar().bytes())));
      berth.berth("pull", "-q", "--plain-http", registry.ref("small:1")).exits(0);
      berth.words("rmi " + registry.ref("small:1")).exits(0);
    }
    Command failed = pull.get(120, TimeUnit.SECONDS);
    failed.failsInOneLine("nobody.example.test").says("/etc/resolv.conf");
  }

  @Test
  void aMachineWithoutANameServer_isTold() throws Exception {
    resolvers("");
    berth
        .words("pull -q nobody.example.test/x:1")
        .failsInOneLine("nobody.example.test")
        .says("/etc/resolv.conf");
    berth
        .words("run -q --rm --network none nobody.example.test/x:1")
        .failsInOneLine("nobody.example.test");
  }

  @Test
  void whoGivesUp_isFreeAtOnce() throws Exception {
    resolvers("nameserver " + SILENT + "\n");
    List<String> line = new ArrayList<>(List.of("env", "--default-signal=INT"));
    line.addAll(berth.line("pull", "-q", "nobody.example.test/x:1"));
    Process client = new ProcessBuilder(line).start();
    byte[] question = new byte[512];
    server.receive(new DatagramPacket(question, question.length));
    Command.run("kill", "-INT", Long.toString(client.pid())).exits(0);
    assertEquals(true, client.waitFor(4, TimeUnit.SECONDS), "ended before the resolver gave up");
    assertEquals(130, client.exitValue());
  }

  /** A container's own name server is nobody else's. */
  @Test
  void aContainerWhoseNamesAreNotAnswered_harmsNobody() throws Exception {
    CompletableFuture<Command> asks =
        beside("run --rm --name asks --dns " + SILENT + " " + IMAGE + " nslookup example.test");
    berth.words("run --rm --network none " + IMAGE + " true").exits(0);
    berth.words("ps").exits(0);
    Command asked = asks.get(120, TimeUnit.SECONDS);
    assertEquals(1, asked.exit(), asked::toString);
  }
}
