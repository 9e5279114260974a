package io.berth.base.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may hold a folder's lock, and who is told to hold it. */
final class FolderLockTest {
  @TempDir Path folder;

  private static String mode(Path path) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  // case S10: a shared lock needs no more than the right to read the file.
  @Test
  void nobodyElseCanOpenTheFile() throws Exception {
    Path file = folder.resolve("it.lock");
    FolderLock.take(folder, "it").close();
    assertEquals("rw-------", mode(file));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    FolderLock.take(folder, "it").close();
    assertEquals("rw-------", mode(file));
  }

  // case S10: "held by" was what the file said, the pid of a dead process.
  @Test
  void theHolderIsWhoeverHasTheLock() throws Exception {
    Path file = Files.writeString(folder.resolve("it.lock"), "4194305\n");
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Sharing.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .start();
    try {
      assertEquals("shared", other.inputReader().readLine());
      assertTrue(FolderLock.isHeld(folder, "it"));
      BerthException.FailedPrecondition refused =
          assertThrows(
              BerthException.FailedPrecondition.class, () -> FolderLock.take(folder, "it"));
      assertTrue(
          String.valueOf(refused.getMessage()).contains("process " + other.pid() + ";"),
          refused.getMessage());
    } finally {
      other.destroyForcibly().waitFor();
    }
    assertFalse(FolderLock.isHeld(folder, "it"));
    assertFalse(FolderLock.isHeld(folder, "another"));
    FolderLock.take(folder, "it").close();
  }

  // Closing any descriptor of the file would give the process's own lock away.
  @Test
  void askingTwiceInOneProcessKeepsTheLock() throws Exception {
    try (FolderLock _ = FolderLock.take(folder, "it")) {
      BerthException.FailedPrecondition refused =
          assertThrows(
              BerthException.FailedPrecondition.class, () -> FolderLock.take(folder, "it"));
      assertTrue(
          String.valueOf(refused.getMessage())
              .contains("process " + ProcessHandle.current().pid() + ";"),
          refused.getMessage());
      Process other =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin/java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  Sharing.class.getName(),
                  folder.resolve("it.lock").toString())
              .redirectErrorStream(true)
              .start();
      assertEquals("refused", other.inputReader().readLine());
      other.destroyForcibly().waitFor();
    }
  }

  /** Another process that shares the lock of a file, and keeps it until it is killed. */
  static final class Sharing {
    private Sharing() {}

    public static void main(String[] arguments) throws Exception {
      FileChannel channel = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.READ);
      var lock = channel.tryLock(0, Long.MAX_VALUE, /* shared= */ true);
      System.out.println(lock == null ? "refused" : "shared");
      System.in.read();
    }
  }
}
