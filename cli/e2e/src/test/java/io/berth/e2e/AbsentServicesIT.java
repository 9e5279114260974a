package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
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

  private static void eventually(String text, String... arguments) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    Command last = berth.berth(arguments);
    while (!last.out().contains(text)) {
      String said = last.out() + last.err();
      assertTrue(System.nanoTime() < deadline, () -> "never says " + text + ", but " + said);
      Thread.sleep(100);
      last = berth.berth(arguments);
    }
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
    eventually("0 restarting 9 wait for berth-image", "inspect", "-f", STATE, "again");
    eventually("0 exited 9 wait for berth-image", "inspect", "-f", STATE, "brief");
    berth.berth("start", "again").exits(1).says("berth-services status");
    berth.startMissing();
    eventually("2 exited 9 \n", "inspect", "-f", STATE, "again");
    berth.berth("wait", "again").exits(0).says("9");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (berth.berth("ps", "-a").exits(0).out().contains("brief")) {
      assertTrue(System.nanoTime() < deadline, "it did not remove itself");
      Thread.sleep(100);
    }
    berth.berth("rm", "again").exits(0);
    berth.berth("info").exits(0).says("endpoints: 0");
  }
}
