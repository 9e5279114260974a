package io.berth.shim.api;

import io.berth.api.io.containerd.cgroups.v2.CPUStat;
import io.berth.api.io.containerd.cgroups.v2.IOEntry;
import io.berth.api.io.containerd.cgroups.v2.IOStat;
import io.berth.api.io.containerd.cgroups.v2.MemoryEvents;
import io.berth.api.io.containerd.cgroups.v2.MemoryStat;
import io.berth.api.io.containerd.cgroups.v2.Metrics;
import io.berth.api.io.containerd.cgroups.v2.NetworkStat;
import io.berth.api.io.containerd.cgroups.v2.PidsStat;
import io.berth.linux.SyscallException;
import io.berth.shim.cgroup.CgroupFolders;
import io.berth.shim.cgroup.ControlFiles;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads the metrics of version 2 (Linux, Documentation/admin-guide/cgroup-v2.rst). */
final class MetricsVersion2 {
  private MetricsVersion2() {}

  static Metrics of(CgroupFolders folders, List<Map<String, Long>> network)
      throws SyscallException {
    String folder = String.valueOf(folders.version2());
    Metrics.Builder metrics = Metrics.newBuilder();
    CPUStat.Builder cpu = CPUStat.newBuilder();
    MetricsFiles.fill(cpu, MetricsFiles.table(folder, "cpu.stat"));
    metrics.setCpu(cpu);
    MemoryStat.Builder memory = MemoryStat.newBuilder();
    MetricsFiles.fill(memory, MetricsFiles.table(folder, "memory.stat"));
    memory
        .setUsage(MetricsFiles.value(folder, "memory.current"))
        .setUsageLimit(MetricsFiles.value(folder, "memory.max"))
        .setMaxUsage(MetricsFiles.value(folder, "memory.peak"))
        .setSwapUsage(MetricsFiles.value(folder, "memory.swap.current"))
        .setSwapLimit(MetricsFiles.value(folder, "memory.swap.max"))
        .setSwapMaxUsage(MetricsFiles.value(folder, "memory.swap.peak"));
    metrics.setMemory(memory);
    MemoryEvents.Builder events = MemoryEvents.newBuilder();
    MetricsFiles.fill(events, MetricsFiles.table(folder, "memory.events"));
    metrics.setMemoryEvents(events);
    metrics.setPids(
        PidsStat.newBuilder()
            .setCurrent(MetricsFiles.value(folder, "pids.current"))
            .setLimit(MetricsFiles.value(folder, "pids.max")));
    metrics.setIo(io(folder));
    for (Map<String, Long> values : network) {
      NetworkStat.Builder stat = NetworkStat.newBuilder();
      MetricsFiles.fill(stat, values);
      metrics.addNetwork(stat.setName(MetricsFiles.interfaceOf(values)));
    }
    return metrics.build();
  }

  /** Reads lines of the form {@code MAJOR:MINOR key=value ...}. */
  private static IOStat io(String folder) throws SyscallException {
    IOStat.Builder io = IOStat.newBuilder();
    String text = ControlFiles.readIfThere(folder, "io.stat");
    if (text == null) {
      return io.build();
    }
    for (String line : text.split("\n", -1)) {
      String[] words = line.strip().split(" ", -1);
      int colon = words[0].indexOf(':');
      if (colon < 0) {
        continue;
      }
      Map<String, Long> values = new HashMap<>();
      for (String word : words) {
        int equals = word.indexOf('=');
        if (equals > 0) {
          values.put(word.substring(0, equals), MetricsFiles.number(word.substring(equals + 1)));
        }
      }
      IOEntry.Builder entry = IOEntry.newBuilder();
      MetricsFiles.fill(entry, values);
      entry
          .setMajor(MetricsFiles.number(words[0].substring(0, colon)))
          .setMinor(MetricsFiles.number(words[0].substring(colon + 1)));
      io.addUsage(entry);
    }
    return io.build();
  }
}
