package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.leases.v1.ListRequest;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.UnixChannel;
import io.berth.image.content.Ingest;
import io.berth.image.meta.Metadata;
import io.berth.image.snapshot.Snapshots;
import io.berth.linux.Mounts;
import io.berth.testing.Eventually;
import io.grpc.StatusRuntimeException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The stores on a small file system of their own that is used up. */
@Tag("root")
final class FullDiskIT {
  private static final int PART = 64 << 10;

  @TempDir Path folder;

  private Stores stores(String options) throws Exception {
    Mounts.mount("tmpfs", folder, "tmpfs", 0, options);
    return new Stores(folder);
  }

  @AfterEach
  void unmount() throws Exception {
    Mounts.unmount(folder, 0);
  }

  @Test
  void contentThatDoesNotFit_isToldAsAFullDisk() throws Exception {
    try (Stores stores = stores("size=2m");
        Ingest ingest = stores.ingests.open(Ingest.Request.of("a", null, "large"))) {
      MemorySegment part = MemorySegment.ofArray(new byte[PART]);
      BerthException.ResourceExhausted full =
          assertThrows(
              BerthException.ResourceExhausted.class,
              () -> {
                while (ingest.offset() < 4 << 20) {
                  ingest.write(part);
                }
              });
      assertEquals("write ingest \"large\": the disk is full; free space there", full.getMessage());
    }
  }

  @Test
  void snapshotThatDoesNotFit_isToldAsAFullDisk() throws Exception {
    try (Stores stores = stores("size=4m,nr_inodes=64")) {
      useUpInodes();
      BerthException.ResourceExhausted full =
          assertThrows(
              BerthException.ResourceExhausted.class,
              () ->
                  stores.snapshots.prepare(
                      new Snapshots.Key("a", "overlayfs", "new"), "", Map.of(), null));
      assertEquals(
          "prepare snapshot \"new\": the disk is full; free space there", full.getMessage());
    }
  }

  @Test
  void ingestThatCannotBeMade_isToldAsAFullDisk() throws Exception {
    try (Stores stores = stores("size=4m,nr_inodes=64")) {
      useUpInodes();
      BerthException.ResourceExhausted full =
          assertThrows(
              BerthException.ResourceExhausted.class,
              () ->
                  stores.ingests.put(
                      Ingest.Request.of("a", null, "small"),
                      new byte[1],
                      Map.of(),
                      Metadata.Durability.LAZY));
      assertEquals("open ingest \"small\": the disk is full; free space there", full.getMessage());
    }
  }

  /** A pull that fails for want of inodes leaves nothing, and a smaller one goes well. */
  @Test
  void pullWithoutInodesLeft_leavesNothing() throws Exception {
    Archives.Layer files = Archives.layer();
    for (int i = 0; i < 1000; i++) {
      files.file("f" + i, "x");
    }
    failsAndRecovers("size=64m,nr_inodes=500", Archives.image("sh", files.tar()));
  }

  private void failsAndRecovers(String options, Archives.Image large) throws Exception {
    Mounts.mount("tmpfs", folder, "tmpfs", 0, options);
    Archives.Image small = Archives.image("sh", Archives.layer().file("a", "1").tar());
    try (FakeRegistry registry = FakeRegistry.plain().image("large", large).image("small", small);
        ServiceProcess service = new ServiceProcess(folder.resolve("own"))) {
      String message =
          String.valueOf(
              assertThrows(StatusRuntimeException.class, () -> pull(service, registry.ref("large")))
                  .getMessage());
      assertTrue(message.startsWith("RESOURCE_EXHAUSTED: "), message);
      assertTrue(message.contains("the disk is full"), message);
      Path root = service.root();
      Eventually.holds(
          "nothing of it was left",
          () ->
              leases(service) == 0
                  && StreamedPullIT.names(root.resolve("content/ingest")).isEmpty()
                  && StreamedPullIT.names(root.resolve("content/blobs/sha256")).isEmpty()
                  && StreamedPullIT.names(root.resolve("s")).isEmpty()
                  && StreamedPullIT.names(root.resolve("unpack")).isEmpty()
                  && StreamedPullIT.names(root.resolve("trash")).isEmpty());
      assertEquals(small.config().digest(), pull(service, registry.ref("small")));
    }
  }

  private static String pull(ServiceProcess service, String ref) {
    List<Progress> steps = new ArrayList<>();
    UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null)
        .pull(PullRequest.newBuilder().setRef(ref).build())
        .forEachRemaining(steps::add);
    return steps.getLast().getImage().getId();
  }

  private static int leases(ServiceProcess service) {
    return UnixChannel.in(LeasesGrpc.newBlockingStub(service.channel()), "default", null)
        .list(ListRequest.getDefaultInstance())
        .getLeasesCount();
  }

  private void useUpInodes() throws Exception {
    Path many = Files.createDirectory(folder.resolve("many"));
    long free = Mounts.statfs(folder).freeFiles();
    for (long i = 0; i < free; i++) {
      Files.createFile(many.resolve(Long.toString(i)));
    }
  }
}
