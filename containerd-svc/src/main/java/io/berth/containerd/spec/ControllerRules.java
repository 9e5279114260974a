package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.BlockIoSettings;
import io.berth.containerd.settings.CpuSettings;
import io.berth.containerd.settings.MemorySettings;
import io.berth.containerd.settings.ResourceSettings;
import java.math.BigDecimal;
import java.util.List;

/**
 * What becomes of limits that this host cannot keep. A bound is refused, for whoever asked for it
 * relies on it; a preference (a weight, how readily it is swapped) is discarded aloud, as docker
 * does.
 */
final class ControllerRules {
  private ControllerRules() {}

  /**
   * The limits that can be kept. FAILED_PRECONDITION for a bound that cannot be.
   *
   * @param warnings takes a line for each preference that is discarded
   */
  static ResourceSettings granted(
      ResourceSettings given, ControlGroups host, List<String> warnings) {
    memory(given.memory(), host);
    cpu(given.cpu(), host);
    if (given.pids() > 0) {
      needs(host, "pids", "pids limit `" + given.pids() + "`");
    }
    BlockIoSettings disks = given.blockIo();
    bounded(host, "device read bps", disks.readBps());
    bounded(host, "device write bps", disks.writeBps());
    bounded(host, "device read iops", disks.readIops());
    bounded(host, "device write iops", disks.writeIops());
    ResourceSettings granted = withoutLimits(given, host);
    if ((disks.weight() != 0 || !disks.weights().isEmpty()) && !host.weighsDisks()) {
      warnings.add("blkio weight: no scheduler of disks of this kernel heeds it; discarded");
      granted = granted.withBlockIo(disks.withoutWeights());
    }
    if (given.memory().swappiness() != null && host.unified()) {
      warnings.add("memory swappiness: cgroup v2 has no such setting; discarded");
      granted = granted.withMemory(granted.memory().withoutSwappiness());
    }
    return granted;
  }

  /** No limit is what there is without a controller, and nothing that could be written says so. */
  private static ResourceSettings withoutLimits(ResourceSettings given, ControlGroups host) {
    ResourceSettings result = given;
    if (given.pids() < 0 && !host.controllers().contains("pids")) {
      result = result.withPids(0);
    }
    if (given.memory().swap() < 0 && !host.controllers().contains("memory")) {
      result = result.withMemory(given.memory().withSwap(0));
    }
    CpuSettings cpu = given.cpu();
    if (cpu.quota() < 0 && !host.controllers().contains("cpu")) {
      result = result.withCpu(cpu.withTimes(cpu.nanos(), 0, 0));
    }
    return result;
  }

  private static void memory(MemorySettings given, ControlGroups host) {
    if (given.limit() > 0) {
      needs(host, "memory", "memory limit `" + given.limit() + "`");
    }
    if (given.swap() > 0) {
      needs(host, "memory", "memory and swap limit `" + given.swap() + "`");
    }
    if (given.reservation() > 0) {
      needs(host, "memory", "memory reservation `" + given.reservation() + "`");
    }
  }

  private static void cpu(CpuSettings given, ControlGroups host) {
    if (given.nanos() > 0) {
      needs(host, "cpu", "limit of cpus `" + cpus(given.nanos()) + "`");
    }
    if (given.quota() > 0) {
      needs(host, "cpu", "cpu quota `" + given.quota() + "`");
    }
    if (given.period() != 0 && given.quota() >= 0) {
      needs(host, "cpu", "cpu period `" + Long.toUnsignedString(given.period()) + "`");
    }
    if (given.shares() != 0) {
      needs(host, "cpu", "cpu shares `" + Long.toUnsignedString(given.shares()) + "`");
    }
    if (!given.cpus().isEmpty()) {
      needs(host, "cpuset", "cpuset cpus `" + given.cpus() + "`");
    }
    if (!given.nodes().isEmpty()) {
      needs(host, "cpuset", "cpuset mems `" + given.nodes() + "`");
    }
    if ((given.realtimePeriod() != 0 || given.realtimeRuntime() != 0) && !host.realtime()) {
      throw new BerthException.FailedPrecondition(
          host.unified()
              ? "cpu real-time period or runtime: cgroup v2 has none; leave them out"
              : "cpu real-time period or runtime: this kernel is built without"
                  + " CONFIG_RT_GROUP_SCHED; leave them out");
    }
  }

  private static String cpus(long nanos) {
    return BigDecimal.valueOf(nanos, 9).stripTrailingZeros().toPlainString();
  }

  private static void bounded(
      ControlGroups host, String what, List<BlockIoSettings.DeviceRate> rates) {
    if (!rates.isEmpty()) {
      needs(host, "io", what + " `" + rates.getFirst().path() + "`");
    }
  }

  private static void needs(ControlGroups host, String controller, String limit) {
    if (!host.controllers().contains(controller)) {
      String name = controller.equals("io") && !host.unified() ? "blkio" : controller;
      throw new BerthException.FailedPrecondition(
          limit + ": this kernel has no " + name + " controller; leave it out");
    }
  }
}
