package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.ResourceSettings;
import io.berth.oci.runtime.Resources;
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
 * Limits of control groups as a person gives them: checked, completed, and as the runtime
 * specification has them (OCI runtime specification, config-linux.md). Zero means everywhere that
 * nothing was said.
 */
public final class ResourceRules {
  private static final long LEAST_MEMORY = 6L << 20;
  private static final long NANOS = 1_000_000_000L;
  private static final long PERIOD = 100_000;
  private static final long UNLIMITED = -1;

  private ResourceRules() {}

  /**
   * The limits with their defaults filled in: memory and swap together are twice the memory, shares
   * are within the kernel's bounds. INVALID_ARGUMENT for limits that contradict each other.
   *
   * @param processors what the host has
   */
  public static ResourceSettings complete(ResourceSettings given, Processors processors) {
    memory(given);
    cpu(given, processors);
    refuse(
        given.blkioWeight() != 0 && (given.blkioWeight() < 10 || given.blkioWeight() > 1000),
        "blkio weight `" + Integer.toUnsignedString(given.blkioWeight()) + "`",
        "must be from 10 to 1000");
    refuse(
        given.pids() < UNLIMITED,
        "pids limit `" + given.pids() + "`",
        "must be above 0, or -1 for none");
    list("cpuset cpus", given.cpusetCpus(), processors.cpus());
    list("cpuset mems", given.cpusetMems(), processors.nodes());
    ResourceSettings complete = given;
    if (given.memory() > 0 && given.memorySwap() == 0) {
      complete = complete.withMemorySwap(twice(given.memory()));
    }
    if (given.cpuShares() != 0) {
      complete = complete.withCpuShares(shares(given.cpuShares()));
    }
    return complete;
  }

  /**
   * What the limits of a container become: fields of the change that are not zero count, all others
   * stay. So does a limit of memory and swap when the memory changes, as with docker, also where it
   * was the default once: nobody can tell whether it was meant. Memory above it is refused.
   *
   * @param processors what the host has
   */
  public static ResourceSettings update(
      ResourceSettings now, ResourceSettings change, Processors processors) {
    ResourceSettings next = now;
    if (change.nanoCpus() != 0) {
      next = next.withCpuTimes(next.nanoCpus(), 0, 0);
    } else if (change.cpuPeriod() != 0 || change.cpuQuota() != 0) {
      next = next.withCpuTimes(0, next.cpuQuota(), next.cpuPeriod());
    }
    return complete(next.overlaidBy(change), processors);
  }

  private static void memory(ResourceSettings given) {
    long memory = given.memory();
    long swap = given.memorySwap();
    refuse(
        memory < 0 || (memory > 0 && memory < LEAST_MEMORY),
        "memory limit `" + memory + "`",
        "below the least, 6 MiB");
    refuse(
        given.memoryReservation() < 0
            || (given.memoryReservation() > 0 && given.memoryReservation() < LEAST_MEMORY),
        "memory reservation `" + given.memoryReservation() + "`",
        "below the least, 6 MiB");
    refuse(
        memory > 0 && given.memoryReservation() > memory,
        "memory reservation `" + given.memoryReservation() + "`",
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

  private static void cpu(ResourceSettings given, Processors processors) {
    long nanos = given.nanoCpus();
    boolean quota = given.cpuPeriod() != 0 || given.cpuQuota() != 0;
    refuse(nanos != 0 && quota, "cpus", "and cpu period or quota exclude each other; give one");
    refuse(
        nanos < 0 || (nanos > 0 && nanos < NANOS / 100) || nanos > processors.count() * NANOS,
        "cpus `" + BigDecimal.valueOf(nanos, 9).stripTrailingZeros().toPlainString() + "`",
        "must be from 0.01 to " + processors.count() + ", for there are no more");
    long period = given.cpuPeriod();
    refuse(
        period != 0 && (period < 1_000 || period > 1_000_000),
        "cpu period `" + Long.toUnsignedString(period) + "`",
        "must be from 1000 to 1000000 microseconds");
    refuse(
        given.cpuQuota() > 0 && given.cpuQuota() < 1_000,
        "cpu quota `" + given.cpuQuota() + "`",
        "must be 1000 microseconds or more");
  }

  private static void list(String what, String text, NumberSet available) {
    if (text.isEmpty()) {
      return;
    }
    String subject = what + " `" + Texts.withoutNul(what, text) + "`";
    NumberSet requested = NumberSet.parse(text);
    if (requested == null) {
      throw new BerthException.InvalidArgument(subject + ": is no list; write 0-2,7");
    }
    refuse(
        !available.containsAll(requested),
        subject,
        "requested " + requested + ", available " + available);
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

  /** The limits as a runtime takes them, without rules for devices. */
  public static Resources runtime(ResourceSettings complete) {
    return runtime(complete, List.of(), /* oomKillDisable= */ false);
  }

  static Resources runtime(
      ResourceSettings complete, List<DeviceRule> devices, boolean oomKillDisable) {
    long nanos = complete.nanoCpus();
    // The division comes first, so that no number of processors overflows.
    Long quota = nanos > 0 ? Long.valueOf(nanos / (NANOS / PERIOD)) : given(complete.cpuQuota());
    Long period = nanos > 0 ? Long.valueOf(PERIOD) : given(complete.cpuPeriod());
    return new Resources(
        devices,
        new Memory(
            given(complete.memory()),
            given(complete.memoryReservation()),
            given(complete.memorySwap()),
            null,
            null,
            oomKillDisable),
        new Cpu(
            given(complete.cpuShares()),
            quota,
            null,
            period,
            null,
            null,
            complete.cpusetCpus(),
            complete.cpusetMems(),
            null),
        complete.pids() == 0 ? null : new Pids(complete.pids()),
        new BlockIo(
            complete.blkioWeight() == 0 ? null : Integer.valueOf(complete.blkioWeight()),
            null,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of()),
        List.of(),
        Resources.NONE.network(),
        Map.of(),
        Map.of());
  }

  private static @Nullable Long given(long value) {
    return value == 0 ? null : Long.valueOf(value);
  }
}
