package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SmallFileTest {
  @TempDir Path folder;

  private static void refused(Path file, String why) {
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> SmallFile.read("env file", file));
    assertEquals("env file `" + file + "`: " + why, e.getMessage());
  }

  @Test
  void filesUpToTheBound() throws Exception {
    byte[] bytes = new byte[SmallFile.MOST_BYTES];
    bytes[bytes.length - 1] = 1;
    Path file = Files.write(folder.resolve("file"), bytes);
    assertArrayEquals(bytes, SmallFile.read("env file", file));
    Files.write(file, new byte[bytes.length + 1]);
    refused(file, "is larger than 4 MiB; name another file");
  }

  @Test
  void whatNeverEnds_isNoneToRead() {
    refused(Path.of("/dev/zero"), "is larger than 4 MiB; name another file");
  }

  @Test
  void whatIsNoFile() {
    refused(folder, "cannot be read");
    refused(folder.resolve("none"), "no such file");
  }
}
