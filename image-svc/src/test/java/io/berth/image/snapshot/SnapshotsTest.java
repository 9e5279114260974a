package io.berth.image.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.filter.Filter;
import io.berth.image.Stores;
import io.berth.image.disk.DiskUsage;
import io.berth.image.disk.ImagePaths;
import io.berth.image.lease.Lease;
import io.berth.image.meta.Metadata;
import io.berth.image.snapshot.SnapshotInfo.Kind;
import io.berth.linux.KernelFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the contract of both snapshotters, and what only overlayfs gives. */
final class SnapshotsTest {
  @TempDir Path root;
  private Stores stores;
  private Snapshots snapshots;

  @BeforeEach
  void open() throws Exception {
    stores = new Stores(root);
    snapshots = stores.snapshots;
  }

  @AfterEach
  void close() {
    stores.close();
  }

  private static Snapshots.Key key(String snapshotter, String key) {
    return new Snapshots.Key("default", snapshotter, key);
  }

  private void commit(String snapshotter, String parent, String name) {
    Snapshots.Key active = key(snapshotter, "extract-1 " + name);
    snapshots.prepare(active, parent, Map.of(), null);
    snapshots.commit(active, name, "", Map.of("l", "v"), null, Metadata.Durability.LAZY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"overlayfs", "native"})
  void life_ofASnapshot(String snapshotter) throws Exception {
    Snapshots.Key active = key(snapshotter, "a b/c");
    MountSpec mount = snapshots.prepare(active, "", Map.of("x", "y"), null);
    assertEquals("bind", mount.type());
    assertEquals(List.of("rw", "rbind"), mount.options());
    Files.writeString(Path.of(mount.source()).resolve("f"), "content");
    assertEquals(Kind.ACTIVE, snapshots.stat(active).kind());
    assertTrue(snapshots.usage(active).bytes() >= 4096);
    snapshots.commit(active, "one", "", Map.of("l", "v"), null, Metadata.Durability.DURABLE);
    assertThrows(BerthException.NotFound.class, () -> snapshots.stat(active));
    SnapshotInfo committed = snapshots.stat(key(snapshotter, "one"));
    assertEquals(Map.of("l", "v"), committed.labels());
    assertEquals(2, committed.usage().inodes());
    assertThrows(
        BerthException.FailedPrecondition.class, () -> snapshots.mounts(key(snapshotter, "one")));

    snapshots.prepare(key(snapshotter, "child"), "one", Map.of(), null);
    var child =
        assertThrows(BerthException.FailedPrecondition.class, () -> remove(snapshotter, "one"));
    assertEquals("cannot remove snapshot with child", child.getMessage());
    assertEquals(
        Obstacle.of(Obstacle.Reason.SNAPSHOT_HAS_CHILDREN, Obstacle.Kind.SNAPSHOT, "one")
            .heldBy(Obstacle.Kind.SNAPSHOT, "child"),
        child.detail());
    snapshots.view(key(snapshotter, "view"), "one", Map.of(), null);
    assertEquals(DiskUsage.NONE, snapshots.usage(key(snapshotter, "view")));
    MountSpec view = snapshots.mounts(key(snapshotter, "view"));
    assertEquals(List.of("ro", "rbind"), view.options());
    assertEquals("content", Files.readString(Path.of(view.source()).resolve("f")));
    assertThrows(
        BerthException.FailedPrecondition.class,
        () ->
            snapshots.commit(
                key(snapshotter, "view"), "v", "", Map.of(), null, Metadata.Durability.LAZY));
    assertEquals(
        List.of("child", "one"),
        snapshots
            .list("default", snapshotter, Filter.of(List.of("kind==active", "name==one")))
            .stream()
            .map(SnapshotInfo::key)
            .toList());
    remove(snapshotter, "view");
    remove(snapshotter, "child");
    remove(snapshotter, "one");
    stores.trash.flush();
    try (var left = Files.list(stores.paths.snapshots())) {
      assertEquals(List.of(), left.toList());
    }
  }

