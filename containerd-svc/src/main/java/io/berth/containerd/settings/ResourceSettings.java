package io.berth.containerd.settings;

/**
 * Limits that control groups keep (cgroups(7)). Zero and the empty text mean that nothing was said.
 *
 * @param memory bytes
 * @param memorySwap bytes of memory and swap together; -1 for no limit of swap
 * @param memoryReservation bytes that are kept when the host's memory runs short
 * @param nanoCpus processors times 10^9; excludes a quota and a period
 * @param cpuShares relative weight, unsigned
 * @param cpuQuota microseconds of a period; -1 for no limit
 * @param cpuPeriod microseconds, unsigned
 * @param cpusetCpus numbers and ranges of processors, {@code 0-2,7}
 * @param cpusetMems numbers and ranges of memory nodes
 * @param pids processes and threads; -1 for no limit
 * @param blkioWeight relative weight of block devices, 10 to 1000
 */
public record ResourceSettings(
    long memory,
    long memorySwap,
    long memoryReservation,
    long nanoCpus,
    long cpuShares,
    long cpuQuota,
    long cpuPeriod,
    String cpusetCpus,
    String cpusetMems,
    long pids,
    int blkioWeight) {
  /** Nothing was said. */
  public static final ResourceSettings NONE =
      new ResourceSettings(0, 0, 0, 0, 0, 0, 0, "", "", 0, 0);

  /** The same with another limit of memory and swap together. */
  public ResourceSettings withMemorySwap(long changed) {
    return new ResourceSettings(
        memory,
        changed,
        memoryReservation,
        nanoCpus,
        cpuShares,
        cpuQuota,
        cpuPeriod,
        cpusetCpus,
        cpusetMems,
        pids,
        blkioWeight);
  }

  /** The same with other shares of the processors. */
  public ResourceSettings withCpuShares(long changed) {
    return new ResourceSettings(
        memory,
        memorySwap,
        memoryReservation,
        nanoCpus,
        changed,
        cpuQuota,
        cpuPeriod,
        cpusetCpus,
        cpusetMems,
        pids,
        blkioWeight);
  }

  /** The same with other times of the processors. */
  public ResourceSettings withCpuTimes(long nanos, long quota, long period) {
    return new ResourceSettings(
        memory,
        memorySwap,
        memoryReservation,
        nanos,
        cpuShares,
        quota,
        period,
        cpusetCpus,
        cpusetMems,
        pids,
        blkioWeight);
  }

  /** What the change says where it says something, else what holds now. */
  public ResourceSettings overlaidBy(ResourceSettings change) {
    return new ResourceSettings(
        chosen(change.memory, memory),
        chosen(change.memorySwap, memorySwap),
        chosen(change.memoryReservation, memoryReservation),
        chosen(change.nanoCpus, nanoCpus),
        chosen(change.cpuShares, cpuShares),
        chosen(change.cpuQuota, cpuQuota),
        chosen(change.cpuPeriod, cpuPeriod),
        change.cpusetCpus.isEmpty() ? cpusetCpus : change.cpusetCpus,
        change.cpusetMems.isEmpty() ? cpusetMems : change.cpusetMems,
        chosen(change.pids, pids),
        change.blkioWeight == 0 ? blkioWeight : change.blkioWeight);
  }

  private static long chosen(long change, long now) {
    return change == 0 ? now : change;
  }
}
