package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Healthcheck;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.State;
import io.berth.base.layout.StateFolders;
import io.berth.containerd.fake.FakePeers.Service;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Removals, releases, boots and health checks while a service is absent and comes back. */
final class AbsentServicesLaterTest extends AbsentServices {
  @Test // case K1
  void remove_endsTheWait_andTheEndpointFollows() {
    String id = begun(restart("always"));
    peers.kill(Service.NETWORK);
    endsAndWaits(id, 9, Service.NETWORK);
    removeIt();
    assertTrue(isGone());
    assertTrue(peers.removed.contains("its"));
    peers.start(Service.NETWORK);
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
  }

  @Test // case K1
  void remove_withoutImageService_isRefusedAtOnce_andEndsTheWait() {
    String id = begun(restart("always"));
    peers.kill(Service.IMAGE);
    endsAndWaits(id, 9, Service.IMAGE);
    assertTrue(
        refused(Code.UNAVAILABLE, this::removeIt).getMessage().contains("berth-services status"));
    assertEquals(State.STATE_EXITED, state());
    peers.start(Service.IMAGE);
    removeIt();
    assertTrue(isGone());
    assertEquals(Set.of(), peers.endpoints);
  }

  // A container that is to remove itself does so when the service is back.
  @ParameterizedTest // case K1
  @EnumSource(Service.class)
  void autoRemove_waits(Service absent) {
    String id =
        begun(
            HostConfig.newBuilder()
                .setAutoRemove(true)
                .addMounts(Mount.newBuilder().setType("volume").setTarget("/data"))
                .build());
    assertEquals(1, peers.volumes.size());
    CompletableFuture<Integer> removed = awaited("removed");
    peers.kill(absent);
    instance.hosts.exit(Instance.key(id), "", 3);
    if (absent == Service.IMAGE) {
      waits(absent);
      assertEquals(State.STATE_EXITED, state());
      assertEquals(3, it().getState().getExitCode());
      assertFalse(removed.isDone());
    } else {
      assertEquals(3, removed.join());
    }
    peers.start(absent);
    assertEquals(3, removed.join());
    assertTrue(isGone());
    assertTrue(peers.removed.contains("its"));
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
    until(peers.volumes::isEmpty, () -> "the volume is kept: " + peers.volumes);
  }

  // The image service dies when the snapshot is gone and the volumes are not.
  @Test // case K1
  void autoRemove_goesOnWhereItWas() {
    String id =
        begun(
            HostConfig.newBuilder()
                .setAutoRemove(true)
                .addMounts(Mount.newBuilder().setType("volume").setTarget("/data"))
                .build());
    AtomicBoolean once = new AtomicBoolean(true);
    peers.beforeRemovalAnswer =
        () -> {
          if (once.getAndSet(false)) {
            peers.kill(Service.IMAGE);
          }
        };
    endsAndWaits(id, 3, Service.IMAGE);
    peers.start(Service.IMAGE);
    until(this::isGone, () -> "it is kept: " + it());
    until(peers.volumes::isEmpty, () -> "the volume is kept: " + peers.volumes);
  }

  // Address and ports of one that ended stayed taken until its next start.
  @Test // case K1
  void endpoint_isGivenBackWhenTheServiceIsBack() {
    String id = begun(HostConfig.getDefaultInstance());
    peers.kill(Service.NETWORK);
    endsAndWaits(id, 0, Service.NETWORK);
    assertEquals(State.STATE_EXITED, state());
    peers.start(Service.NETWORK);
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
    assertEquals(0, it().getState().getExitCode());
  }

  // After a boot all services start at once, and this one may be the first.
  @Test // case K1
  void startAfterBoot_waits() throws Exception {
    begun(restart("unless-stopped"));
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    Files.writeString(new StateFolders(instance.config.state()).boot(), "another\n");
    instance.hosts.forgetSupervisors();
    peers.kill(Service.IMAGE);
    peers.kill(Service.NETWORK);
    instance.start();
    waits(Service.IMAGE);
    peers.start(Service.IMAGE);
    waits(Service.NETWORK);
    assertEquals(State.STATE_RESTARTING, state());
    assertEquals(255, it().getState().getExitCode());
    peers.start(Service.NETWORK);
    until(State.STATE_RUNNING);
    assertEquals(0, it().getRestartCount());
  }

  // A container's health does not depend on these services.
  @Test // case K1
  void healthChecks_goOn() {
    begun(
        HostConfig.getDefaultInstance(),
        Config.newBuilder()
            .addCmd("sleep")
            .setHealth(
                Healthcheck.newBuilder()
                    .addTest("CMD")
                    .addTest("true")
                    .setInterval(TimeUnit.MILLISECONDS.toNanos(20))
                    .setRetries(1)));
    peers.kill(Service.IMAGE);
    peers.kill(Service.NETWORK);
    until(() -> it().getState().getHealth().getLogCount() > 3, () -> "no probe: " + it());
    assertEquals("healthy", it().getState().getHealth().getStatus());
    assertEquals(0, it().getState().getHealth().getFailingStreak());
  }
}
