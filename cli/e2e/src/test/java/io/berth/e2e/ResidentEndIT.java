package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The resident command line does not outlive what it is for; this test listens as a service. */
@Tag("root")
final class ResidentEndIT {
  @TempDir Path folder;
  private Path socket;
  private ServerSocketChannel service;
  private Process resident;

  @BeforeEach
  void start() throws Exception {
    socket = folder.resolve("cli.sock");
    service =
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
            .bind(UnixDomainSocketAddress.of(folder.resolve("containerd.sock")));
    Path config = Files.writeString(folder.resolve("config.toml"), "state = \"" + folder + "\"\n");
    resident =
        new ProcessBuilder(
                "bash",
                "-c",
                "exec \"$1/bin/berth-resident\" --lock=9 --config \"$2\" 9>\"$3\"",
                "resident",
                System.getProperty("berth.libexec"),
                config.toString(),
                folder.resolve("cli.lock").toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    Eventually.holds("it listens", () -> Files.exists(socket));
  }

  @AfterEach
  void end() throws Exception {
    service.close();
    resident.destroyForcibly().waitFor();
  }

  @Test
  void itEndsWithTheServices() throws Exception {
    service.close(); // whose socket stays, as a service's does
    assertTrue(resident.waitFor(1, TimeUnit.MINUTES), "it ends");
    assertFalse(Files.exists(socket), "its name");
    assertFalse(Files.exists(folder.resolve("cli.pid")), "who it was");
  }

  @Test
  void itEndsWhenItsSocketIsGone() throws Exception {
    Files.delete(socket);
    assertTrue(resident.waitFor(1, TimeUnit.MINUTES), "it ends");
  }
}
