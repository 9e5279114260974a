package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What README.md shows, run as it stands there: of its lines only the instance's folder and the
 * published port are others. The instance is laid out as quickstart does it.
 */
@Tag("root")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class ReadmeIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final Path TOP = top();

  static Path top() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.exists(at.resolve("quickstart"))) {
      at = at.getParent();
      if (at == null) {
        throw new IllegalStateException("run this inside the source tree");
      }
    }
    return at;
  }

  /**
   * The services belong to the instance's own script from here on, and the image is quickstart's.
   */
  @BeforeAll
  static void layOut() throws Exception {
    for (String service : BerthInstance.SERVICES) {
      berth.kill(service);
    }
    Path bin = Files.createDirectories(berth.dir().resolve("bin"));
    script(bin.resolve("berth-services"), Files.readString(TOP.resolve("dist/berth-services")));
    script(
        bin.resolve("berth"),
        "#!/bin/sh\nexec \"%s/bin/berth\" --config \"%s\" \"$@\"\n"
            .formatted(berth.libexec(), berth.config()));
    Files.createDirectories(berth.dir().resolve("libexec"));
    Files.createSymbolicLink(berth.dir().resolve("libexec/build"), berth.libexec());
    services("start").exits(0);
    Path archive = berth.folder("image").resolve("busybox.tar");
    Command.run(TOP.resolve("dist/busybox-image").toString(), archive.toString()).exits(0);
    berth.berth("load", "-i", archive.toString()).exits(0).says("busybox:latest");
  }

  @AfterAll
  static void stop() {
    services("stop").exits(0);
  }

  private static Command services(String action) {
    return Command.run(berth.dir().resolve("bin/berth-services").toString(), action);
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, text);
    assertTrue(file.toFile().setExecutable(true));
  }

  /** The fenced blocks of a language in a section. */
  private static List<String> blocks(String section, String language) throws IOException {
    List<String> found = new ArrayList<>();
    boolean inside = false;
    StringBuilder block = null;
    for (String line : Files.readAllLines(TOP.resolve("README.md"))) {
      if (line.startsWith("## ")) {
        inside = line.equals("## " + section);
      } else if (inside && block == null && line.equals("```" + language)) {
        block = new StringBuilder();
      } else if (block != null && line.equals("```")) {
        found.add(block.toString());
        block = null;
      } else if (block != null) {
        block.append(line).append('\n');
      }
    }
    assertEquals(1, found.size(), section + " has blocks of " + language);
    return found;
  }

  private static String here(String text) {
    return text.replace("/var/tmp/berth", berth.dir().toString());
  }

  /** Line for line, in one shell; the first that fails ends it. */
  private static Command shell(String lines, Path folder) {
    String path = System.getProperty("java.home") + "/bin:" + System.getenv("PATH");
    return Command.run(
        List.of("bash", "-e", "-x", "-c", "cd " + folder + "\n" + lines),
        new byte[0],
        Map.of("PATH", path));
  }

  @Test
  @Order(1)
  void theTour() throws Exception {
    String port = String.valueOf(LocalRegistry.freePort());
    String lines = here(blocks("A tour", "sh").getFirst()).replace("8081", port);
    Command tour = shell(lines, berth.dir()).exits(0);
    assertTrue(tour.out().startsWith("hello\n"), tour.out());
    assertEquals(
        2, tour.out().lines().filter("<h1>It runs in Berth.</h1>"::equals).count(), tour.out());
    tour.says("0.0.0.0:" + port + "->80/tcp").says("response:200").says("httpd -f -v");
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }

  @Test
  @Order(2)
  void theProgram() throws Exception {
    String id = berth.berth("create", "--name", "listed", "busybox").exits(0).out().strip();
    Path folder = berth.folder("program");
    Files.writeString(
        folder.resolve("Containers.java"), here(blocks("A service by gRPC", "java").getFirst()));
    Command program = shell(here(blocks("A service by gRPC", "sh").getFirst()), folder).exits(0);
    assertEquals(id + " busybox\n", program.out());
    berth.berth("rm", "listed").exits(0);
  }
}
