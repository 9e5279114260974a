package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Health checks from end to end. Rows MB-45, MB-112. */
@Tag("root")
final class HealthIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";
  private static final String CHECKED = "checked:test";

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
    Path checked =
        BusyboxImage.archive(
            berth.folder("checked"),
            "docker.io/library/" + CHECKED,
            """
            ,"Healthcheck":{"Test":["CMD","test","-e","/ok"],"Interval":200000000,"Retries":2}\
            """);
    berth.berth("load", "-i", checked.toString()).exits(0);
  }

  @AfterEach
  void remove() {
    List<String> line = new ArrayList<>(List.of("rm", "-f"));
    berth.berth("ps", "-aq", "--no-trunc").exits(0).out().lines().forEach(line::add);
    if (line.size() > 2) {
      berth.berth(line.toArray(String[]::new)).exits(0);
    }
  }

  private static void run(String name, String... words) {
    List<String> line = new ArrayList<>(List.of("run", "-d", "--network=none", "--name", name));
    line.addAll(List.of(words));
    berth.berth(line.toArray(String[]::new)).exits(0);
  }

  private static String inspect(String name, String template) {
    return berth.berth("inspect", "-f", template, name).exits(0).out().strip();
  }

  private static void becomes(String name, String status) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!inspect(name, "{{.State.Health.Status}}").equals(status)) {
      assertTrue(
          System.nanoTime() < deadline,
          () -> status + ": " + berth.berth("inspect", "-f", "json", name).out());
      Thread.sleep(100);
    }
  }

  private static String status(String name) {
    return berth
        .berth("ps", "-a", "--filter", "name=" + name, "--format", "{{.Status}}")
        .exits(0)
        .out()
        .strip();
  }

  @Test
  void fromStartingToUnhealthyAndBack() throws Exception {
    run(
        "web",
        "--health-cmd=echo said; test -e /ok",
        "--health-interval=200ms",
        "--health-retries=2",
        "--health-start-period=1s",
        IMAGE,
        "sleep",
        "999");
    assertTrue(status("web").endsWith("(health: starting)"), status("web"));
    becomes("web", "unhealthy");
    assertTrue(status("web").matches("Up .* \\(unhealthy\\)"), status("web"));
    berth.berth("ps", "-q", "--filter", "health=unhealthy").exits(0).says(id("web"));
    String document = berth.berth("inspect", "web").exits(0).out();
    assertTrue(document.contains("\"Output\": \"said\\n\""), document);
    assertTrue(document.contains("\"ExitCode\": 1"), document);
    assertEquals("200000000", inspect("web", "{{.Config.Healthcheck.Interval}}"));
    assertEquals("[]", inspect("web", "{{.ExecIDs}}").replace("null", "[]"));
    berth.berth("exec", "web", "touch", "/ok").exits(0);
    becomes("web", "healthy");
    assertEquals("0", inspect("web", "{{.State.Health.FailingStreak}}"));
    assertTrue(status("web").endsWith("(healthy)"), status("web"));
  }

  private static String id(String name) {
    return inspect(name, "{{.Id}}").substring(0, 12);
  }

  @Test // The event, once for each change.
  void changesAreEvents() throws Exception {
    Path events = berth.folder("events").resolve("events");
    Process follower =
        new ProcessBuilder(
                berth.libexec().resolve("bin/berth").toString(),
                "--config",
                berth.config().toString(),
                "events")
            .redirectOutput(events.toFile())
            .start();
    try {
      for (int i = 0; Files.size(events) == 0; i++) {
        berth.berth("namespaces", "create", "heard" + i).exits(0);
        berth.berth("namespaces", "rm", "heard" + i).exits(0);
      }
      run("told", "--health-cmd=true", "--health-interval=100ms", IMAGE, "sleep", "999");
      becomes("told", "healthy");
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      List<String> lines = List.of();
      while (lines.isEmpty() && System.nanoTime() < deadline) {
        Thread.sleep(200);
        lines =
            Files.readAllLines(events).stream()
                .filter(line -> line.contains("/containers/health_status"))
                .toList();
      }
      assertEquals(1, lines.size(), lines.toString());
      assertTrue(lines.getFirst().contains("\"healthy\""), lines.toString());
      assertTrue(lines.getFirst().contains("\"told\""), lines.toString());
    } finally {
      follower.destroy();
      follower.waitFor();
    }
  }

  @Test // A probe that hangs is killed; one that cannot be run has failed.
  void probesThatHangOrAreMissing() throws Exception {
    run(
        "hung",
        "--health-cmd=sleep 998",
        "--health-interval=100ms",
        "--health-timeout=300ms",
        "--health-retries=1",
        IMAGE,
        "sleep",
        "999");
    becomes("hung", "unhealthy");
    berth.berth("inspect", "hung").exits(0).says("Health check exceeded timeout (0.3s)");
    berth.berth("stop", "-t", "0", "hung").exits(0);
    assertTrue(status("hung").startsWith("Exited"), status("hung"));
    assertEquals("unhealthy", inspect("hung", "{{.State.Health.Status}}"));
  }

  @Test // Row MB-112: the image's check, parts of it, none of it.
  void theImagesCheck() throws Exception {
    run("whole", CHECKED, "sleep", "999");
    run("part", "--health-cmd=true", CHECKED, "sleep", "999");
    run("none", "--no-healthcheck", CHECKED, "sleep", "999");
    assertEquals("2", inspect("part", "{{.Config.Healthcheck.Retries}}"));
    becomes("whole", "unhealthy");
    becomes("part", "healthy");
    assertTrue(!status("none").contains("("), status("none"));
    berth
        .berth("run", "--no-healthcheck", "--health-cmd=x", IMAGE, "true")
        .exits(125)
        .says("conflicts");
    berth
        .berth("run", "--health-interval=1us", "--health-cmd=x", IMAGE, "true")
        .exits(125)
        .says("below 1ms");
  }

  @Test // Nothing is probed while it is paused, nor after its end.
  void onlyWhatRunsIsProbed() throws Exception {
    run("still", "--health-cmd=echo >>/count", "--health-interval=100ms", IMAGE, "sleep", "999");
    becomes("still", "healthy");
    berth.berth("pause", "still").exits(0);
    Thread.sleep(500);
    String log = inspect("still", "{{.State.Health.Log}}");
    Thread.sleep(500);
    assertEquals(log, inspect("still", "{{.State.Health.Log}}"));
    assertTrue(status("still").endsWith("(Paused)"), status("still"));
    berth.berth("unpause", "still").exits(0);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (log.equals(inspect("still", "{{.State.Health.Log}}"))) {
      assertTrue(System.nanoTime() < deadline, "not probed after unpause");
      Thread.sleep(100);
    }
    assertEquals("healthy", inspect("still", "{{.State.Health.Status}}"));
  }

  @Test // The service may die at any instant: checking goes on where it was, nothing is left over.
  void overARestartOfTheService() throws Exception {
    run(
        "on",
        "--health-cmd=test -e /ok || sleep 3",
        "--health-interval=100ms",
        "--health-timeout=60s",
        IMAGE,
        "sleep",
        "999");
    Thread.sleep(1_000);
    berth.kill("containerd");
    berth.startMissing();
    assertEquals("starting", inspect("on", "{{.State.Health.Status}}"));
    berth.berth("exec", "on", "touch", "/ok").exits(0);
    becomes("on", "healthy");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (berth.berth("top", "on").exits(0).out().contains("sleep 3")) {
      assertTrue(System.nanoTime() < deadline, "the old probe still runs");
      Thread.sleep(100);
    }
    String log = inspect("on", "{{.State.Health.Log}}");
    berth.kill("containerd");
    berth.startMissing();
    assertEquals("healthy", inspect("on", "{{.State.Health.Status}}"));
    deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (log.equals(inspect("on", "{{.State.Health.Log}}"))) {
      assertTrue(System.nanoTime() < deadline, "not probed after the restart");
      Thread.sleep(100);
    }
  }
}
