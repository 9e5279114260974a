package io.berth.containerd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.berth.network.v1.DetachRequest;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.FakePeers;
import io.berth.containerd.fake.FakePeers.Service;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an absent service is, and how one waits for it. */
class PeerServiceTest {
  @TempDir Path folder;
  private final EventLoops loops = new EventLoops(1);
  private FakePeers peers;
  private ManagedChannel channel;
  private PeerService network;

  @BeforeEach
  void start() throws IOException {
    Config config =
        Config.parse(null, "root = \"" + folder + "/r\"\nstate = \"" + folder + "/s\"\n");
    Files.createDirectories(config.state());
    peers = new FakePeers(config);
    channel = UnixChannel.to(loops, config.socket("network"));
    network = new PeerService(channel, config.socket("network"), "berth-network");
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    peers.close();
    loops.close();
  }

  private Empty detach(long millis) {
    return network.call(() ->
        EndpointsGrpc.newBlockingStub(channel)
            .withDeadlineAfter(millis, TimeUnit.MILLISECONDS)
            .detach(DetachRequest.newBuilder().setContainer("c").build()));
  }

  private String absence(long millis) {
    return assertThrows(BerthException.Absent.class, () -> detach(millis)).getMessage();
  }

  @Test // case K1
  void call_tellsAbsenceByItsType_andHowToEndIt() {
    assertTrue(absence(20_000).contains("is berth-network running? (`berth-services status`)"));
    peers.start(Service.NETWORK);
    var _ = detach(20_000);
    peers.hang(Service.NETWORK);
    assertTrue(absence(50).contains("does berth-network hang? (`berth-services status`)"));
    peers.goOn(Service.NETWORK);
    var _ = detach(20_000);
  }

  // The caller's own going away is no absence.
  @Test
  void call_ofAnInterruptedCaller_isCancelled() {
    peers.start(Service.NETWORK);
    Thread.currentThread().interrupt();
    try {
      assertThrows(BerthException.Cancelled.class, () -> detach(20_000));
    } finally {
      assertTrue(Thread.interrupted());
    }
  }

  // However many wait; each is told why, and all go on.
  @Test
  void await_endsForAllWhenTheServiceIsBack() throws InterruptedException {
    BlockingQueue<String> whys = new LinkedBlockingQueue<>();
    List<Thread> waiting = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      waiting.add(Thread.ofVirtual().start(() -> await(whys)));
    }
    for (int i = 0; i < 50; i++) {
      String why = whys.poll(20, TimeUnit.SECONDS);
      assertTrue(why != null && why.contains("wait for berth-network"), why);
    }
    assertTrue(network.isAbsent());
    peers.start(Service.NETWORK);
    for (Thread each : waiting) {
      each.join(20_000);
      assertFalse(each.isAlive());
    }
    assertFalse(network.isAbsent());
    // One that is there is not waited for.
    network.await(whys::add);
    assertEquals(0, whys.size());
  }

  private void await(BlockingQueue<String> whys) {
    try {
      network.await(whys::add);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
