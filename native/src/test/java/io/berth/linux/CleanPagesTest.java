package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pages of files that can be read again, and those that cannot. */
class CleanPagesTest {
  private static final int SIZE = 1 << 20;
  private static final int MMAP = Arch.pick(9, 222);
  private static final int MPROTECT = Arch.pick(10, 226);
  private static final int MUNMAP = Arch.pick(11, 215);
  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;
  private static final int MAP_PRIVATE = 2;

  @TempDir Path folder;

  /** The KiB of this file that the process has in its page tables. */
  private static long resident(Path file) throws Exception {
    List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
    long sum = 0;
    boolean inside = false;
    for (String line : lines) {
      if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
        inside = line.endsWith(file.toString());
      } else if (inside && line.startsWith("Rss:")) {
        sum += Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    return sum;
  }

  /** A private map, as the JVM makes of its cache; java.nio makes only shared ones to read. */
  @SuppressWarnings("restricted")
  private static MemorySegment map(Arena arena, Path file, int protection) throws Exception {
    try (Fd fd = Fd.open(file.toString(), OpenFlags.O_RDONLY, 0);
        Frame f = Frame.open()) {
      long at =
          Libc.check(
              Libc.call(f, MMAP, 0, SIZE, protection, MAP_PRIVATE, fd.number(), 0),
              "mmap",
              file.toString());
      return MemorySegment.ofAddress(at).reinterpret(SIZE, arena, CleanPagesTest::unmap);
    }
  }

  private static void unmap(MemorySegment map) {
    try (Frame f = Frame.open()) {
      Libc.call(f, MUNMAP, map.address(), SIZE);
    }
  }

  private static void protect(MemorySegment map, int protection) throws Exception {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, MPROTECT, map.address(), SIZE, protection), "mprotect", "a map");
    }
  }

  private static long sum(MemorySegment bytes) {
    long sum = 0;
    for (long i = 0; i < bytes.byteSize(); i += 512) {
      sum += bytes.get(ValueLayout.JAVA_BYTE, i);
    }
    return sum;
  }

  @Test
  void whatIsOnlyRead_goesAndComesBack_andWhatWasWrittenStays() throws Exception {
    byte[] content = new byte[SIZE];
    for (int i = 0; i < SIZE; i++) {
      content[i] = (byte) (i / 512);
    }
    Path read = Files.write(folder.resolve("a.pages"), content);
    Path other = Files.write(folder.resolve("a.else"), content);
    Path changed = Files.write(folder.resolve("b.pages"), content);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment own = map(arena, read, PROT_READ);
      MemorySegment others = map(arena, other, PROT_READ);
      MemorySegment written = map(arena, changed, PROT_READ | PROT_WRITE);
      written.set(ValueLayout.JAVA_BYTE, 5, (byte) 77);
      protect(written, PROT_READ);
      long expected = sum(own);
      assertEquals(expected, sum(others));
      assertTrue(resident(read) > 0);
      assertEquals(SIZE, CleanPages.letGo(".pages"));
      assertEquals(0, resident(read));
      assertTrue(resident(other) > 0);
      assertEquals(77, written.get(ValueLayout.JAVA_BYTE, 5));
      assertEquals(expected, sum(own));
    }
  }
}
