package io.berth.base.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Files that are replaced as a whole: written beside, then renamed, so a reader sees the old or the
 * new one.
 */
public final class AtomicFile {
  private static final AtomicLong SEQUENCE = new AtomicLong();

  private AtomicFile() {}

  /** Survives the death of any process, not a power cut. `mode` as in {@code rw-r-----}. */
  public static void write(Path file, byte[] bytes, String mode) throws IOException {
    write(file, bytes, mode, /* sync= */ false);
  }

  /** The same for a text in UTF-8. */
  public static void write(Path file, String text, String mode) throws IOException {
    write(file, text.getBytes(StandardCharsets.UTF_8), mode, /* sync= */ false);
  }

  /** On disk when it returns: file and folder are synced. */
  public static void writeDurably(Path file, byte[] bytes, String mode) throws IOException {
    write(file, bytes, mode, /* sync= */ true);
  }

  private static void write(Path file, byte[] bytes, String mode, boolean sync) throws IOException {
    Path beside =
        file.resolveSibling(
            "."
                + file.getFileName()
                + "."
                + ProcessHandle.current().pid()
                + "."
                + SEQUENCE.incrementAndGet());
    Set<PosixFilePermission> permissions = PosixFilePermissions.fromString(mode);
    try {
      try (FileChannel channel =
          FileChannel.open(
              beside,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(permissions))) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
        if (sync) {
          channel.force(true);
        }
      }
      // The umask cut the mode at creation.
      Files.setPosixFilePermissions(beside, permissions);
      Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      if (sync) {
        syncFolder(Objects.requireNonNull(file.toAbsolutePath().getParent()));
      }
    } catch (IOException | RuntimeException e) {
      Files.deleteIfExists(beside);
      throw e;
    }
  }

  /** Makes the names in a folder durable. */
  public static void syncFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
