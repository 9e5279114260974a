package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Health checks from end to end. */
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
    Eventually.answers(
        "becomes " + status,
        () -> inspect(name, "{{json .State.Health}}"),
        _ -> inspect(name, "{{.State.Health.Status}}").equals(status));
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
        // The first probe waits to be let go, so that this test's pace does not matter.
        "--health-cmd=until [ -e /begin ]; do usleep 10000; done; echo said; test -e /ok",
        "--health-interval=200ms",
        "--health-retries=2",
        "--health-start-period=1s",
        IMAGE,
        "sleep",
        "999");
    assertTrue(status("web").endsWith("(health: starting)"), status("web"));
    berth.berth("exec", "web", "touch", "/begin").exits(0);
    becomes("web", "unhealthy");
    assertTrue(status("web").matches("Up .* \\(unhealthy\\)"), status("web"));
    berth.berth("ps", "-q", "--filter", "health=unhealthy").exits(0).says(id("web"));
    String document = berth.berth("inspect", "web").exits(0).out();
    assertTrue(document.contains("\"Output\": \"said\\n\""), document);
    assertTrue(document.contains("\"ExitCode\": 1"), document);
    assertEquals("200ms", inspect("web", "{{.Config.Healthcheck.Interval}}"));
    // A probe is an exec as long as it runs, and nothing of it is left afterwards.
    Eventually.answers(
        "has no exec", () -> inspect("web", "{{.ExecIDs}}").replace("null", "[]"), "[]"::equals);
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
                "envelopes")
            .redirectOutput(events.toFile())
            .start();
    try {
      for (int i = 0; Files.size(events) == 0; i++) {
        berth.berth("namespaces", "create", "heard" + i).exits(0);
        berth.berth("namespaces", "rm", "heard" + i).exits(0);
      }
      run("told", "--health-cmd=true", "--health-interval=100ms", IMAGE, "sleep", "999");
      becomes("told", "healthy");
      List<String> lines =
          Eventually.answers(
              "tells the change",
              () ->
                  Files.readAllLines(events).stream()
                      .filter(line -> line.contains("/containers/health_status"))
                      .toList(),
              told -> !told.isEmpty());
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

  @Test // The image's check, parts of it, none of it.
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
    // Another one's probes are the measure of time.
    run("pace", "--health-cmd=true", "--health-interval=100ms", IMAGE, "sleep", "999");
    becomes("pace", "healthy");
    String log = inspect("still", "{{.State.Health.Log}}");
    for (int i = 0; i < 5; i++) {
      String before = inspect("pace", "{{.State.Health.Log}}");
      Eventually.answers(
          "is probed",
          () -> inspect("pace", "{{.State.Health.Log}}"),
          later -> !later.equals(before));
    }
    assertEquals(log, inspect("still", "{{.State.Health.Log}}"));
    assertTrue(status("still").endsWith("(Paused)"), status("still"));
    berth.berth("unpause", "still").exits(0);
    Eventually.answers(
        "is probed after unpause",
        () -> inspect("still", "{{.State.Health.Log}}"),
        later -> !later.equals(log));
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
    // The probe that the service leaves behind is in its middle.
    Eventually.answers(
        "is probed",
        () -> berth.berth("top", "on").exits(0).out(),
        processes -> processes.contains("sleep 3"));
    berth.kill("containerd");
    berth.startMissing();
    assertEquals("starting", inspect("on", "{{.State.Health.Status}}"));
    berth.berth("exec", "on", "touch", "/ok").exits(0);
    becomes("on", "healthy");
    Eventually.answers(
        "ends the old probe",
        () -> berth.berth("top", "on").exits(0).out(),
        processes -> !processes.contains("sleep 3"));
    String log = inspect("on", "{{.State.Health.Log}}");
    berth.kill("containerd");
    berth.startMissing();
    assertEquals("healthy", inspect("on", "{{.State.Health.Status}}"));
    Eventually.answers(
        "is probed after the restart",
        () -> inspect("on", "{{.State.Health.Log}}"),
        later -> !later.equals(log));
  }
}
