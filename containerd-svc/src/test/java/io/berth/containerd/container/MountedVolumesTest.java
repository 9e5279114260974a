package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.containerd.fake.FakePeers;
import io.berth.containerd.fake.FakePeers.Service;
import io.berth.containerd.fake.Instance;
import io.berth.testing.Eventually;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A volume that is no folder is mounted as long as a container runs that uses it. */
final class MountedVolumesTest extends AbsentServices {
  private static final String VOLUME = FakePeers.FOREIGN;

  private String created(String name) {
    HostConfig host =
        HostConfig.newBuilder()
            .addMounts(Mount.newBuilder().setType("volume").setSource(VOLUME).setTarget("/v"))
            .build();
    return stub()
        .create(
            CreateRequest.newBuilder()
                .setName(name)
                .setSnapshotter("overlayfs")
                .setSnapshotKey(name)
                .setConfig(Config.newBuilder().addCmd("sleep"))
                .setHost(host)
                .build())
        .getId();
  }

  private void start(String name) {
    var _ = stub().start(StartRequest.newBuilder().setRef(name).build());
  }

  private void stop(String name) {
    var _ = stub().stop(StopRequest.newBuilder().setRef(name).setTimeout(5).build());
  }

  private void becomes(Set<String> wanted) throws InterruptedException {
    var _ = Eventually.answers("the mounts", () -> Set.copyOf(peers.mounted), wanted::equals);
  }

  @Test
  void fromTheFirstStartToTheLastEnd() throws InterruptedException {
    created("one");
    created("two");
    assertEquals(Set.of(), peers.mounted);
    start("one");
    start("two");
    assertEquals(Set.of(VOLUME), peers.mounted);
    stop("one");
    start("one");
    stop("two");
    // The end of a container is answered before what it had is given back, so this would fail now
    // and then if the volume was unmounted with its first user.
    start("two");
    assertTrue(peers.mounted.contains(VOLUME));
    stop("two");
    stop("one");
    becomes(Set.of());
    start("one");
    var _ = stub().remove(RemoveRequest.newBuilder().setRef("one").setForce(true).build());
    becomes(Set.of());
  }

  @Test
  void imageServiceIsAwayAtTheEnd_itIsUnmountedLater() throws InterruptedException {
    created("one");
    start("one");
    peers.kill(Service.IMAGE);
    stop("one");
    assertEquals(Set.of(VOLUME), peers.mounted);
    peers.start(Service.IMAGE);
    becomes(Set.of());
  }

  // A service that was killed finds out what is used from what runs.
  @Test
  void afterARestart_whatIsUsedStays_andWhatIsNotGoes() throws Exception {
    String id = created("one");
    start("one");
    peers.mounted.add("foreign-left");
    instance.stop();
    instance.start();
    becomes(Set.of(VOLUME));
    instance.hosts.exit(Instance.key(id), "", 0);
    becomes(Set.of());
  }
}
