package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.leases.v1.ListRequest;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The containers that the service runs for itself: nobody sees them, and nothing stays. */
@Tag("root")
class WarmUpIT {
  private static final String OWN = "berth-warm";

  @RegisterExtension
  static final BerthInstance BERTH = new BerthInstance("[containerd]\nwarm_rounds = 40");

  private static void await(Check check) throws Exception {
    Eventually.answersWithin(
        Duration.ofMinutes(1),
        "is so",
        () -> check.holds() + "\n" + BERTH.log("containerd"),
        answer -> answer.startsWith("true\n"));
  }

  private interface Check {
    boolean holds() throws Exception;
  }

  private static boolean isWarmed(ManagedChannel channel) {
    try {
      return HealthGrpc.newBlockingStub(channel)
              .check(HealthCheckRequest.newBuilder().setService("warmed").build())
              .getStatus()
          == ServingStatus.SERVING;
    } catch (StatusRuntimeException restarting) {
      return false;
    }
  }

  private static List<String> tasks() throws Exception {
    Path folder = BERTH.state().resolve("t");
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(Path::toString).toList();
    }
  }

  private static List<String> left(ManagedChannel images) {
    List<String> left = new ArrayList<>();
    UnixChannel.in(SnapshotsGrpc.newBlockingStub(images), OWN, null)
        .list(ListSnapshotsRequest.newBuilder().setSnapshotter("overlayfs").build())
        .forEachRemaining(
            page -> page.getInfoList().forEach(info -> left.add("snapshot " + info.getName())));
    UnixChannel.in(LeasesGrpc.newBlockingStub(images), OWN, null)
        .list(ListRequest.getDefaultInstance())
        .getLeasesList()
        .forEach(lease -> left.add("lease " + lease.getId()));
    return left;
  }

  /** Starts the service again and waits for a container of its own. */
  private static void restart() throws Exception {
    BERTH.kill("containerd");
    BERTH.start("containerd");
    BERTH.awaitAnswer("containerd");
    await(() -> !tasks().isEmpty());
  }

  private static void mustEndWithNothing() throws Exception {
    EventLoops loops = new EventLoops(1);
    ManagedChannel front = UnixChannel.to(loops, BERTH.socket());
    ManagedChannel images = UnixChannel.to(loops, BERTH.state().resolve("image.sock"));
    try {
      await(() -> isWarmed(front));
      assertEquals(List.of(), tasks());
      assertEquals(List.of(), left(images));
    } finally {
      front.shutdownNow();
      images.shutdownNow();
      loops.close();
    }
  }

  @Test
  void killedInItsMiddle_itIsDoneAgain_andNothingOfItIsLeftOrSeen() throws Exception {
    restart();
    restart();
    assertFalse(BERTH.ctr("namespaces", "ls", "-q").out().contains(OWN));
    mustEndWithNothing();
    assertFalse(BERTH.ctr("namespaces", "ls", "-q").out().contains(OWN));
    Command refused = BERTH.ctr("--namespace", OWN, "containers", "ls");
    assertEquals(1, refused.exit());
    assertTrue(refused.err().contains("is the service's own"), refused.err());
  }

  @Test
  void whileAClientIsAtWork_itWaits() throws Exception {
    restart();
    EventLoops loops = new EventLoops(1);
    ManagedChannel front = UnixChannel.to(loops, BERTH.socket());
    try {
      var client = UnixChannel.in(ContainersGrpc.newBlockingStub(front), "default", null);
      int begun = 0;
      for (int i = 0; i < 80; i++) {
        var _ = client.list(ListContainersRequest.getDefaultInstance());
        // The pace of a client that is at work, and no wait for anything.
        Thread.sleep(50);
        // What went on when the client came is brought to its end.
        begun += i < 40 ? 0 : tasks().size();
      }
      assertEquals(0, begun, "containers of its own beside the client's work");
    } finally {
      front.shutdownNow();
      loops.close();
    }
    mustEndWithNothing();
  }

  @Test
  void itsShimProcessKilledInItsMiddle_nothingOfItIsLeft() throws Exception {
    restart();
    int before = walksToTheEnd();
    assertTrue(BERTH.killShimProcesses() > 0, "there was no shim process");
    mustEndWithNothing();
    assertEquals(before + 1, walksToTheEnd(), "not done again");
  }

  @Test
  void itsImageServiceKilledInItsMiddle_nothingOfItIsLeft() throws Exception {
    restart();
    int before = walksToTheEnd();
    BERTH.kill("image");
    BERTH.start("image");
    BERTH.awaitAnswer("image");
    mustEndWithNothing();
    assertEquals(before + 1, walksToTheEnd(), "not done again");
  }

  private static int walksToTheEnd() throws Exception {
    return BERTH.log("containerd").split("warmed by 40 containers", -1).length - 1;
  }
}
