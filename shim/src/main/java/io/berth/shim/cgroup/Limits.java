package io.berth.shim.cgroup;

import io.berth.base.error.BerthException;
import io.berth.oci.runtime.Resources;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Limits of a container as files to be written, in order; {@link DeviceLimits} are apart. Zero and
 * absent mean: leave it.
 *
 * <p>The kernel's documents: cgroup-v1/*.rst and cgroup-v2.rst.
 */
public final class Limits {
  private Limits() {}

  /**
   * A value for a file of a controller's folder.
   *
   * @param controller of version 1; empty for version 2
   */
  public record Write(String controller, String file, String value, Failure failure) {
    /** What a refusal means. */
    public enum Failure {
      /** The limit cannot be had. */
      TOLD,
      /** The kernel was built without it: no failure if the file is absent. */
      TOLD_IF_BUILT,
      /** Another write follows that counts. */
      IGNORED
    }

    static Write of(String controller, String file, Object value) {
      return new Write(controller, file, String.valueOf(value), Failure.TOLD);
    }

    Write orElseNot() {
      return new Write(controller, file, value, Failure.TOLD_IF_BUILT);
    }
  }

  /** For hierarchies of version 1, device rules not included. */
  public static List<Write> version1(Resources resources) {
    List<Write> writes = new ArrayList<>();
    memory1(writes, resources.memory());
    cpu1(writes, resources.cpu());
    pids(writes, "pids", resources.pids());
    blockIo1(writes, resources.blockIo());
    for (Resources.HugePages pages : resources.hugepageLimits()) {
      String value = Long.toUnsignedString(pages.limit());
      String name = "hugetlb." + pages.pageSize();
      writes.add(Write.of("hugetlb", name + ".limit_in_bytes", value));
      // What is reserved and not yet touched; since 5.7.
      writes.add(Write.of("hugetlb", name + ".rsvd.limit_in_bytes", value).orElseNot());
    }
    if (orZero(resources.network().classId()) != 0) {
      writes.add(Write.of("net_cls", "net_cls.classid", orZero(resources.network().classId())));
    }
    resources
        .network()
        .priorities()
        .forEach(priority ->
            writes.add(
                Write.of(
                    "net_prio",
                    "net_prio.ifpriomap",
                    priority.name() + " " + priority.priority())));
    rdma(writes, "rdma", resources);
    return writes;
  }

  private static void memory1(List<Write> writes, Resources.Memory memory) {
    if (orZero(memory.limit()) > 0) {
      checkSwap(orZero(memory.limit()), orZero(memory.swap()));
    }
    String sum = "memory.memsw.limit_in_bytes";
    if (orZero(memory.limit()) != 0 && orZero(memory.swap()) != 0) {
      // The limit of both together may never be below that of memory alone, and the one in force is
      // not known here: raising both begins with the sum, lowering both ends with it.
      writes.add(new Write("memory", sum, String.valueOf(memory.swap()), Write.Failure.IGNORED));
    }
    number(writes, "memory", "memory.limit_in_bytes", memory.limit());
    numberIfBuilt(writes, "memory", sum, memory.swap());
    number(writes, "memory", "memory.soft_limit_in_bytes", memory.reservation());
    numberIfBuilt(writes, "memory", "memory.kmem.tcp.limit_in_bytes", memory.kernelTcp());
    Long swappiness = memory.swappiness();
    swappiness(swappiness);
    if (swappiness != null && swappiness >= 0) {
      writes.add(Write.of("memory", "memory.swappiness", swappiness));
    }
    if (memory.disableOomKiller()) {
      writes.add(Write.of("memory", "memory.oom_control", 1));
    }
  }

  private static void checkSwap(long limit, long swap) {
    if (swap > 0 && (limit <= 0 || swap < limit)) {
      throw new BerthException.InvalidArgument(
          "limit of memory and swap "
              + swap
              + ": it counts memory too, so it needs a limit of memory that is not above it");
    }
  }

  /** Docker sends -1 for one that nobody asked for. */
  private static void swappiness(@Nullable Long value) {
    if (value != null && (value < -1 || value > 200)) {
      throw new BerthException.InvalidArgument(
          "memory swappiness " + value + ": it is from 0 to 100, and from Linux 5.8 on to 200");
    }
  }

  private static void number(
      List<Write> writes, String controller, String file, @Nullable Long value) {
    if (value != null && value != 0) {
      writes.add(Write.of(controller, file, value));
    }
  }

