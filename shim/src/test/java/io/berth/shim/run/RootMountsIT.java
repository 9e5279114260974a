package io.berth.shim.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.layout.RootfsMount;
import io.berth.linux.Fd;
import io.berth.linux.KernelFeature;
import io.berth.linux.MountFlags;
import io.berth.linux.MountInfo;
import io.berth.linux.Mounts;
import io.berth.linux.Overlays;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Roots of containers that remove themselves, in a tmpfs of the test's own. */
@Tag("root")
final class RootMountsIT {
  @TempDir Path temporary;
  private Path folder = Path.of("/");

  @BeforeEach
  void mountPlayground() throws Exception {
    folder = Files.createDirectory(temporary.resolve("play"));
    try (Mounts.FsContext context = Mounts.openFileSystem("tmpfs");
        Fd mount = context.set("size", "4m").create().mount(0)) {
      Mounts.attach(mount, folder);
    }
  }

  @AfterEach
  void unmountPlayground() throws Exception {
    Mounts.unmount(folder, MountFlags.MNT_DETACH);
  }

  /** With all features, and as if a kernel lacked one of them. */
  @ParameterizedTest
  @EnumSource(names = {"FCHMODAT2", "OVERLAY_VOLATILE", "OVERLAY_LOWERDIR_APPEND"})
  void whatMayBeLost_isNotSynced_whereTheKernelCan(KernelFeature lacking) throws Exception {
    for (String name : List.of("lower", "upper", "work", "root")) {
      Files.createDirectory(folder.resolve(name));
    }
    Files.writeString(folder.resolve("lower/file"), "below");
    String options =
        Stream.of("lower", "upper", "work")
            .map(name -> name + "dir=" + folder.resolve(name))
            .collect(Collectors.joining(","));
    Path root = folder.resolve("root");
    Set<KernelFeature> before = KernelFeature.doWithout(Set.of(lacking));
    try (Fd mount =
        RootMounts.open(
            new Overlays(folder.resolve("probe")),
            new RootfsMount("overlay", "overlay", "", List.of(options.split(","))),
            /* ephemeral= */ true)) {
      Mounts.attach(mount, root);
      MountInfo seen =
          MountInfo.ofSelf().stream()
              .filter(info -> info.target().equals(root.toString()))
              .findFirst()
              .orElseThrow();
      assertEquals(
          KernelFeature.OVERLAY_VOLATILE.inUse(),
          seen.superOptions().stream().anyMatch(option -> option.matches("(fsync=)?volatile")),
          seen::toString);
      assertEquals("below", Files.readString(root.resolve("file")));
      Files.writeString(root.resolve("file"), "changed");
      assertEquals("changed", Files.readString(folder.resolve("upper/file")));
      assertTrue(seen.type().equals("overlay"), seen::type);
    } finally {
      var _ = KernelFeature.doWithout(before);
      if (MountInfo.ofSelf().stream().anyMatch(info -> info.target().equals(root.toString()))) {
        Mounts.unmount(root, MountFlags.MNT_DETACH);
      }
    }
  }
}
