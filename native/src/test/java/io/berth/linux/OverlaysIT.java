package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Overlays mounted in the way of kernels from 6.5 on and in that of older ones, on this kernel, in
 * a tmpfs of the test's own.
 */
@Tag("root")
final class OverlaysIT { // case V1
  private static final Set<KernelFeature> OLD = Set.of(KernelFeature.OVERLAY_LOWERDIR_APPEND);

  @TempDir Path temporary;
  private Path folder;

  @BeforeEach
  void mountPlayground() throws Exception {
    folder = Files.createDirectory(temporary.resolve("play"));
    try (Mounts.FsContext context = Mounts.openFileSystem("tmpfs");
        Fd mount = context.set("size", "16m").create().mount(0)) {
      Mounts.setAttributes(mount, false, Mounts.Attributes.propagating(MountFlags.MS_SHARED));
      Mounts.attach(mount, folder);
    }
  }

  @AfterEach
  void unmountPlayground() throws Exception {
    // Shared, so that what an old kernel's way attaches would be seen here if it were not private.
    List<String> left =
        MountInfo.ofSelf().stream()
            .map(MountInfo::target)
            .filter(target -> target.startsWith(folder + "/"))
            .toList();
    Mounts.unmount(folder, MountFlags.MNT_DETACH);
    assertEquals(List.of(), left);
  }

  private Overlays overlays(Overlays.Way way) {
    Set<KernelFeature> before =
        KernelFeature.doWithout(way == Overlays.Way.APPENDED ? Set.of() : OLD);
    try {
      Overlays overlays = new Overlays(folder.resolve("probe"));
      assertEquals(way, overlays.answer().way());
      return overlays;
    } finally {
      KernelFeature.doWithout(before);
    }
  }

