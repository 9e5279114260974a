package io.berth.cli.command;

import io.berth.api.berth.container.v1.Resources;
import io.berth.base.text.ByteSize;
import picocli.CommandLine.Option;

/** The options for how much a container may use. What is not given is left as it is. */
final class ResourceOptions {
  @Option(
      names = {"-m", "--memory"},
      paramLabel = "BYTES",
      description = "Memory limit: 64m, 1g")
  String memory = "";

  @Option(
      names = "--memory-swap",
      paramLabel = "BYTES",
      description = "Memory and swap together; -1: unlimited")
  String memorySwap = "";

  @Option(names = "--memory-reservation", paramLabel = "BYTES", description = "Soft limit")
  String memoryReservation = "";

  @Option(names = "--cpus", paramLabel = "N", description = "CPUs, e.g. 1.5")
  String cpus = "";

  @Option(
      names = {"-c", "--cpu-shares"},
      paramLabel = "N",
      description = "Relative weight")
  long cpuShares;

  @Option(names = "--cpu-period", paramLabel = "MICROSECONDS", description = "Of the quota")
  long cpuPeriod;

  @Option(names = "--cpu-quota", paramLabel = "MICROSECONDS", description = "Per period")
  long cpuQuota;

  @Option(
      names = {"--cpuset-cpus", "--cpuset"},
      paramLabel = "LIST",
      description = "CPUs it may use: 0-2,4")
  String cpuset = "";

  @Option(names = "--cpuset-mems", paramLabel = "LIST", description = "Memory nodes it may use")
  String nodes = "";

  @Option(
      names = "--pids-limit",
      paramLabel = "N",
      description = "Processes at most; -1: unlimited")
  long pids;

  @Option(names = "--blkio-weight", paramLabel = "N", description = "Relative disk weight, 10-1000")
  int blkioWeight;

  @Option(
      names = "--cpu-rt-period",
      paramLabel = "MICROSECONDS",
      description = "Of the time of real-time tasks (cgroup v1)")
  long realtimePeriod;

  @Option(
      names = "--cpu-rt-runtime",
      paramLabel = "MICROSECONDS",
      description = "Of real-time tasks, per period (cgroup v1)")
  long realtimeRuntime;

  Resources.Builder build() {
    return Resources.newBuilder()
        .setMemory(size("-m", memory))
        .setMemorySwap(memorySwap.equals("-1") ? -1 : size("--memory-swap", memorySwap))
        .setMemoryReservation(size("--memory-reservation", memoryReservation))
        .setNanoCpus(cpus.isEmpty() ? 0 : ByteSize.nanoCpus("--cpus", cpus))
        .setCpuShares(cpuShares)
        .setCpuPeriod(cpuPeriod)
        .setCpuQuota(cpuQuota)
        .setCpusetCpus(cpuset)
        .setCpusetMems(nodes)
        .setPids(pids)
        .setBlkioWeight(blkioWeight)
        .setCpuRealtimePeriod(realtimePeriod)
        .setCpuRealtimeRuntime(realtimeRuntime);
  }

  private static long size(String option, String text) {
    return text.isEmpty() ? 0 : ByteSize.parse(option, text);
  }
}
