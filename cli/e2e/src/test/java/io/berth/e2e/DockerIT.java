package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Debian's dockerd 20.10, an instance of its own, with our socket as its containerd. */
@Tag("root")
final class DockerIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance();
  private static Process dockerd;
  private static Path dir;

  @BeforeAll
  static void startDockerd() throws Exception {
    dir = berth.folder("docker");
    Path log = dir.resolve("log");
    dockerd =
        new ProcessBuilder(
                "dockerd",
                "--containerd",
                berth.socket().toString(),
                "--bridge",
                "none",
                "--iptables=false",
                "--ip-masq=false",
                "--ip-forward=false",
                "--data-root",
                dir.resolve("data").toString(),
                "--exec-root",
                dir.resolve("exec").toString(),
                "--pidfile",
                dir.resolve("pid").toString(),
                "--host",
                "unix://" + dir.resolve("docker.sock"),
                "--containerd-namespace",
                "moby" + berth.id(),
                "--containerd-plugins-namespace",
                "plug" + berth.id(),
                "--cgroup-parent",
                "/docker" + berth.id())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    Eventually.answersWithin(
        Duration.ofMinutes(1),
        "answers",
        () -> docker("version").exit() + "\n" + Files.readString(log),
        answer -> answer.startsWith("0\n"));
    Command.run(line("import", "-", "busybox:test"), BusyboxImage.layer(), Map.of()).exits(0);
  }

  @AfterAll
  static void stopDockerd() throws Exception {
    dockerd.destroy();
    if (!dockerd.waitFor(30, TimeUnit.SECONDS)) {
      dockerd.destroyForcibly().waitFor();
    }
    Leftovers.deleteTree(dir);
  }

  private static List<String> line(String... arguments) {
    List<String> line =
        new ArrayList<>(List.of("docker", "--host", "unix://" + dir.resolve("docker.sock")));
    line.addAll(List.of(arguments));
    return line;
  }

  private static Command docker(String... arguments) {
    return Command.run(line(arguments), new byte[0], Map.of());
  }

  @Test
  void run_keepsOutputAndExitCodes() {
    assertEquals(
        "hello\n",
        docker("run", "--rm", "--network", "none", "busybox:test", "/bin/echo", "hello")
            .exits(0)
            .out());
    docker("run", "--rm", "--network", "none", "busybox:test", "/bin/sh", "-c", "exit 3").exits(3);
  }

  @Test
  void run_ofWhatCannotRunIs126Or127() {
    docker("run", "--rm", "--network", "none", "busybox:test", "nowhere").exits(127);
    docker("run", "--rm", "--network", "none", "busybox:test", "/etc/not-executable").exits(126);
  }

  @Test
  void run_takesInput() {
    Command cat =
        Command.run(
            line("run", "--rm", "-i", "--network", "none", "busybox:test", "/bin/cat"),
            "in\n".getBytes(StandardCharsets.UTF_8),
            Map.of());
    assertEquals("in\n", cat.exits(0).out());
  }

  @Test
  void aDetachedContainerHasExecLogsAndStop() {
    docker(
            "run",
            "-d",
            "--name",
            "d1",
            "--network",
            "none",
            "busybox:test",
            "/bin/sh",
            "-c",
            "echo started; trap 'exit 5' TERM; while true; do sleep 0.1; done")
        .exits(0);
    docker("exec", "d1", "/bin/sh", "-c", "exit 6").exits(6);
    docker("exec", "d1", "/bin/echo", "from-exec").exits(0).says("from-exec");
    docker("exec", "d1", "nowhere").exits(126);
    docker("logs", "d1").exits(0).says("started");
    docker("top", "d1").exits(0).says("sleep");
    docker("pause", "d1").exits(0);
    docker("unpause", "d1").exits(0);
    docker("stop", "d1").exits(0);
    assertEquals("5\n", docker("inspect", "-f", "{{.State.ExitCode}}", "d1").exits(0).out());
    docker("start", "d1").exits(0);
    docker("kill", "d1").exits(0);
    docker("rm", "-f", "d1").exits(0);
  }
}