  private List<Path> layers(int count, String prefix) throws Exception {
    List<Path> lower = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Path layer = Files.createDirectories(folder.resolve(prefix + i));
      Files.writeString(layer.resolve("of-" + i), Integer.toString(i));
      Files.writeString(layer.resolve("all"), Integer.toString(i));
      lower.add(layer);
    }
    return lower;
  }

  /** Mounted, written to and looked at as it is attached; its options as the kernel tells them. */
  private String exercise(Overlays overlays, List<Path> lower) throws Exception {
    Path upper = Files.createDirectory(folder.resolve("upper"));
    Path work = Files.createDirectory(folder.resolve("work"));
    Path target = Files.createDirectory(temporary.resolve("merged"));
    try (Fd overlay = overlays.mount(lower, upper, work, Map.of("volatile", "", "index", "off"))) {
      assertEquals(MountFlags.OVERLAYFS_SUPER_MAGIC, Mounts.statfs(overlay).type());
      Mounts.attach(overlay, target);
    }
    try {
      assertEquals("0", Files.readString(target.resolve("all")), "the first is on top");
      int last = lower.size() - 1;
      assertEquals(Integer.toString(last), Files.readString(target.resolve("of-" + last)));
      Files.writeString(target.resolve("new"), "written");
      assertEquals("written", Files.readString(upper.resolve("new")));
      Files.writeString(target.resolve("of-" + last), "changed");
      assertEquals(Integer.toString(last), Files.readString(lower.get(last).resolve("of-" + last)));
      return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
          .filter(line -> line.contains(" " + target + " "))
          .findFirst()
          .orElseThrow();
    } finally {
      Mounts.unmount(target, 0);
    }
  }

  // case Q3: an overlay can be a layer of another, and cannot hold the writable one.
  @Test
  void aRootThatIsItselfAnOverlay_isFoundOut() throws Exception {
    Path upper = Files.createDirectory(folder.resolve("upper"));
    Path work = Files.createDirectory(folder.resolve("work"));
    Path target = Files.createDirectory(folder.resolve("root"));
    Overlays here = overlays(Overlays.Way.LISTED);
    assertEquals("", here.answer().problem());
    try (Fd mount = here.mount(layers(1, "below-"), upper, work, Map.of())) {
      Mounts.attach(mount, target);
    }
    try {
      Overlays above = new Overlays(target.resolve("probe"));
      assertNotEquals("", above.answer().problem());
      assertTrue(above.answer().text().startsWith("none: "), above.answer().text());
    } finally {
      Mounts.unmount(target, MountFlags.MNT_DETACH);
    }
  }

  @Test
  void theProbe_mountsOne_andIsAskedOnce() throws Exception {
    Overlays overlays = new Overlays(folder.resolve("probe"));
    assertFalse(Files.exists(folder.resolve("probe")), "nothing before the first question");
    Overlays.Answer answer = overlays.answer();
    Set<KernelFeature> before = KernelFeature.doWithout(OLD);
    try {
      assertEquals(answer, overlays.answer());
      assertEquals("lowerdir", new Overlays(folder.resolve("probe")).answer().text());
    } finally {
      KernelFeature.doWithout(before);
    }
    assertEquals(
        KernelFeature.OVERLAY_LOWERDIR_APPEND.inUse() ? "lowerdir+" : "lowerdir", answer.text());
  }

  @Test
  void whereNoOverlayCanBe_theProbeSaysWhy_andAMountSaysItAgain() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    Overlays overlays = new Overlays(file);
    assertTrue(overlays.answer().text().startsWith("none: "), overlays.answer()::text);
    assertTrue(overlays.answer().text().contains(file.toString()), overlays.answer()::text);
    List<Path> lower = List.of(folder.resolve("missing"), folder.resolve("too"));
    SyscallException e =
        assertThrows(SyscallException.class, () -> overlays.mount(lower, null, null, Map.of()));
    assertEquals(Errno.ENOENT, e.errno());
  }

  @ParameterizedTest
  @EnumSource(Overlays.Way.class)
  void ofFewLayers_namesThemInFull(Overlays.Way way) throws Exception {
    List<Path> lower = layers(3, "layer");
    String line = exercise(overlays(way), lower);
    assertTrue(line.contains(lower.get(1).toString()), line);
  }

  // As many layers as an image may have, with paths that together are longer than a page.
  @ParameterizedTest
  @EnumSource(Overlays.Way.class)
  void ofManyLayersWithLongNames(Overlays.Way way) throws Exception {
    List<Path> lower = layers(130, "layer-" + "x".repeat(100) + "/");
    assertTrue(String.join(":", lower.stream().map(Path::toString).toList()).length() > 4096);
    assertInstanceOf(String.class, exercise(overlays(way), lower));
  }

  @ParameterizedTest
  @EnumSource(Overlays.Way.class)
  void ofLayersWithNamesThatOptionsWouldBeCutAt(Overlays.Way way) throws Exception {
    List<Path> lower = layers(3, "a:b,c\\d-");
    assertInstanceOf(String.class, exercise(overlays(way), lower));
  }

  @ParameterizedTest
  @EnumSource(Overlays.Way.class)
  void readOnly_ofLayersAlone(Overlays.Way way) throws Exception {
    List<Path> lower = layers(2, "layer");
    try (Fd overlay = overlays(way).mount(lower, null, null, Map.of());
        RootedFiles files = RootedFiles.at(overlay, RootedFiles.Confinement.IN_ROOT)) {
      SyscallException e =
          assertThrows(SyscallException.class, () -> files.symbolicLink("link", "x"));
      assertEquals(Errno.EROFS, e.errno());
    }
  }

  @Test
  void anOptionThatTheKernelRefuses_isAnError_andNothingStays() throws Exception {
    List<Path> lower = layers(2, "layer");
    SyscallException e =
        assertThrows(
            SyscallException.class,
            () -> overlays(Overlays.Way.LISTED).mount(lower, null, null, Map.of("no_such", "1")));
    assertEquals(Errno.EINVAL, e.errno());
  }
}