  private static void numberIfBuilt(
      List<Write> writes, String controller, String file, @Nullable Long value) {
    if (value != null && value != 0) {
      writes.add(Write.of(controller, file, value).orElseNot());
    }
  }

  private static void cpu1(List<Write> writes, Resources.Cpu cpu) {
    number(writes, "cpu", "cpu.shares", cpu.shares());
    numberIfBuilt(writes, "cpu", "cpu.idle", cpu.idle());
    number(writes, "cpu", "cpu.cfs_period_us", cpu.period());
    number(writes, "cpu", "cpu.cfs_quota_us", cpu.quota());
    numberIfBuilt(writes, "cpu", "cpu.cfs_burst_us", cpu.burst());
    number(writes, "cpu", "cpu.rt_period_us", cpu.realtimePeriod());
    number(writes, "cpu", "cpu.rt_runtime_us", cpu.realtimeRuntime());
    cpuset(writes, "cpuset", cpu);
  }

  private static void cpuset(List<Write> writes, String controller, Resources.Cpu cpu) {
    if (!cpu.cpus().isEmpty()) {
      writes.add(Write.of(controller, "cpuset.cpus", cpu.cpus()));
    }
    if (!cpu.mems().isEmpty()) {
      writes.add(Write.of(controller, "cpuset.mems", cpu.mems()));
    }
  }

  private static void pids(List<Write> writes, String controller, Resources.@Nullable Pids pids) {
    if (pids != null && pids.limit() != 0) {
      writes.add(Write.of(controller, "pids.max", pids.limit() > 0 ? pids.limit() : "max"));
    }
  }

  private static void blockIo1(List<Write> writes, Resources.BlockIo io) {
    if (io.weight() != null && io.weight() != 0) {
      writes.add(Write.of("blkio", "blkio.weight", io.weight()).orElseNot());
      writes.add(Write.of("blkio", "blkio.bfq.weight", io.weight()).orElseNot());
    }
    if (io.leafWeight() != null && io.leafWeight() != 0) {
      writes.add(Write.of("blkio", "blkio.leaf_weight", io.leafWeight()).orElseNot());
    }
    for (Resources.WeightDevice device : io.weightDevice()) {
      String name = device.major() + ":" + device.minor() + " ";
      if (device.weight() != null && device.weight() != 0) {
        writes.add(Write.of("blkio", "blkio.weight_device", name + device.weight()).orElseNot());
        writes.add(
            Write.of("blkio", "blkio.bfq.weight_device", name + device.weight()).orElseNot());
      }
      if (device.leafWeight() != null && device.leafWeight() != 0) {
        writes.add(
            Write.of("blkio", "blkio.leaf_weight_device", name + device.leafWeight()).orElseNot());
      }
    }
    throttle1(writes, "read_bps", io.throttleReadBpsDevice());
    throttle1(writes, "write_bps", io.throttleWriteBpsDevice());
    throttle1(writes, "read_iops", io.throttleReadIopsDevice());
    throttle1(writes, "write_iops", io.throttleWriteIopsDevice());
  }

  private static void throttle1(
      List<Write> writes, String what, List<Resources.ThrottleDevice> devices) {
    for (Resources.ThrottleDevice device : devices) {
      writes.add(
          Write.of(
              "blkio",
              "blkio.throttle." + what + "_device",
              device.major() + ":" + device.minor() + " " + Long.toUnsignedString(device.rate())));
    }
  }

  private static void rdma(List<Write> writes, String controller, Resources resources) {
    resources
        .rdma()
        .forEach((device, limit) -> {
          String handles =
              orZero(limit.hcaHandles()) != 0 ? " hca_handle=" + orZero(limit.hcaHandles()) : "";
          String objects =
              orZero(limit.hcaObjects()) != 0 ? " hca_object=" + orZero(limit.hcaObjects()) : "";
          writes.add(Write.of(controller, "rdma.max", device + handles + objects));
        });
  }

  /** For the unified hierarchy. */
  public static List<Write> version2(Resources resources) {
    List<Write> writes = new ArrayList<>();
    memory2(writes, resources.memory());
    cpu2(writes, resources.cpu());
    pids(writes, "", resources.pids());
    io2(writes, resources.blockIo());
    for (Resources.HugePages pages : resources.hugepageLimits()) {
      String value = Long.toUnsignedString(pages.limit());
      writes.add(Write.of("", "hugetlb." + pages.pageSize() + ".max", value));
      writes.add(Write.of("", "hugetlb." + pages.pageSize() + ".rsvd.max", value).orElseNot());
    }
    rdma(writes, "", resources);
    resources.unified().forEach((file, value) -> writes.add(Write.of("", file, value)));
    return writes;
  }

