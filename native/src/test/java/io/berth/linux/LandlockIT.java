package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
final class LandlockIT {
  @TempDir Path folder;

  @Test
  void aConfinedThread_changesNothingElsewhere_andOthersAreFree() throws Exception {
    assumeTrue(Landlock.isAvailable(), "no landlock here");
    Path inside = Files.createDirectory(folder.resolve("inside"));
    Path outside = Files.createDirectory(folder.resolve("outside"));
    Path file = Files.writeString(outside.resolve("file"), "x");
    FutureTask<Errno> task =
        new FutureTask<>(() -> {
          try (Fd fd = Fd.open(inside, OpenFlags.O_PATH)) {
            Landlock.confineThread(fd);
          }
          try (RootedFiles files = RootedFiles.open(inside, RootedFiles.Confinement.IN_ROOT)) {
            files.makeDirectory("d", 0755);
            files.create("a", 0600).close();
            files.hardLink("d/b", "a");
            files.rename("a", "d/c", 0);
          }
          assertEquals("x", Files.readString(file), "reading is free");
          assertThrows(SyscallException.class, () -> Fd.open(file, OpenFlags.O_WRONLY).close());
          try (RootedFiles files = RootedFiles.open(outside, RootedFiles.Confinement.IN_ROOT)) {
            return assertThrows(SyscallException.class, () -> files.unlink("file")).errno();
          }
        });
    Thread.ofPlatform().start(task);
    assertEquals(Errno.EACCES, task.get());
    assertTrue(Files.exists(inside.resolve("d/b")));
    Files.delete(file);
  }
}
