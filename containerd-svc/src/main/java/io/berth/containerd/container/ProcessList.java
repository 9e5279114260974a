package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Process;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.shimprocess.CgroupProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What proc(5) says of a container's processes. */
final class ProcessList {
  /** Clock ticks per second as user space sees them, the same on every Linux (USER_HZ). */
  private static final long HZ = 100;

  private static final int STAT_PPID = 1;
  private static final int STAT_UTIME = 11;
  private static final int STAT_STIME = 12;
  private static final int STAT_START = 19;

  private ProcessList() {}

  /** Null for one that has ended meanwhile. */
  static @Nullable Process of(CgroupProcess process) {
    Path folder = Path.of("/proc", Integer.toUnsignedString(process.pid()));
    try {
      String stat = Files.readString(folder.resolve("stat"), StandardCharsets.ISO_8859_1);
      // The name in brackets is anything; what counts stands behind the last one.
      int end = stat.lastIndexOf(')');
      String[] fields = stat.substring(end + 2).split(" ", -1);
      String commandLine =
          Files.readString(folder.resolve("cmdline"), StandardCharsets.ISO_8859_1)
              .replace('\0', ' ')
              .strip();
      long ticks = Long.parseLong(fields[STAT_UTIME]) + Long.parseLong(fields[STAT_STIME]);
      return Process.newBuilder()
          .setPid(process.pid())
          .setPpid(Integer.parseInt(fields[STAT_PPID]))
          .setUid((Integer) Files.getAttribute(folder, "unix:uid"))
          .setStartedAt(Timestamps.of(started(Long.parseLong(fields[STAT_START]))))
          .setCpuMs(ticks * 1000 / HZ)
          .setCommand(
              commandLine.isEmpty()
                  ? "[" + stat.substring(stat.indexOf('(') + 1, end) + "]"
                  : new String(
                      commandLine.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8))
          .setExecId(process.execId())
          .build();
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
