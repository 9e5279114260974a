package io.berth.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** An ext4 in a file, which the kernel can be told is damaged. */
final class LoopDisk {
  private final Path image;
  private final Path place;
  private String device = "";

  /**
   * Makes it; it is not mounted.
   *
   * @param image the file
   * @param place where it is mounted
   * @param size as truncate(1) takes it
   */
  LoopDisk(Path image, Path place, String size) {
    this.image = image;
    this.place = place;
    Command.run("truncate", "-s", size, image.toString()).exits(0);
    Command.run("mkfs.ext4", "-q", image.toString()).exits(0);
  }

  /** Mounts it as a device of its own, which goes with its last mount. */
  void mount() {
    device = Command.run("losetup", "-f", "--show", image.toString()).exits(0).out().strip();
    Command.run("mount", "-o", "errors=remount-ro", device, place.toString()).exits(0);
    Command.run("losetup", "-d", device).exits(0);
  }

  /** The kernel finds it damaged, and writes nothing to it any more (ext4(5), errors). */
  void damage() throws IOException {
    Path file = Path.of("/sys/fs/ext4", Path.of(device).getFileName().toString());
    Files.writeString(file.resolve("trigger_fs_error"), "damaged by a test\n");
  }

  /** Takes it from its place, though it is in use, and repairs what is on it. */
  void repair() {
    Command.run("umount", "--lazy", place.toString()).exits(0);
    Command repair = Command.run("e2fsck", "-f", "-y", image.toString());
    // It ends with 1 where it has mended something.
    if (repair.exit() != 1) {
      repair.exits(0);
    }
  }
}
