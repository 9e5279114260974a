package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script berth-services over programs that become services only when they are told to, as on a
 * machine that has much to do; until then their command lines say nothing of an instance.
 */
final class ServicesScriptTest { // case K5
  private static final List<String> SERVICES = List.of("image", "network", "containerd");

  @TempDir Path folder;

  @BeforeEach
  void instance() throws Exception {
    for (String each : List.of("bin", "etc", "run", "libexec/bin")) {
      Files.createDirectories(folder.resolve(each));
    }
    Files.writeString(
        folder.resolve("etc/config.toml"),
        "state = \"%1$s/run\"\nlibexec = \"%1$s/libexec\"\n".formatted(folder));
    // Tests run in the folder of their module.
    Files.copy(Path.of("../../dist/berth-services").toAbsolutePath(), script());
    for (String service : SERVICES) {
      Path program = folder.resolve("libexec/bin/berth-" + service);
      Files.writeString(program, program());
      Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    }
  }

  @AfterEach
  void stop() {
    Command.run(script().toString(), "stop").exits(0);
  }

  /** What stands in a service's place. */
  private String program() {
    return """
    #!/bin/sh
    echo $$ >>"%1$s/starts"
    [ ! -e "%1$s/broken" ] || { echo "cannot start"; exit 1; }
    exec perl -MIO::Socket::UNIX -e '
      until (-e $ARGV[0]) { select(undef, undef, undef, 0.01) }
      $socket = IO::Socket::UNIX->new(Local => $ARGV[1], Listen => 1) or die;
      sleep' "%1$s/go" "%1$s/run/${0##*/berth-}.sock"
    """
        .formatted(folder);
  }

  private Path script() {
    return folder.resolve("bin/berth-services");
  }

  private CompletableFuture<Command> start() {
    return CompletableFuture.supplyAsync(
        () -> Command.run(script().toString(), "start"), Command.READERS);
  }

  private List<String> starts() throws Exception {
    Path file = folder.resolve("starts");
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  @Test
  void waitsForWhatItStarted_andTwoAtOnceMakeOne() throws Exception {
    CompletableFuture<Command> first = start();
    Eventually.holds("all were started", () -> starts().size() == SERVICES.size());
    CompletableFuture<Command> second = start();
    Files.createFile(folder.resolve("go"));
    first.join().exits(0);
    second.join().exits(0);
    start().join().exits(0);
    assertEquals(SERVICES.size(), starts().size());
    Command.run(script().toString(), "status").exits(0);
  }

  @Test
  void saysAtOnceWhatAProgramSaidThatEnds() throws Exception {
    Files.createFile(folder.resolve("broken"));
    start().join().exits(1).says("cannot start");
  }

  /** A process whose command line has these words, on record as the resident command line. */
  private Process resident(String... words) throws Exception {
    List<String> line = new ArrayList<>(List.of("perl", "-e", "sleep", "--"));
    line.addAll(List.of(words));
    Process process = new ProcessBuilder(line).start();
    Files.writeString(folder.resolve("run/cli.pid"), process.pid() + "\n");
    return process;
  }

  @Test
  void theResidentCommandLineEndsWithTheServices() throws Exception {
    String config = folder.resolve("etc/config.toml").toRealPath().toString();
    Process own = resident("--lock=3", "--config", config);
    try {
      Command.run(script().toString(), "stop", "image").exits(0);
      assertTrue(own.isAlive(), "one service of several was stopped");
      Command.run(script().toString(), "stop").exits(0);
      assertTrue(own.waitFor(20, TimeUnit.SECONDS), "it has ended");
    } finally {
      own.destroyForcibly();
    }
  }

  @Test
  void aProcessThatHasItsNumberIsLeftAlone() throws Exception {
    Process other = resident("--config", folder.resolve("etc/config.toml") + ".other");
    try {
      Command.run(script().toString(), "stop").exits(0);
      assertTrue(other.isAlive());
    } finally {
      other.destroyForcibly();
    }
  }
}
