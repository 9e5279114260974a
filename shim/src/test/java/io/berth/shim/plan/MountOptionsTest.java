package io.berth.shim.plan;

import static io.berth.linux.MountFlags.MOUNT_ATTR_ATIME_MASK;
import static io.berth.linux.MountFlags.MOUNT_ATTR_NOATIME;
import static io.berth.linux.MountFlags.MOUNT_ATTR_NODEV;
import static io.berth.linux.MountFlags.MOUNT_ATTR_NOEXEC;
import static io.berth.linux.MountFlags.MOUNT_ATTR_NOSUID;
import static io.berth.linux.MountFlags.MOUNT_ATTR_RDONLY;
import static io.berth.linux.MountFlags.MS_PRIVATE;
import static io.berth.linux.MountFlags.MS_REC;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class MountOptionsTest {
  @Test
  void sortsWordsByWhomTheyAreFor() {
    MountOptions options =
        MountOptions.parse(
            List.of("rbind", "rprivate", "ro", "nosuid", "noatime", "size=64k", "mode=755"));
    assertTrue(options.bind());
    assertTrue(options.recursive());
    assertEquals(MS_PRIVATE | MS_REC, options.propagation());
    assertEquals(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME, options.set());
    assertEquals(MOUNT_ATTR_ATIME_MASK, options.clear());
    assertEquals("size=64k,mode=755", options.data());
  }

  @Test
  void theLastOfTwoOppositesCounts() {
    MountOptions options = MountOptions.parse(List.of("ro", "rw", "dev", "nodev"));
    assertFalse(options.readOnly());
    assertEquals(MOUNT_ATTR_RDONLY, options.clear());
    assertEquals(MOUNT_ATTR_NODEV, options.set());
  }

  @Test
  void wordsWithAnRAreForEverythingBelow() {
    MountOptions options = MountOptions.parse(List.of("rro", "rnoexec", "rexec", "relatime"));
    assertEquals(0, options.set());
    assertEquals(MOUNT_ATTR_RDONLY, options.recursiveSet());
    assertEquals(MOUNT_ATTR_NOEXEC, options.recursiveClear());
    assertEquals(MOUNT_ATTR_ATIME_MASK, options.clear());
  }

  @Test
  void whatIsNotKnownGoesToTheFileSystem() {
    assertEquals("rubbish,r", MountOptions.parse(List.of("rubbish", "r", "defaults", "")).data());
  }
}
