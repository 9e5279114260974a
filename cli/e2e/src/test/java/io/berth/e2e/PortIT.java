package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Published ports and the network of containers through the command line, with real packets: from
 * this host, from another one, from other containers.
 */
@Tag("root")
final class PortIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";

  @SuppressWarnings("NullAway.Init")
  private static OutsideHost outside;

  @BeforeAll
  static void open() throws Exception {
    outside = new OutsideHost(berth.id(), berth.folder("outside"));
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  @AfterAll
  static void close() throws Exception {
    outside.close();
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    List<String> line = new ArrayList<>(List.of("rm", "-f"));
    berth.berth("ps", "-aq", "--no-trunc").exits(0).out().lines().forEach(line::add);
    if (line.size() > 2) {
      berth.berth(line.toArray(String[]::new)).exits(0);
    }
    eventually(
        "endpoints, elements or links of removed containers",
        () -> endpoints().equals("0") && elements().isEmpty() && links() == pins());
  }

  private static String endpoints() {
    return berth
        .berth("network", "inspect", "-f", "{{.Endpoints}}", "bridge")
        .exits(0)
        .out()
        .strip();
  }

  /** What the published ports lead to, in the instance's table. */
  private static List<String> elements() {
    return Command.run("nft", "list", "table", "inet", "berth_" + berth.id())
        .out()
        .lines()
        .filter(line -> line.contains("elements") || line.matches("\\s+(tcp|udp) \\. .*"))
        .toList();
  }

  /** Host ends of cables on the instance's bridge: of containers, and of the pool of ready ones. */
  private static long links() {
    return Command.run("ip", "-o", "link", "show", "master", "br-" + berth.id())
        .out()
        .lines()
        .count();
  }

  private static long pins() {
    try (Stream<Path> pins = Files.list(berth.state().resolve("n"))) {
      return pins.count();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void eventually(String what, BooleanSupplier condition) throws Exception {
    Eventually.answers(
        what,
        () -> endpoints() + elements() + links() + " links, " + pins() + " pins",
        _ -> condition.getAsBoolean());
  }

  /** A container that answers, with more options of run. */
  private static void answering(String name, String... options) {
    List<String> line = new ArrayList<>(List.of("run", "-d", "--name", name));
    line.addAll(List.of("-v", outside.program() + ":/answer:ro"));
    line.addAll(List.of(options));
    line.addAll(List.of(IMAGE, "/answer", "serve", "7000"));
    berth.berth(line.toArray(String[]::new)).exits(0);
  }

  private static String hostPort(String name, String inside) {
    String text = berth.berth("port", name, inside).exits(0).out().strip();
    return text.substring(text.lastIndexOf(':') + 1);
  }

  private static String address(String name) {
    return inspect(name, "{{.NetworkSettings.IPAddress}}");
  }

  private static String inspect(String name, String template) {
    return berth.berth("inspect", "-f", template, name).exits(0).out().strip();
  }

  private static Command ask(String protocol, String address, String port) {
    return Command.run(outside.program().toString(), "ask", protocol, address, port);
  }

  /** Asks from a container of its own, on the default network. */
  private static Command askInside(String protocol, String address, String port) {
    return berth.berth(
        "run",
        "--rm",
        "-v",
        outside.program() + ":/answer:ro",
        IMAGE,
        "/answer",
        "ask",
        protocol,
        address,
        port);
  }

  @Test
  void everyWayToAPublishedPort() {
    answering("web", "-p", "7000", "-p", "7000/udp");
    String gateway = inspect("web", "{{.NetworkSettings.Gateway}}");
    for (String protocol : List.of("tcp", "udp")) {
      String port = hostPort("web", "7000/" + protocol);
      assertTrue(Integer.parseInt(port) >= 49153, port);
      // Whom the container sees: loopback cannot be answered to, so it is the gateway.
      seen(ask(protocol, "127.0.0.1", port), protocol, gateway);
      seen(ask(protocol, outside.hostAddress(), port), protocol, outside.hostAddress());
      seen(outside.ask(protocol, outside.hostAddress(), port), protocol, outside.address());
      askInside(protocol, outside.hostAddress(), port).exits(0).says(protocol + " from ");
      askInside(protocol, gateway, port).exits(0).says(protocol + " from ");
      // Directly, in the same network: its own address is seen.
      askInside(protocol, address("web"), "7000").exits(0).saysNo("from " + gateway + "\n");
      // The container itself, through its own published port.
      berth
          .berth("exec", "web", "/answer", "ask", protocol, outside.hostAddress(), port)
          .exits(0)
          .says(protocol + " from ");
    }
    berth
        .berth("port", "web")
        .exits(0)
        .says("7000/tcp -> 0.0.0.0:" + hostPort("web", "7000"))
        .says("7000/udp -> 0.0.0.0:" + hostPort("web", "7000/udp"));
    berth.berth("ps").exits(0).says("0.0.0.0:" + hostPort("web", "7000") + "->7000/tcp");
    berth.berth("port", "web", "7001").exits(1).says("7001");
  }

  private static void seen(Command answer, String protocol, String from) {
    assertEquals(protocol + " from " + from + "\n", answer.exits(0).out());
  }

  @Test
  void onlyAtTheAddressThatWasAskedFor() {
    String port = String.valueOf(LocalRegistry.freePort());
    answering("local", "-p", "127.0.0.1:" + port + ":7000");
    ask("tcp", "127.0.0.1", port).exits(0);
    ask("tcp", outside.hostAddress(), port).exits(1);
    outside.ask("tcp", outside.hostAddress(), port).exits(1);
  }

  @Test
  void stopReleasesThePortAndStartTakesItAgain() throws Exception {
    int port = LocalRegistry.freePort();
    answering("brief", "-p", port + ":7000");
    assertThrows(BindException.class, () -> new ServerSocket(port).close());
    ask("tcp", "127.0.0.1", String.valueOf(port)).exits(0);
    berth.berth("stop", "-t", "0", "brief").exits(0);
    new ServerSocket(port).close();
    ask("tcp", "127.0.0.1", String.valueOf(port)).exits(1);
    berth.berth("start", "brief").exits(0);
    ask("tcp", "127.0.0.1", String.valueOf(port)).exits(0);
    berth.berth("rm", "-f", "brief").exits(0);
    new ServerSocket(port).close();
    assertEquals("0", endpoints());
  }

  @Test // An address comes again as late as possible.
  void theNextContainerHasAnotherAddress() {
    answering("first");
    String first = address("first");
    berth.berth("rm", "-f", "first").exits(0);
    answering("second");
    assertNotEquals(first, address("second"));
  }

  @Test // Behind this host's address.
  void theWayOut() throws Exception {
    outside.serve(7100);
    for (String protocol : List.of("tcp", "udp")) {
      eventuallyAnswers(protocol);
      seen(askInside(protocol, outside.address(), "7100"), protocol, outside.hostAddress());
    }
  }

  private static void eventuallyAnswers(String protocol) throws Exception {
    Eventually.answers(
        "answers", () -> ask(protocol, outside.address(), "7100"), answer -> answer.exit() == 0);
  }

  @Test
  void theFilesOfNames() {
    String script = "cat /etc/hosts /etc/hostname /etc/resolv.conf; hostname; ip addr show eth0";
    String text =
        berth
            .berth(
                "run",
                "--rm",
                "-h",
                "inside",
                "--dns",
                "198.19.255.53",
                "--dns-search",
                "example.test",
                "--add-host",
                "peer:198.19.255.1",
                IMAGE,
                "sh",
                "-c",
                script)
            .exits(0)
            .out();
    List<String> lines = text.lines().toList();
    assertTrue(lines.contains("127.0.0.1\tlocalhost"), text);
    assertTrue(lines.contains("198.19.255.1\tpeer"), text);
    assertTrue(lines.contains("nameserver 198.19.255.53"), text);
    assertTrue(lines.contains("search example.test"), text);
    assertEquals(2, lines.stream().filter("inside"::equals).count(), text);
    String own = lines.stream().filter(line -> line.endsWith("\tinside")).findFirst().orElseThrow();
    String address = own.substring(0, own.indexOf('\t'));
    assertTrue(text.contains("inet " + address + "/"), text);
  }

  @Test
  void otherKindsOfNetwork() throws Exception {
    String links = "ip -o link | cut -d: -f2 | cut -d@ -f1 | tr -d ' '";
    assertEquals(
        "lo\n",
        berth.berth("run", "--rm", "--network", "none", IMAGE, "sh", "-c", links).exits(0).out());
    for (String kind : List.of("none", "host")) {
      berth.berth("run", "-d", "--name", "on-" + kind, "--network", kind, IMAGE, "sleep", "1000");
      String names = "{{range .Containers}}{{.Name}} {{end}}";
      assertEquals(
          "on-" + kind + " \n",
          berth.berth("network", "inspect", "-f", names, kind).exits(0).out());
      berth.berth("restart", "-t", "0", "on-" + kind).exits(0);
      berth.berth("rm", "-f", "on-" + kind).exits(0);
    }
    List<String> host =
        berth
            .berth("run", "--rm", "--network", "host", IMAGE, "sh", "-c", links)
            .exits(0)
            .out()
            .lines()
            .toList();
    assertTrue(host.contains("bto" + berth.id()), () -> String.join(" ", host));

    answering("owner", "-h", "owner");
    Command guest =
        berth
            .berth(
                "run",
                "--rm",
                "--network",
                "container:owner",
                "-v",
                outside.program() + ":/answer:ro",
                IMAGE,
                "sh",
                "-c",
                "/answer ask tcp 127.0.0.1 7000; hostname; cat /etc/hosts")
            .exits(0);
    guest.says("tcp from 127.0.0.1").says(address("owner") + "\towner");
    assertTrue(guest.out().lines().anyMatch("owner"::equals), guest.out());
    berth
        .berth("run", "--rm", "--network", "container:nobody", IMAGE, "true")
        .exits(125)
        .says("nobody");
  }

  @Test
  void aNetworkOfOnesOwn() {
    berth.berth("network", "create", "n" + berth.id()).exits(0);
    answering("there", "--network", "n" + berth.id(), "-p", "7000");
    answering("here");
    ask("tcp", "127.0.0.1", hostPort("there", "7000")).exits(0);
    // Networks do not see each other, but for what is published.
    berth.berth("exec", "here", "/answer", "ask", "tcp", address("there"), "7000").exits(1);
    berth
        .berth(
            "exec",
            "here",
            "/answer",
            "ask",
            "tcp",
            outside.hostAddress(),
            hostPort("there", "7000"))
        .exits(0);
    Command refused = berth.berth("network", "rm", "n" + berth.id()).exits(1);
    assertEquals(1, refused.err().lines().count(), refused.err());
    berth.berth("rm", "-f", "there").exits(0);
    berth.berth("network", "rm", "n" + berth.id()).exits(0);
    berth.berth("network", "ls").exits(0).saysNo("n" + berth.id());
  }

  /** Two transfers at once, from here and from another host, each as slow as the kills take. */
  @Test
  void aTransferOutlivesEveryService() throws Exception {
    Path served = berth.folder("served");
    byte[] bytes = new byte[60 << 20];
    new Random(7).nextBytes(bytes);
    Files.write(served.resolve("big"), bytes);
    String sum = BusyboxImage.sha256(bytes);
    berth
        .words(
            "run -d --name files -p 80 -v %s:/served:ro %s httpd -f -p 80 -h /served"
                .formatted(served, IMAGE))
        .exits(0);
    String port = hostPort("files", "80");
    Path here = berth.folder("got").resolve("here");
    Path there = berth.folder("got").resolve("there");
    Process fromHere = download(List.of(), "127.0.0.1:" + port, here);
    Process fromThere = download(outside.there(), outside.hostAddress() + ":" + port, there);
    try {
      halfway(here, bytes.length / 10);
      halfway(there, bytes.length / 10);
      berth.kill("network");
      long atKill = Files.size(there);
      halfway(there, atKill + (2 << 20));
      berth.start("network");
      berth.awaitAnswer("network");
      halfway(there, Files.size(there) + (1 << 20));
      for (String service : BerthInstance.SERVICES) {
        berth.kill(service);
      }
      berth.killShimProcesses();
      // Both still grow while nothing of ours is there.
      long hereAtAll = Files.size(here);
      halfway(there, Files.size(there) + (2 << 20));
      halfway(here, hereAtAll + (2 << 20));
      berth.startMissing();
      assertTrue(fromHere.waitFor(60, TimeUnit.SECONDS) && fromThere.waitFor(60, TimeUnit.SECONDS));
    } finally {
      fromHere.destroyForcibly().waitFor();
      fromThere.destroyForcibly().waitFor();
      berth.startMissing();
    }
    assertEquals(0, fromHere.exitValue(), Files.readString(here.resolveSibling("here.err")));
    assertEquals(0, fromThere.exitValue(), Files.readString(there.resolveSibling("there.err")));
    assertEquals(sum, BusyboxImage.sha256(Files.readAllBytes(here)));
    assertEquals(sum, BusyboxImage.sha256(Files.readAllBytes(there)));

    // As before: known, reachable, stoppable; and the port can be given again.
    assertEquals("1", endpoints());
    assertEquals(port, hostPort("files", "80"));
    Command again =
        Command.run("curl", "-sS", "-m", "20", "-r", "0-9", "http://127.0.0.1:" + port + "/big");
    again.exits(0);
    berth.berth("rm", "-f", "files").exits(0);
    new ServerSocket(Integer.parseInt(port), 1, InetAddress.getByName("0.0.0.0")).close();
  }

  private static Process download(List<String> prefix, String from, Path to) throws IOException {
    List<String> line = new ArrayList<>(prefix);
    line.addAll(
        List.of(
            "curl", "-sS", "--limit-rate", "2M", "-o", to.toString(), "http://" + from + "/big"));
    return new ProcessBuilder(line)
        .redirectErrorStream(true)
        .redirectOutput(to.resolveSibling(to.getFileName() + ".err").toFile())
        .start();
  }

  private static void halfway(Path file, long bytes) throws Exception {
    Eventually.answers("gets so far", () -> Files.size(file), size -> size >= bytes);
  }
}
