package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Resources;
import io.berth.base.error.BerthException;
import io.berth.oci.runtime.Resources.BlockIo;
import io.berth.oci.runtime.Resources.Cpu;
import io.berth.oci.runtime.Resources.DeviceRule;
import io.berth.oci.runtime.Resources.Memory;
import io.berth.oci.runtime.Resources.Pids;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Limits as a person gives them: checked, completed, and as the runtime specification has them.
 * Rows MB-87, MB-101, D01-54. Zero is unset everywhere.
 */
public final class ResourceRules {
  private static final long LEAST_MEMORY = 6L << 20;
  private static final long NANOS = 1_000_000_000L;
  private static final long PERIOD = 100_000;
  private static final long UNLIMITED = -1;

  private ResourceRules() {}

  /**
   * With defaults filled in: memory and swap together twice the memory, shares within the kernel's
   * bounds. INVALID_ARGUMENT for what contradicts itself.
   *
   * @param processors of the host
   */
  public static Resources complete(Resources given, int processors) {
    memory(given);
    cpu(given, processors);
    refuse(
        given.getBlkioWeight() != 0
            && (given.getBlkioWeight() < 10 || given.getBlkioWeight() > 1000),
        "blkio weight `" + Integer.toUnsignedString(given.getBlkioWeight()) + "`",
        "must be from 10 to 1000");
    refuse(
        given.getPids() < UNLIMITED,
        "pids limit `" + given.getPids() + "`",
        "must be above 0, or -1 for none");
    list("cpuset cpus", given.getCpusetCpus());
    list("cpuset mems", given.getCpusetMems());
    Resources.Builder complete = given.toBuilder();
    if (given.getMemory() > 0 && given.getMemorySwap() == 0) {
      complete.setMemorySwap(twice(given.getMemory()));
    }
    if (given.getCpuShares() != 0) {
      complete.setCpuShares(shares(given.getCpuShares()));
    }
    return complete.build();
  }

  /**
   * What a live container's limits become: fields of the change that are not zero count, and a swap
   * limit that was the default follows the memory.
   */
  public static Resources update(Resources now, Resources change, int processors) {
    Resources.Builder next = now.toBuilder();
    boolean swapWasDefault = now.getMemory() > 0 && now.getMemorySwap() == twice(now.getMemory());
    if (change.getMemory() != 0 && swapWasDefault) {
      next.clearMemorySwap();
    }
    if (change.getNanoCpus() != 0) {
      next.clearCpuPeriod().clearCpuQuota();
    } else if (change.getCpuPeriod() != 0 || change.getCpuQuota() != 0) {
      next.clearNanoCpus();
    }
    // Merging messages takes over just those fields that are not zero.
    return complete(next.mergeFrom(change).build(), processors);
  }

  private static void memory(Resources given) {
    long memory = given.getMemory();
    long swap = given.getMemorySwap();
    refuse(
        memory < 0 || (memory > 0 && memory < LEAST_MEMORY),
        "memory limit `" + memory + "`",
        "below the least, 6 MiB");
    refuse(
        given.getMemoryReservation() < 0
            || (given.getMemoryReservation() > 0 && given.getMemoryReservation() < LEAST_MEMORY),
        "memory reservation `" + given.getMemoryReservation() + "`",
        "below the least, 6 MiB");
    refuse(
        memory > 0 && given.getMemoryReservation() > memory,
        "memory reservation `" + given.getMemoryReservation() + "`",
        "above the memory limit " + memory);
    refuse(swap < UNLIMITED, "swap limit `" + swap + "`", "must be above 0, or -1 for none");
    refuse(
        swap > 0 && memory == 0,
        "swap limit `" + swap + "`",
        "counts memory and swap together; give a memory limit as well");
    refuse(
        swap > 0 && swap < memory,
        "swap limit `" + swap + "`",
        "counts memory and swap together; must not be below the memory limit " + memory);
  }

  private static void cpu(Resources given, int processors) {
    long nanos = given.getNanoCpus();
    boolean quota = given.getCpuPeriod() != 0 || given.getCpuQuota() != 0;
    refuse(nanos != 0 && quota, "cpus", "and cpu period or quota exclude each other; give one");
    refuse(
        nanos < 0 || (nanos > 0 && nanos < NANOS / 100) || nanos > processors * NANOS,
        "cpus `" + BigDecimal.valueOf(nanos, 9).stripTrailingZeros().toPlainString() + "`",
        "must be from 0.01 to " + processors + ", for there are no more");
    long period = given.getCpuPeriod();
    refuse(
        period != 0 && (period < 1_000 || period > 1_000_000),
        "cpu period `" + Long.toUnsignedString(period) + "`",
        "must be from 1000 to 1000000 microseconds");
    refuse(
        given.getCpuQuota() > 0 && given.getCpuQuota() < 1_000,
        "cpu quota `" + given.getCpuQuota() + "`",
        "must be 1000 microseconds or more");
  }

  /** Numbers and ranges: {@code 0-2,7}. Whether there are such processors the kernel says. */
  private static void list(String what, String text) {
    refuse(
        !text.isEmpty() && !text.matches("\\d{1,6}(-\\d{1,6})?(,\\d{1,6}(-\\d{1,6})?)*"),
        what + " `" + Texts.withoutNul(what, text) + "`",
        "is no list; write 0-2,7");
  }

  private static void refuse(boolean wrong, String what, String why) {
    if (wrong) {
      throw new BerthException.InvalidArgument(what + ": " + why);
    }
  }

  private static long twice(long memory) {
    return memory > Long.MAX_VALUE / 2 ? UNLIMITED : 2 * memory;
  }

  private static long shares(long unsigned) {
    return unsigned < 0 ? 262_144 : Math.clamp(unsigned, 2L, 262_144L);
  }

  /** For the kernel; no rules for devices. */
  public static io.berth.oci.runtime.Resources runtime(Resources complete) {
    return runtime(complete, List.of(), /* oomKillDisable= */ false);
  }

  static io.berth.oci.runtime.Resources runtime(
      Resources complete, List<DeviceRule> devices, boolean oomKillDisable) {
    long nanos = complete.getNanoCpus();
    // In this order the product of any number of CPUs fits.
    Long quota = nanos > 0 ? Long.valueOf(nanos / (NANOS / PERIOD)) : given(complete.getCpuQuota());
    Long period = nanos > 0 ? Long.valueOf(PERIOD) : given(complete.getCpuPeriod());
    return new io.berth.oci.runtime.Resources(
        devices,
        new Memory(
            given(complete.getMemory()),
            given(complete.getMemoryReservation()),
            given(complete.getMemorySwap()),
            null,
            null,
            oomKillDisable),
        new Cpu(
            given(complete.getCpuShares()),
            quota,
            null,
            period,
            null,
            null,
            complete.getCpusetCpus(),
            complete.getCpusetMems(),
            null),
        complete.getPids() == 0 ? null : new Pids(complete.getPids()),
        new BlockIo(
            complete.getBlkioWeight() == 0 ? null : Integer.valueOf(complete.getBlkioWeight()),
            null,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of()),
        List.of(),
        io.berth.oci.runtime.Resources.NONE.network(),
        Map.of(),
        Map.of());
  }

  private static @Nullable Long given(long value) {
    return value == 0 ? null : Long.valueOf(value);
  }
}
