package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mounts only below its own folder, on a private tmpfs that goes at the end with everything on it.
 */
@Tag("root")
final class MountsIT {
  @TempDir Path temporary;
  private Path folder;

  @BeforeEach
  void mountPlayground() throws Exception {
    folder = Files.createDirectory(temporary.resolve("play"));
    try (Mounts.FsContext context = Mounts.openFileSystem("tmpfs");
        Fd mount = context.set("size", "16m").create().mount(MountFlags.MOUNT_ATTR_NOSUID)) {
      Mounts.setAttributes(mount, false, Mounts.Attributes.propagating(MountFlags.MS_PRIVATE));
      Mounts.attach(mount, folder);
    }
  }

  @AfterEach
  void unmountPlayground() throws Exception {
    Mounts.unmount(folder, MountFlags.MNT_DETACH);
    assertFalse(
        MountInfo.ofSelf().stream().anyMatch(m -> m.target().startsWith(temporary.toString())));
  }

  @Test
  void aBindMountIsMadeDetached_changed_andAttached() throws Exception {
    Path source = Files.createDirectory(folder.resolve("source"));
    Path target = Files.createDirectory(folder.resolve("target"));
    Files.writeString(source.resolve("file"), "x");
    try (Fd mount = Mounts.cloneTree(source, false)) {
      Mounts.setAttributes(
          mount,
          false,
          Mounts.Attributes.setting(MountFlags.MOUNT_ATTR_RDONLY | MountFlags.MOUNT_ATTR_NOEXEC));
      Mounts.attach(mount, target);
    }
    assertEquals("x", Files.readString(target.resolve("file")));
    assertThrows(IOException.class, () -> Files.writeString(target.resolve("file"), "y"));
    MountInfo info = mountAt(target);
    assertTrue(info.options().containsAll(List.of("ro", "noexec", "nosuid")), info::toString);
    assertEquals("/source", info.root());
    Mounts.unmount(target, 0);
    SyscallException e = assertThrows(SyscallException.class, () -> Mounts.unmount(target, 0));
    assertEquals(Errno.EINVAL, e.errno());
  }

  @Test
  void whatTheKernelSaysAboutAnOption_isInTheError() {
    SyscallException e =
        assertThrows(
            SyscallException.class,
            () -> {
              try (Mounts.FsContext context = Mounts.openFileSystem("tmpfs")) {
                context.set("no_such_option", "1");
              }
            });
    assertEquals(Errno.EINVAL, e.errno());
    assertTrue(e.getMessage().contains("no_such_option"), e.getMessage());
    assertTrue(e.getMessage().contains("Unknown parameter"), e.getMessage());
  }

  @Test
  void theClassicCall_mountsAndRefusesOptionsThatTheKernelWouldCut() throws Exception {
    Path target = Files.createDirectory(folder.resolve("classic"));
    Mounts.mount("tmpfs", target, "tmpfs", MountFlags.MS_NODEV, "mode=0700");
    assertEquals(0700, FileStatus.of(target).permissions());
    Mounts.unmount(target, MountFlags.UMOUNT_NOFOLLOW);
    SyscallException e =
        assertThrows(
            SyscallException.class,
            () -> Mounts.mount("x", target, "tmpfs", 0, "mode=0700,".repeat(500)));
    assertEquals(Errno.EINVAL, e.errno());
  }

  @Test
  void removeTree_doesNotCrossIntoAnotherMount() throws Exception {
    Path target = Files.createDirectories(folder.resolve("tree/inner/mounted"));
    Path kept = Files.createDirectory(folder.resolve("kept"));
    Files.writeString(kept.resolve("file"), "x");
    try (Fd mount = Mounts.cloneTree(kept, false)) {
      Mounts.attach(mount, target);
    }
    try (RootedFiles files = RootedFiles.open(folder, RootedFiles.Confinement.BENEATH)) {
      SyscallException e = assertThrows(SyscallException.class, () -> files.removeTree("tree"));
      assertTrue(e.is(Errno.EBUSY) || e.is(Errno.EXDEV), e.getMessage());
      assertTrue(Files.exists(kept.resolve("file")));
      Mounts.unmount(target, 0);
      files.removeTree("tree");
      assertFalse(Files.exists(folder.resolve("tree")));
    }
  }

  @Test
  void deviceNodesAndOwners_areMadeThroughTheRoot() throws Exception {
    try (RootedFiles files = RootedFiles.open(folder, RootedFiles.Confinement.IN_ROOT)) {
      files.makeNode("null", OpenFlags.S_IFCHR | 0666, new FileStatus.Device(1, 3));
      files.changeOwner("null", 1234, 4321);
      FileStatus status = files.status("null");
      assertEquals(OpenFlags.S_IFCHR, status.type());
      assertEquals("1:3", status.special().toString());
      assertEquals(List.of(1234, 4321), List.of(status.uid(), status.gid()));
      files.setAttribute("null", "trusted.overlay.opaque", new byte[] {'y'});
      assertEquals(List.of("trusted.overlay.opaque"), files.attributes("null"));
      files.symbolicLink("link", "null");
      files.changeOwner("link", 7, 7);
      assertEquals(1234, files.status("null").uid());
      files.setAttribute("link", "trusted.x", new byte[] {'1'});
      assertEquals(List.of("trusted.overlay.opaque"), files.attributes("null"));
      assertEquals(List.of("trusted.x"), files.attributes("link"));
    }
  }

  private static MountInfo mountAt(Path target) throws SyscallException {
    return MountInfo.ofSelf().stream()
        .filter(m -> m.target().equals(target.toString()))
        .findFirst()
        .orElseThrow();
  }
}
