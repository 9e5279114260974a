package io.berth.containerd.container;

import io.berth.containerd.shimprocess.CgroupProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What proc(5) says of a process in a container.
 *
 * @param pid as the host sees it
 * @param ppid the parent's
 * @param uid the user on the host
 * @param startedAt by the machine's clock
 * @param cpuMillis the time that it used of processors, in user and kernel mode
 * @param command its command line, or its name in brackets where it has none
 * @param execId the process of a client that it is; else empty
 */
public record ProcessUsage(
    int pid, int ppid, int uid, Instant startedAt, long cpuMillis, String command, String execId) {
  /** Clock ticks per second as user space sees them, the same on every Linux (USER_HZ). */
  private static final long HZ = 100;

  private static final int STAT_PPID = 1;
  private static final int STAT_UTIME = 11;
  private static final int STAT_STIME = 12;
  private static final int STAT_START = 19;

  /** Null for a process that has ended meanwhile. */
  static @Nullable ProcessUsage of(CgroupProcess process) {
    Path folder = Path.of("/proc", Integer.toUnsignedString(process.pid()));
    try {
      String stat = Files.readString(folder.resolve("stat"), StandardCharsets.ISO_8859_1);
      // The name in brackets may contain brackets; the numbers stand behind the last one.
      int end = stat.lastIndexOf(')');
      String[] fields = stat.substring(end + 2).split(" ", -1);
      String commandLine =
          Files.readString(folder.resolve("cmdline"), StandardCharsets.ISO_8859_1)
              .replace('\0', ' ')
              .strip();
      long ticks = Long.parseLong(fields[STAT_UTIME]) + Long.parseLong(fields[STAT_STIME]);
      return new ProcessUsage(
          process.pid(),
          Integer.parseInt(fields[STAT_PPID]),
          (Integer) Files.getAttribute(folder, "unix:uid"),
          started(Long.parseLong(fields[STAT_START])),
          ticks * 1000 / HZ,
          commandLine.isEmpty()
              ? "[" + stat.substring(stat.indexOf('(') + 1, end) + "]"
              : new String(
                  commandLine.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8),
          process.execId());
    } catch (IOException | RuntimeException e) {
      return null;
    }
  }

  private static Instant started(long ticksAfterBoot) throws IOException {
    String up = Files.readString(Path.of("/proc/uptime")).split(" ", -1)[0];
    long upMillis = (long) (Double.parseDouble(up) * 1000);
    return Instant.now().minusMillis(upMillis).plusMillis(ticksAfterBoot * 1000 / HZ);
  }
}
