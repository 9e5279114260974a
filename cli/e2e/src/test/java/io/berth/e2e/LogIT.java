package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.layout.StateFolders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the services write down at their loudest, and what never. */
@Tag("root")
final class LogIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String SECRET = "hunter2-is-my-password";

  private static List<Path> logs() throws IOException {
    List<Path> logs = new ArrayList<>();
    for (String service : BerthInstance.SERVICES) {
      logs.add(berth.dir().resolve("log").resolve(service + ".log"));
    }
    try (Stream<Path> files = Files.walk(new StateFolders(berth.state()).shimProcesses(), 2)) {
      files.filter(path -> path.endsWith("log")).forEach(logs::add);
    }
    return logs;
  }

  @Test
  void theDebugLogHasMethodsButNoValues() throws Exception {
    for (String service : BerthInstance.SERVICES) {
      berth.kill(service);
    }
    Path config = berth.config();
    Files.writeString(
        config, Files.readString(config).replace("log_level = \"info\"", "log_level = \"debug\""));
    var _ = berth.killShimProcesses();
    berth.startMissing();
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
    String[] run = {
      "run",
      "-d",
      "--name",
      "loud",
      "--network",
      "none",
      "-e",
      "TOKEN=" + SECRET,
      "--label",
      "l=" + SECRET,
      "busybox:test",
      "sh",
      "-c",
      "echo " + SECRET + "; sleep 1000"
    };
    berth.berth(run).exits(0);
    berth.berth("exec", "-e", "TOKEN=" + SECRET, "loud", "sh", "-c", ": " + SECRET).exits(0);
    // What fails is told with more words.
    berth.berth("exec", "-e", "TOKEN=" + SECRET, "loud", "no-such", SECRET).exits(127);
    String[] broken = {
      "run", "--rm", "--network", "none", "-e", "TOKEN=" + SECRET, "busybox:test", "no-such", SECRET
    };
    berth.berth(broken).exits(127);
    berth.berth("pull", "-u", "me:" + SECRET, "127.0.0.1:1/x:1").exits(1);
    Command.run(
            List.of(
                berth.libexec().resolve("bin/berth").toString(),
                "--config",
                config.toString(),
                "login",
                "127.0.0.1:1",
                "-u",
                "me",
                "--password-stdin"),
            SECRET.getBytes(StandardCharsets.UTF_8),
            Map.of("HOME", berth.folder("home").toString()))
        .exits(1);
    berth.berth("rm", "-f", "loud").exits(0);
    boolean methods = false;
    for (Path log : logs()) {
      String text = Files.readString(log);
      assertFalse(text.contains(SECRET), () -> log + ":\n" + around(text));
      methods |= text.contains("berth.container.v1.Containers/Run from ");
    }
    assertTrue(methods, "the debug log tells of calls");
  }

  private static String around(String text) {
    return text.lines().filter(line -> line.contains(SECRET)).findFirst().orElse("");
  }

  @Test
  void aServiceRefusesWhatItDoesNotKnow() {
    for (String service : List.of("containerd", "image", "network", "shim")) {
      Command refused =
          Command.run(berth.libexec().resolve("bin/berth-" + service).toString(), "--bogus");
      refused.exits(2).says("unknown argument `--bogus`");
    }
    Command quiet =
        Command.run(
            List.of(
                berth.libexec().resolve("bin/berth-image").toString(),
                "--config",
                berth.config().toString(),
                "--check-config"),
            new byte[0],
            Map.of("LOG_LEVEL", "shout"));
    quiet.exits(2).says("`shout`");
  }
}
