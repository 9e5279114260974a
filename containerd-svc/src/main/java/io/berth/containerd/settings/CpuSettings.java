package io.berth.containerd.settings;

/**
 * Limits of processors. Zero and the empty text mean that nothing was said.
 *
 * @param nanos processors times 10^9; excludes a quota and a period
 * @param shares relative weight, unsigned
 * @param quota microseconds of a period; -1 for no limit
 * @param period microseconds, unsigned
 * @param realtimePeriod microseconds, for tasks of a real-time class (sched(7))
 * @param realtimeRuntime microseconds of such a period
 * @param cpus numbers and ranges of processors, {@code 0-2,7}
 * @param nodes numbers and ranges of memory nodes
 */
public record CpuSettings(
    long nanos,
    long shares,
    long quota,
    long period,
    long realtimePeriod,
    long realtimeRuntime,
    String cpus,
    String nodes) {
  static final CpuSettings NONE = new CpuSettings(0, 0, 0, 0, 0, 0, "", "");

  /** The same with other shares. */
  public CpuSettings withShares(long changed) {
    return new CpuSettings(
        nanos, changed, quota, period, realtimePeriod, realtimeRuntime, cpus, nodes);
  }

  /** The same with other times. */
  public CpuSettings withTimes(long changedNanos, long changedQuota, long changedPeriod) {
    return new CpuSettings(
        changedNanos,
        shares,
        changedQuota,
        changedPeriod,
        realtimePeriod,
        realtimeRuntime,
        cpus,
        nodes);
  }

  CpuSettings overlaidBy(CpuSettings change) {
    return new CpuSettings(
        ResourceSettings.chosen(change.nanos, nanos),
        ResourceSettings.chosen(change.shares, shares),
        ResourceSettings.chosen(change.quota, quota),
        ResourceSettings.chosen(change.period, period),
        ResourceSettings.chosen(change.realtimePeriod, realtimePeriod),
        ResourceSettings.chosen(change.realtimeRuntime, realtimeRuntime),
        change.cpus.isEmpty() ? cpus : change.cpus,
        change.nodes.isEmpty() ? nodes : change.nodes);
  }
}