  private void remove(String snapshotter, String key) {
    snapshots.remove(key(snapshotter, key), null, Metadata.Durability.DURABLE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"overlayfs", "native"})
  void prepare_refusesInTheWordsOfTheReference(String snapshotter) {
    snapshots.prepare(key(snapshotter, "k"), "", Map.of(), null);
    stores.leases.create("default", "l", Map.of());
    var taken =
        assertThrows(
            BerthException.AlreadyExists.class,
            () -> snapshots.prepare(key(snapshotter, "k"), "", Map.of(), "l"));
    assertEquals("snapshot \"k\"", taken.getMessage());
    assertEquals(
        List.of(Lease.Resource.snapshot(snapshotter, "k")),
        stores.leases.resources("default", "l"));
    assertThrows(
        BerthException.NotFound.class,
        () -> snapshots.prepare(key(snapshotter, "x"), "none", Map.of(), null));
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> snapshots.prepare(key(snapshotter, "x"), "k", Map.of(), null));
    var lease =
        assertThrows(
            BerthException.NotFound.class,
            () -> snapshots.prepare(key(snapshotter, "x"), "", Map.of(), "gone"));
    assertEquals("lease does not exist", lease.getMessage());
    commit(snapshotter, "", "target");
    assertThrows(
        BerthException.AlreadyExists.class,
        () ->
            snapshots.prepare(key(snapshotter, "y"), "", Map.of(Snapshots.TARGET, "target"), null));
    var unknown =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> snapshots.prepare(key("zfs", "x"), "", Map.of(), null));
    assertEquals("snapshotter not loaded: zfs", unknown.getMessage());
    // A snapshot that was refused left no folder.
    assertEquals(2, folders());
  }

  private long folders() {
    try (var left = Files.list(stores.paths.snapshots())) {
      return left.count();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void overlay_namesLayersNearestFirst() {
    commit("overlayfs", "", "base");
    commit("overlayfs", "base", "middle");
    commit("overlayfs", "middle", "top");
    MountSpec mount = snapshots.prepare(key("overlayfs", "c"), "top", Map.of(), null);
    assertEquals("overlay", mount.type());
    assertTrue(mount.options().get(0).startsWith("workdir="));
    assertTrue(mount.options().get(1).startsWith("upperdir="));
    String s = stores.paths.snapshots() + "/";
    assertEquals(s + "3/fs:" + s + "2/fs:" + s + "1/fs", mount.option("lowerdir"));
    assertFalse(mount.options().contains("volatile"));
    MountSpec view = snapshots.view(key("overlayfs", "v"), "top", Map.of(), null);
    assertEquals("", view.option("upperdir"));
  }

  @Test
  void overlay_128LayersFitAPage_and500AreTheEnd() {
    ImagePaths paths = new ImagePaths(Path.of("/var/lib/berth"));
    OverlaySnapshotter overlay = new OverlaySnapshotter(paths, new SnapshotFolders(paths));
    List<Long> parents = IntStream.range(0, 127).mapToObj(i -> 1_000_000L + i).toList();
    MountSpec mount = overlay.mount(2_000_000, parents, Kind.ACTIVE, true);
    assertTrue(String.join(",", mount.options()).length() < 4096);
    assertEquals(KernelFeature.OVERLAY_VOLATILE.inUse(), mount.options().contains("volatile"));
    Set<KernelFeature> before = KernelFeature.doWithout(Set.of(KernelFeature.OVERLAY_VOLATILE));
    try {
      assertFalse(
          overlay.mount(2_000_000, parents, Kind.ACTIVE, true).options().contains("volatile"));
    } finally {
      var _ = KernelFeature.doWithout(before);
    }
    List<Long> tooMany = IntStream.range(0, 500).mapToObj(i -> (long) i).toList();
    assertThrows(
        BerthException.FailedPrecondition.class, () -> overlay.make(1, tooMany, Kind.ACTIVE));
  }

  @Test
  void commit_rebasesOnlyWhatHasNoParent() {
    commit("overlayfs", "", "base");
    commit("overlayfs", "", "other");
    snapshots.prepare(key("overlayfs", "free"), "", Map.of(), null);
    snapshots.commit(
        key("overlayfs", "free"), "rebased", "base", Map.of(), null, Metadata.Durability.LAZY);
    assertEquals("base", snapshots.stat(key("overlayfs", "rebased")).parent());
    snapshots.prepare(key("overlayfs", "bound"), "base", Map.of(), null);
    snapshots.commit(
        key("overlayfs", "bound"), "kept", "other", Map.of(), null, Metadata.Durability.LAZY);
    assertEquals("base", snapshots.stat(key("overlayfs", "kept")).parent());
  }

  @Test
  void start_takesFoldersWithoutRecordAway() throws Exception {
    snapshots.prepare(key("overlayfs", "k"), "", Map.of(), null);
    Path stray = Files.createDirectories(stores.paths.snapshot(77).resolve("fs"));
    stores.close();
    stores = new Stores(root);
    assertTrue(Files.notExists(stray));
    MountSpec next = stores.snapshots.prepare(key("overlayfs", "k2"), "", Map.of(), null);
    assertTrue(next.source().endsWith("/s/78/fs"), next.source());
  }
}
