package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ThreadViewTest {
  @TempDir Path folder;

  /** Runs something on a thread of its own whose folder is the given one. */
  private static void in(Path where, int umask, Writing writing) throws Exception {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(() -> {
          try (Fd fd = Fd.open(where, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) {
            ThreadView.enter(fd, umask);
            writing.write();
            done.complete(null);
          } catch (Exception e) {
            done.completeExceptionally(e);
          }
        });
    done.get();
  }

  private interface Writing {
    void write() throws Exception;
  }

  private String modeOf(String name) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(name)));
  }

  @Test
  void aThreadOpensRelativePathsInItsOwnFolder() throws Exception {
    Path left = Files.createDirectory(folder.resolve("left"));
    Path right = Files.createDirectory(folder.resolve("right"));

    in(
        left,
        022,
        () -> in(right, 022, () -> Files.writeString(Path.of("inner-view-of-a-thread"), "inner")));
    in(left, 022, () -> Files.writeString(Path.of("view-of-a-thread"), "left"));

    assertEquals("inner", Files.readString(right.resolve("inner-view-of-a-thread")));
    assertEquals("left", Files.readString(left.resolve("view-of-a-thread")));
    assertFalse(Files.exists(Path.of("view-of-a-thread")), "in the folder of this thread");
  }

  @Test
  void threadsThatItStartsShareItsFolder() throws Exception {
    in(
        folder,
        022,
        () ->
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    Files.writeString(Path.of("of-a-child"), "x");
                  } catch (IOException e) {
                    throw new IllegalStateException(e);
                  }
                })
                .join());

    assertTrue(Files.exists(folder.resolve("of-a-child")));
  }

  @Test
  void itsMaskCutsOnlyItsOwnFiles() throws Exception {
    in(folder, 077, () -> Files.writeString(Path.of("private"), "x"));
    in(folder, 002, () -> Files.writeString(Path.of("shared"), "x"));

    assertEquals("rw-------", modeOf("private"));
    assertEquals("rw-rw-r--", modeOf("shared"));
  }
}
