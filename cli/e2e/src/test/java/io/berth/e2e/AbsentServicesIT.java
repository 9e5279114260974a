package io.berth.e2e;

import io.berth.testing.Eventually;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What containers need of image-svc and network-svc while nobody asks for it, and both are dead.
 */
@Tag("root")
final class AbsentServicesIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";
  private static final String STATE =
      "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}} {{.State.Error}}";

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  // Ends with 9 when told; in every later run at once.
  private static void run(String name, String option) {
    berth
        .berth(
            "run",
            "-d",
            "--name=" + name,
            option,
            IMAGE,
            "sh",
            "-c",
            "while [ ! -e /go ]; do usleep 20000; done; exit 9")
        .exits(0);
  }

  // Case K1: both attempts were used up while image-svc was away, and the code 9 became 128.
  @Test
  void deadServices_areWaitedFor_andCostNoAttempt() throws Exception {
    run("again", "--restart=on-failure:2");
    run("brief", "--rm");
    berth.kill("image");
    berth.kill("network");
    // Detached, since a container that ends may take the program that ended it along.
    berth.berth("exec", "-d", "again", "touch", "/go").exits(0);
    berth.berth("exec", "-d", "brief", "touch", "/go").exits(0);
    berth.eventuallySays("0 restarting 9 wait for berth-image", "inspect", "-f", STATE, "again");
    berth.eventuallySays("0 exited 9 wait for berth-image", "inspect", "-f", STATE, "brief");
    berth.berth("start", "again").exits(1).says("berth-services status");
    berth.startMissing();
    berth.kill("network");
    // A container without a network needs no berth-network.
    berth
        .berth("run", "--rm", "--network", "none", IMAGE, "ip", "-o", "link", "show", "up")
        .exits(0)
        .says("lo")
        .saysNo("eth");
    berth.startMissing();
    berth.eventuallySays("2 exited 9 \n", "inspect", "-f", STATE, "again");
    berth.berth("wait", "again").exits(0).says("9");
    Eventually.answers(
        "removes itself",
        () -> berth.berth("ps", "-a").exits(0).out(),
        rows -> !rows.contains("brief"));
    berth.berth("rm", "again").exits(0);
    berth.berth("info").exits(0).says("endpoints: 0");
  }
}
