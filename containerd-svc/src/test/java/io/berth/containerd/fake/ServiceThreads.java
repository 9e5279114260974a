package io.berth.containerd.fake;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** The threads of the service under test, virtual ones as well. */
public final class ServiceThreads {
  private ServiceThreads() {}

  /** How many stack frames of any thread are in a method, given as {@code package.Class.method}. */
  public static long in(String method) {
    try {
      return count(method + "(");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long count(String frame) throws IOException {
    Path dump = Files.createTempDirectory("berth-threads").resolve("dump");
    try {
      ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
          .dumpThreads(dump.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
      try (var lines = Files.lines(dump)) {
        return lines.filter(line -> line.contains(frame)).count();
      }
    } finally {
      Files.deleteIfExists(dump);
      Files.delete(dump.getParent());
    }
  }
}
