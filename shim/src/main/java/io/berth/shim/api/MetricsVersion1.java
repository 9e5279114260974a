package io.berth.shim.api;

import io.berth.api.io.containerd.cgroups.v1.BlkIOEntry;
import io.berth.api.io.containerd.cgroups.v1.BlkIOStat;
import io.berth.api.io.containerd.cgroups.v1.CPUStat;
import io.berth.api.io.containerd.cgroups.v1.CPUUsage;
import io.berth.api.io.containerd.cgroups.v1.MemoryEntry;
import io.berth.api.io.containerd.cgroups.v1.MemoryOomControl;
import io.berth.api.io.containerd.cgroups.v1.MemoryStat;
import io.berth.api.io.containerd.cgroups.v1.Metrics;
import io.berth.api.io.containerd.cgroups.v1.NetworkStat;
import io.berth.api.io.containerd.cgroups.v1.PidsStat;
import io.berth.api.io.containerd.cgroups.v1.Throttle;
import io.berth.linux.SyscallException;
import io.berth.shim.cgroup.CgroupFolders;
import io.berth.shim.cgroup.ControlFiles;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads the metrics of version 1 (Linux, Documentation/admin-guide/cgroup-v1). */
final class MetricsVersion1 {
  /** The length of USER_HZ, in which cpuacct.stat counts (time(7)). */
  private static final long NANOS_PER_TICK = 10_000_000;

  private MetricsVersion1() {}

  static Metrics of(CgroupFolders folders, List<Map<String, Long>> network)
      throws SyscallException {
    Metrics.Builder metrics = Metrics.newBuilder();
    metrics.setCpu(cpu(folders.of("cpu"), folders.of("cpuacct")));
    memory(metrics, folders.of("memory"));
    String pids = folders.of("pids");
    if (pids != null) {
      metrics.setPids(
          PidsStat.newBuilder()
              .setCurrent(number(pids, "pids.current"))
              .setLimit(Math.max(0, number(pids, "pids.max"))));
    }
    blockIo(metrics, folders.of("blkio"));
    for (Map<String, Long> values : network) {
      NetworkStat.Builder stat = NetworkStat.newBuilder();
      MetricsFiles.fill(stat, values);
      metrics.addNetwork(stat.setName(MetricsFiles.interfaceOf(values)));
    }
    return metrics.build();
  }

  private static long number(@Nullable String folder, String file) throws SyscallException {
    return MetricsFiles.value(folder, file);
  }

  private static CPUStat cpu(@Nullable String cpu, @Nullable String cpuacct)
      throws SyscallException {
    Map<String, Long> times = MetricsFiles.table(cpuacct, "cpuacct.stat");
    CPUUsage.Builder usage =
        CPUUsage.newBuilder()
            .setTotal(number(cpuacct, "cpuacct.usage"))
            .setUser(times.getOrDefault("user", 0L) * NANOS_PER_TICK)
            .setKernel(times.getOrDefault("system", 0L) * NANOS_PER_TICK);
    String each =
        cpuacct == null ? null : ControlFiles.readIfThere(cpuacct, "cpuacct.usage_percpu");
    if (each != null && !each.isEmpty()) {
      for (String one : each.split("\\s+", -1)) {
        usage.addPerCpu(MetricsFiles.number(one));
      }
    }
    Map<String, Long> throttling = MetricsFiles.table(cpu, "cpu.stat");
    return CPUStat.newBuilder()
        .setUsage(usage)
        .setThrottling(
            Throttle.newBuilder()
                .setPeriods(throttling.getOrDefault("nr_periods", 0L))
                .setThrottledPeriods(throttling.getOrDefault("nr_throttled", 0L))
                .setThrottledTime(throttling.getOrDefault("throttled_time", 0L)))
        .build();
  }

  private static void memory(Metrics.Builder metrics, @Nullable String folder)
      throws SyscallException {
    MemoryStat.Builder memory = MemoryStat.newBuilder();
    Map<String, Long> values = new LinkedHashMap<>();
    MetricsFiles.table(folder, "memory.stat")
        .forEach((key, value) -> values.put(fieldName(key), value));
    MetricsFiles.fill(memory, values);
    memory.setUsage(entry(folder, "memory."));
    memory.setSwap(entry(folder, "memory.memsw."));
    memory.setKernel(entry(folder, "memory.kmem."));
    memory.setKernelTcp(entry(folder, "memory.kmem.tcp."));
    metrics.setMemory(memory);
    MemoryOomControl.Builder oom = MemoryOomControl.newBuilder();
    MetricsFiles.fill(oom, MetricsFiles.table(folder, "memory.oom_control"));
    metrics.setMemoryOomControl(oom);
  }

  /** The message has underscores where the kernel's words run together. */
  private static String fieldName(String key) {
    return key.replace("pgpgin", "pg_pg_in")
        .replace("pgpgout", "pg_pg_out")
        .replace("pgmajfault", "pg_maj_fault")
        .replace("pgfault", "pg_fault")
        .replace("hierarchical_memsw_limit", "hierarchical_swap_limit");
  }

  private static MemoryEntry entry(@Nullable String folder, String prefix) throws SyscallException {
    return MemoryEntry.newBuilder()
        .setUsage(number(folder, prefix + "usage_in_bytes"))
        .setLimit(number(folder, prefix + "limit_in_bytes"))
        .setMax(number(folder, prefix + "max_usage_in_bytes"))
        .setFailcnt(number(folder, prefix + "failcnt"))
        .build();
  }

  private static void blockIo(Metrics.Builder metrics, @Nullable String folder)
      throws SyscallException {
    if (folder == null) {
      return;
    }
    BlkIOStat.Builder io = BlkIOStat.newBuilder();
    entries(folder, "throttle.io_service_bytes", io::addIoServiceBytesRecursive);
    entries(folder, "throttle.io_serviced", io::addIoServicedRecursive);
    entries(folder, "io_queued", io::addIoQueuedRecursive);
    entries(folder, "io_service_time", io::addIoServiceTimeRecursive);
    entries(folder, "io_wait_time", io::addIoWaitTimeRecursive);
    entries(folder, "io_merged", io::addIoMergedRecursive);
    entries(folder, "time", io::addIoTimeRecursive);
    entries(folder, "sectors", io::addSectorsRecursive);
    metrics.setBlkio(io);
  }

  /** Lines of {@code MAJOR:MINOR [OPERATION] VALUE}; the one with the sum of all has no device. */
  private static void entries(String folder, String file, Consumer<BlkIOEntry> add)
      throws SyscallException {
    String text = ControlFiles.readIfThere(folder, "blkio." + file + "_recursive");
    if (text == null) {
      return;
    }
    for (String line : text.split("\n", -1)) {
      String[] words = line.strip().split("[ :]+", -1);
      if (words.length < 3 || !line.contains(":")) {
        continue;
      }
      add.accept(
          BlkIOEntry.newBuilder()
              .setMajor(MetricsFiles.number(words[0]))
              .setMinor(MetricsFiles.number(words[1]))
              .setOp(words.length > 3 ? words[2].toLowerCase(Locale.ROOT) : "")
              .setValue(MetricsFiles.number(words[words.length - 1]))
              .build());
    }
  }
}