  private static void memory2(List<Write> writes, Resources.Memory memory) {
    long limit = orZero(memory.limit());
    long swap = orZero(memory.swap());
    swappiness(memory.swappiness());
    checkSwap(limit, swap);
    // Version 1 counts both together, version 2 swap alone.
    if (swap < 0 || (swap == 0 && limit < 0)) {
      writes.add(Write.of("", "memory.swap.max", "max").orElseNot());
    } else if (swap > 0) {
      writes.add(Write.of("", "memory.swap.max", swap - limit).orElseNot());
    }
    if (limit != 0) {
      writes.add(Write.of("", "memory.max", bytes(limit)));
    }
    if (orZero(memory.reservation()) != 0) {
      writes.add(Write.of("", "memory.low", bytes(orZero(memory.reservation()))));
    }
  }

  private static void cpu2(List<Write> writes, Resources.Cpu cpu) {
    if (orZero(cpu.idle()) != 0) {
      writes.add(Write.of("", "cpu.idle", orZero(cpu.idle())).orElseNot());
    }
    if (orZero(cpu.shares()) != 0) {
      writes.add(Write.of("", "cpu.weight", weight(orZero(cpu.shares()))));
    }
    if (orZero(cpu.quota()) != 0 || orZero(cpu.period()) != 0) {
      String quota = orZero(cpu.quota()) > 0 ? Long.toString(orZero(cpu.quota())) : "max";
      // Without the second number the kernel leaves the period as it is.
      String period = orZero(cpu.period()) != 0 ? " " + orZero(cpu.period()) : "";
      writes.add(Write.of("", "cpu.max", quota + period));
    }
    if (orZero(cpu.burst()) != 0) {
      writes.add(Write.of("", "cpu.max.burst", orZero(cpu.burst())).orElseNot());
    }
    cpuset(writes, "", cpu);
  }

  /**
   * 2 to 262144 shares of version 1 are 1 to 10000 of version 2, and the 1024 that a cgroup has
   * there without being asked are the 100 that it has here: a curve through these three points.
   */
  static long weight(long shares) {
    if (shares <= 2) {
      return 1;
    }
    if (shares >= 262_144) {
      return 10_000;
    }
    double bits = Math.log((double) shares) / Math.log(2);
    return (long) Math.ceil(Math.pow(10, (bits * bits + 125 * bits) / 612 - 7.0 / 34));
  }

  private static void io2(List<Write> writes, Resources.BlockIo io) {
    if (io.weight() != null && io.weight() != 0) {
      weight2(writes, "default", io.weight());
    }
    for (Resources.WeightDevice device : io.weightDevice()) {
      if (device.weight() != null && device.weight() != 0) {
        weight2(writes, device.major() + ":" + device.minor(), device.weight());
      }
    }
    io2(writes, "rbps", io.throttleReadBpsDevice());
    io2(writes, "wbps", io.throttleWriteBpsDevice());
    io2(writes, "riops", io.throttleReadIopsDevice());
    io2(writes, "wiops", io.throttleWriteIopsDevice());
  }

  /** Two schedulers, each with its file and range. */
  private static void weight2(List<Write> writes, String of, int weight) {
    writes.add(Write.of("", "io.bfq.weight", of + " " + weight).orElseNot());
    long wide = 1 + (Math.clamp(weight, 10, 1000) - 10L) * 9_999 / 990;
    writes.add(Write.of("", "io.weight", of + " " + wide).orElseNot());
  }

  private static void io2(List<Write> writes, String key, List<Resources.ThrottleDevice> devices) {
    for (Resources.ThrottleDevice device : devices) {
      String rate = device.rate() == 0 ? "max" : Long.toUnsignedString(device.rate());
      writes.add(
          Write.of("", "io.max", device.major() + ":" + device.minor() + " " + key + "=" + rate));
    }
  }

  private static long orZero(@Nullable Long value) {
    return value == null ? 0 : value;
  }

  private static Object bytes(long value) {
    return value < 0 ? "max" : value;
  }
}
