package io.berth.containerd.container;

import io.berth.base.config.Config;
import io.berth.base.io.KernelThreads;
import io.berth.containerd.spec.DeviceFolder;
import io.berth.containerd.spec.HostFacts;
import io.berth.containerd.spec.NumberSet;
import io.berth.containerd.spec.Processors;
import io.berth.oci.runtime.Capabilities;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds out what specifications must know of the host, and makes it ready for containers. */
final class HostProbe {
  private HostProbe() {}

  static HostFacts look(Config config) {
    try {
      String architecture = System.getProperty("os.arch");
      return new HostFacts(
          architecture.equals("amd64") ? "x86_64" : architecture,
          processors(),
          Files.readString(Path.of("/proc/sys/kernel/hostname")).strip(),
          ControlGroupProbe.look(),
          config.cgroupParent(),
          capabilities(),
          Map.of("RLIMIT_NOFILE", kernelNumber(Path.of("/proc/sys/fs/nr_open"))),
          new DeviceFolder(Path.of("/dev")),
          path -> KernelThreads.call(() -> Files.exists(path)),
          AppArmorProfile.load(),
          init(config));
    } catch (IOException e) {
      throw new UncheckedIOException("look at the host", e);
    }
  }

  private static Processors processors() {
    int count = Runtime.getRuntime().availableProcessors();
    Processors plain = Processors.of(count);
    return new Processors(
        count,
        online(Path.of("/sys/devices/system/cpu/online"), plain.cpus()),
        online(Path.of("/sys/devices/system/node/online"), plain.nodes()));
  }

  /** The numbers of a file; the usual ones where a kernel does not have it. */
  private static NumberSet online(Path file, NumberSet usual) {
    try {
      NumberSet numbers = NumberSet.parse(Files.readAllLines(file).getFirst().strip());
      return numbers == null ? usual : numbers;
    } catch (IOException e) {
      return usual;
    }
  }

  // The supervisor's program also serves as the one that reaps inside.
  private static @Nullable Path init(Config config) {
    Path program = config.libexec().resolve("bin").resolve("berth-supervisor");
    return Files.isExecutable(program) ? program : null;
  }

  // The file is read line by line, because files of proc(5) have no size and some give their number
  // to the first read only, which Files.readString makes a read of one byte.
  private static long kernelNumber(Path file) throws IOException {
    return Long.parseLong(Files.readAllLines(file).getFirst().strip());
  }

  // A child can be given the capabilities of this service's bounding set (capabilities(7)).
  private static Set<String> capabilities() throws IOException {
    String line =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(each -> each.startsWith("CapBnd:"))
            .findFirst()
            .orElse("CapBnd:\t0");
    long bits = Long.parseUnsignedLong(line.substring("CapBnd:".length()).strip(), 16);
    return new LinkedHashSet<>(Capabilities.names(bits));
  }
}
