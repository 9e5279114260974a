package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The script quickstart, as a person runs it, on one folder from the first run to {@code --stop}.
 * The build under test is assembled already and is put where quickstart looks for it.
 */
@Tag("root")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class QuickstartIT {
  private static final Path TOP = ReadmeIT.top();
  private static final String ID =
      HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt()).substring(2);
  private static final Path DIR = Path.of("/tmp", "bt-" + ID);
  private static final String PAGE = "<h1>It runs in Berth.</h1>";
  private static final String MARK = ".made-by-berth-quickstart";

  @TempDir static Path elsewhere;

  private static Leftovers before = Leftovers.NONE;

  @BeforeAll
  static void assembled() throws Exception {
    before = Leftovers.now(ID, DIR);
    Path libexec = Path.of(System.getProperty("berth.libexec"));
    String hash = Command.run(TOP.resolve("dist/build").toString()).exits(0).out().strip();
    for (String folder : List.of("etc", "libexec")) {
      Files.createDirectories(DIR.resolve(folder));
    }
    Files.createSymbolicLink(DIR.resolve("libexec").resolve(hash), libexec);
    Files.writeString(DIR.resolve(MARK), "made\n");
    Files.writeString(
        config(),
        """
        root = "%s/lib"
        state = "%s/run"
        instance = "%s"
        libexec = "of an earlier build"
        [network]
        pool = "10.%d.0.0/16"
        %s
        """
            .formatted(
                DIR, DIR, ID, 64 + ThreadLocalRandom.current().nextInt(32), BerthInstance.COLD));
  }

  @AfterAll
  static void nothingIsLeft() throws Exception {
    Command.run(line("--stop", "--dir", DIR.toString()), new byte[0], Map.of());
    Leftovers.killAll(ID, DIR);
    Leftovers after = Leftovers.now(ID, DIR);
    Leftovers.clean(ID, DIR);
    after.mustEqual(before);
  }

  private static Path config() {
    return DIR.resolve("etc/config.toml");
  }

  private static List<String> line(String... arguments) {
    List<String> line = new ArrayList<>(List.of(TOP.resolve("quickstart").toString()));
    line.addAll(List.of(arguments));
    return line;
  }

  private static Command quickstart(String... arguments) {
    return Command.run(line(arguments), new byte[0], Map.of());
  }

  private static Command berth(String... arguments) {
    List<String> line = new ArrayList<>(List.of(DIR.resolve("bin/berth").toString()));
    line.addAll(List.of(arguments));
    return Command.run(line, new byte[0], Map.of());
  }

  private static void refused(Command command, String why) {
    command.exits(1).says(why);
    assertEquals(1, command.err().lines().count(), command.err());
    assertEquals("", command.out());
  }

  // case Q1
  @ParameterizedTest
  @ValueSource(strings = {"/tmp/with space", "/tmp/a'b", "/tmp/100%", "/tmp/a\\b", "/tmp/a:b"})
  @Order(1)
  void aNameThatWouldNotWorkIsRefusedAtOnce(String dir) {
    refused(quickstart("--dir", dir), "can be in it");
    assertFalse(Files.exists(Path.of(dir)));
  }

  // case Q1: sockets have paths of 107 bytes at most.
  @Test
  @Order(1)
  void aLongNameIsRefusedAtOnce() {
    refused(quickstart("--dir", "/tmp/" + "x".repeat(62)), "66 are the most");
  }

  // case P2
  @Test
  @Order(1)
  void aPersonsOwnFolderIsRefusedAndNotTouched() throws Exception {
    Path own = Files.createDirectories(elsewhere.resolve("own"));
    for (String folder : List.of("bin", "run", "etc")) {
      Files.writeString(Files.createDirectories(own.resolve(folder)).resolve("mine"), "kept\n");
    }
    Files.writeString(own.resolve("etc/config.toml"), "instance = \"" + ID + "\"\n");
    refused(quickstart("--dir", own.toString()), "was not made by quickstart");
    refused(quickstart("--stop", "--dir", own.toString()), "was not made by quickstart");
    for (String folder : List.of("bin", "run", "etc")) {
      assertEquals("kept\n", Files.readString(own.resolve(folder).resolve("mine")));
    }
  }

  // case S6: whoever owns the folder decides what root runs from it.
  @Test
  @Order(1)
  void anotherUsersFolderIsRefused() throws Exception {
    Path other = Files.createDirectories(elsewhere.resolve("other"));
    Files.setAttribute(other, "unix:uid", 65534);
    refused(quickstart("--dir", other.toString()), "other users can write to it");
  }

  // case Q1: all ports taken, a proxy that does not answer, a relative folder, an earlier build's
  // configuration.
  @Test
  @Order(2)
  void thePageIsServedWhateverIsAround() throws Exception {
    List<ServerSocket> taken = new ArrayList<>();
    try {
      for (int port = 8080; port < 8100; port++) {
        taken.add(take(port));
      }
      Command first =
          Command.run(
              List.of(
                  "bash",
                  "-c",
                  "cd /tmp && exec " + TOP.resolve("quickstart") + " --dir " + DIR.getFileName()),
              new byte[0],
              Map.of("http_proxy", "http://127.0.0.1:9", "HTTP_PROXY", "http://127.0.0.1:9"));
      first.exits(0).says(PAGE).says("It runs: ");
      assertTrue(
          first
              .out()
              .lines()
              .anyMatch(line -> line.matches("\\$ curl http://127.0.0.1:(?!80[89]\\d/)\\d+/")),
          first.out());
    } finally {
      for (ServerSocket socket : taken) {
        socket.close();
      }
    }
    assertTrue(Files.readString(config()).contains("pool = "), "what was set there stays");
    // The README's tour begins with it.
    assertEquals("hello\n", berth("run", "--rm", "busybox", "echo", "hello").exits(0).out());
  }

  private static ServerSocket take(int port) throws IOException {
    ServerSocket socket = new ServerSocket();
    try {
      socket.bind(new InetSocketAddress(port));
    } catch (IOException e) {
      // Then it is taken all the same.
      socket.close();
    }
    return socket;
  }

  // case S6: no lock, pid or log that others can read.
  @Test
  @Order(3)
  void nothingIsReadableByOthers() {
    for (String folder : List.of("etc", "lib", "log", "run")) {
      assertEquals(
          "",
          Command.run(
                  "setpriv",
                  "--reuid",
                  "65534",
                  "--regid",
                  "65534",
                  "--clear-groups",
                  "find",
                  DIR.resolve(folder).toString(),
                  "-mindepth",
                  "1")
              .out());
    }
    Command files =
        Command.run(
            "find",
            DIR.toString(),
            "-maxdepth",
            "2",
            "-type",
            "f",
            "-perm",
            "/0044",
            "-not",
            "-path",
            "*/bin/*");
    assertEquals("", files.exits(0).out());
  }

  // case Q1: a busybox of the person's own, the state folder of another boot, a run killed half
  // way.
  @Test
  @Order(4)
  void againAfterABootWithAnImageOfThePersonsOwn() throws Exception {
    Path own =
        BusyboxImage.archive(
            Files.createDirectories(elsewhere.resolve("image")),
            "docker.io/library/busybox:latest",
            List.of(
                new BusyboxImage.Tar()
                    .file("nothing", 0644, "to run".getBytes(StandardCharsets.UTF_8))
                    .bytes()),
            List.of());
    berth("load", "-i", own.toString()).exits(0);
    String image = berth("images", "-q", "busybox").exits(0).out();
    Command.run(DIR.resolve("bin/berth-services").toString(), "stop").exits(0);
    Leftovers.killAll(ID, DIR);
    Files.writeString(DIR.resolve("run/containerd.boot"), "00000000-0000-0000-0000-000000000000\n");
    Files.delete(DIR.resolve("bin/berth-services"));
    Files.writeString(DIR.resolve("etc/config.toml.new"), "cut of");
    quickstart("--dir", DIR.toString()).exits(0).says(PAGE);
    assertEquals(image, berth("images", "-q", "busybox").exits(0).out());
  }

  // case Q1: curl's error said nothing of the container.
  @Test
  @Order(5)
  void aContainerThatEndsIsToldWithWhatItSaid() throws Exception {
    Path ending =
        BusyboxImage.archive(
            Files.createDirectories(elsewhere.resolve("ending")),
            "docker.io/library/berth-quickstart:latest",
            List.of(
                BusyboxImage.layer(),
                new BusyboxImage.Tar()
                    .file(
                        "bin/httpd",
                        0755,
                        "#!/bin/sh\necho no page today\nexit 3\n".getBytes(StandardCharsets.UTF_8))
                    .bytes()),
            List.of());
    berth("load", "-i", ending.toString()).exits(0);
    quickstart("--dir", DIR.toString()).exits(1).says("exit code 3").says("no page today");
  }

  // cases Q1, P2: two at once; only what was made goes.
  @Test
  @Order(6)
  void stopWaitsForAnotherAndRemovesWhatWasMade() throws Exception {
    Files.writeString(DIR.resolve("mine"), "kept\n");
    Files.writeString(DIR.resolve("bin/own"), "kept\n");
    Process holder =
        new ProcessBuilder("flock", DIR.resolve(MARK).toString(), "sh", "-c", "echo held; exec cat")
            .start();
    try {
      assertEquals("held", holder.inputReader().readLine());
      Process stop =
          new ProcessBuilder(line("--stop", "--dir", DIR.toString()))
              .redirectErrorStream(true)
              .start();
      BufferedReader said = stop.inputReader();
      assertEquals("waiting for another quickstart at " + DIR, said.readLine());
      assertTrue(Files.exists(DIR.resolve("bin/berth")));
      holder.getOutputStream().close();
      String last = said.lines().reduce("", (_, line) -> line);
      assertTrue(stop.waitFor(60, TimeUnit.SECONDS));
      assertEquals(0, stop.exitValue(), last);
      assertEquals("stopped; " + DIR + " stays, for it holds other files", last);
    } finally {
      holder.destroyForcibly().waitFor();
    }
    try (var left = Files.walk(DIR)) {
      assertEquals(
          List.of("", "bin", "bin/own", "mine"),
          left.map(path -> DIR.relativize(path).toString()).sorted().toList());
    }
    refused(quickstart("--stop", "--dir", DIR.toString()), "was not made by quickstart");
    Files.delete(DIR.resolve("mine"));
    Files.delete(DIR.resolve("bin/own"));
    Files.delete(DIR.resolve("bin"));
    quickstart("--stop", "--dir", DIR.toString()).exits(0).says("nothing runs under");
  }
}
