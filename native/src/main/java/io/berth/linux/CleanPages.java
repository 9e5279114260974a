package io.berth.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Pages of files that this process has mapped and only reads. The kernel maps many around each that
 * is touched, and they count as the process's own for the rest of its life, although the file has
 * them.
 */
public final class CleanPages {
  private static final int MADV_DONTNEED = 4;

  private CleanPages() {}

  /**
   * Takes read-only maps of files of this name out of the process's page tables. What is read again
   * comes back from the page cache, by a fault a page. A map that holds pages of the process's own,
   * written before it became read-only, is left alone: they would be lost. Reads {@code
   * /proc/self/smaps}, so it takes milliseconds.
   *
   * @param suffix how the files' names end
   * @return how many bytes of address space were let go
   */
  public static long letGo(String suffix) throws IOException {
    long bytes = 0;
    for (Range range : unchanged(Files.readAllLines(Path.of("/proc/self/smaps")), suffix)) {
      try (Frame f = Frame.open()) {
        long length = range.end - range.start;
        Libc.check(
            Libc.call(f, Sys.MADVISE, range.start, length, MADV_DONTNEED), "madvise", suffix);
        bytes += length;
      }
    }
    return bytes;
  }

  private record Range(long start, long end) {}

  /** The maps of smaps (proc_pid_smaps(5)) that can be read anew from their file. */
  private static List<Range> unchanged(List<String> smaps, String suffix) {
    List<Range> found = new ArrayList<>();
    String map = "";
    for (String line : smaps) {
      if (Character.isLetter(line.charAt(0)) && line.indexOf(':') == line.indexOf(' ') - 1) {
        if (line.startsWith("Anonymous:")
            && line.endsWith(" 0 kB")
            && map.contains(" r--p ")
            && map.endsWith(suffix)) {
          found.add(range(map));
        }
      } else {
        map = line;
      }
    }
    return found;
  }

  private static Range range(String map) {
    int dash = map.indexOf('-');
    return new Range(
        Long.parseUnsignedLong(map, 0, dash, 16),
        Long.parseUnsignedLong(map, dash + 1, map.indexOf(' '), 16));
  }
}
