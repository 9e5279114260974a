package io.berth.cli.render;

import com.google.protobuf.Any;
import io.berth.api.containerd.types.Metric;
import io.berth.api.io.containerd.cgroups.v1.BlkIOEntry;
import io.berth.api.io.containerd.cgroups.v2.IOEntry;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;

/**
 * What a container has used until a moment, read from the metrics of either version of cgroups.
 *
 * @param cpu processor time in nanoseconds
 * @param memory bytes without those that the kernel could drop at once, as docker counts it
 * @param limit bytes of memory that may be used; all bits set for no limit
 * @param received bytes from networks
 * @param sent bytes to networks
 * @param read bytes from disks
 * @param written bytes to disks
 * @param processes how many there are at the moment
 */
public record Sample(
    Instant at,
    long cpu,
    long memory,
    long limit,
    long received,
    long sent,
    long read,
    long written,
    long processes) {
  private static final String VERSION_1 = "io.containerd.cgroups.v1.Metrics";
  private static final String VERSION_2 = "io.containerd.cgroups.v2.Metrics";

  /** Reads a container's metrics. */
  public static Sample of(Metric metric) {
    Instant at = Timestamps.instant(metric.getTimestamp());
    return Anys.is(metric.getData(), VERSION_1)
        ? version1(at, metric.getData())
        : version2(at, metric.getData());
  }

  private static Sample version1(Instant at, Any data) {
    var metrics =
        Anys.unpack(data, VERSION_1, io.berth.api.io.containerd.cgroups.v1.Metrics.parser());
    var memory = metrics.getMemory();
    var interfaces =
        metrics.getNetworkList().stream().filter(one -> !one.getName().equals("lo")).toList();
    List<BlkIOEntry> io = metrics.getBlkio().getIoServiceBytesRecursiveList();
    return new Sample(
        at,
        metrics.getCpu().getUsage().getTotal(),
        Math.max(0, memory.getUsage().getUsage() - memory.getTotalInactiveFile()),
        memory.getUsage().getLimit(),
        sum(interfaces, one -> one.getRxBytes()),
        sum(interfaces, one -> one.getTxBytes()),
        sum(io, entry -> isOf(entry, "read") ? entry.getValue() : 0),
        sum(io, entry -> isOf(entry, "write") ? entry.getValue() : 0),
        metrics.getPids().getCurrent());
  }

  private static boolean isOf(BlkIOEntry entry, String operation) {
    return entry.getOp().toLowerCase(Locale.ROOT).equals(operation);
  }

  private static Sample version2(Instant at, Any data) {
    var metrics =
        Anys.unpack(data, VERSION_2, io.berth.api.io.containerd.cgroups.v2.Metrics.parser());
    var memory = metrics.getMemory();
    var interfaces =
        metrics.getNetworkList().stream().filter(one -> !one.getName().equals("lo")).toList();
    List<IOEntry> io = metrics.getIo().getUsageList();
    return new Sample(
        at,
        metrics.getCpu().getUsageUsec() * 1000,
        Math.max(0, memory.getUsage() - memory.getInactiveFile()),
        memory.getUsageLimit(),
        sum(interfaces, one -> one.getRxBytes()),
        sum(interfaces, one -> one.getTxBytes()),
        sum(io, IOEntry::getRbytes),
        sum(io, IOEntry::getWbytes),
        metrics.getPids().getCurrent());
  }

  private static <T> long sum(List<T> all, ToLongFunction<T> value) {
    return all.stream().mapToLong(value).sum();
  }

  /**
   * The use of processors since an earlier sample, in percent of one processor; 0 for the same
   * moment.
   */
  public double cpuSince(Sample earlier) {
    long nanos = Duration.between(earlier.at, at).toNanos();
    return nanos <= 0 ? 0 : Math.max(0, cpu - earlier.cpu) * 100.0 / nanos;
  }

  /**
   * The limit of memory in force.
   *
   * @param machine bytes of the machine's memory, which no limit exceeds
   */
  public long limitWithin(long machine) {
    return Long.compareUnsigned(limit, machine) > 0 || limit == 0 ? machine : limit;
  }
}
