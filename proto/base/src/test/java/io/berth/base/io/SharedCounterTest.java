package io.berth.base.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedCounterTest {
  @TempDir Path folder;

  @Test
  void everyOpeningSeesWhatAnyOfThemCounts() throws IOException {
    Path file = folder.resolve("changes");
    SharedCounter one = SharedCounter.open(file);
    SharedCounter other = SharedCounter.open(file);
    assertEquals(0, other.value());
    one.increase();
    one.increase();
    other.increase();
    assertEquals(3, one.value());
    assertEquals(3, other.value());
    assertEquals(3, SharedCounter.open(file).value());
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }
}
