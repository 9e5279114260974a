package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.BlockIoSettings;
import io.berth.containerd.settings.CpuSettings;
import io.berth.containerd.settings.MemorySettings;
import io.berth.containerd.settings.ResourceSettings;
import io.berth.oci.runtime.Linux;
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
    memory(given.memory());
    cpu(given.cpu(), processors);
    disks(given.blockIo());
    refuse(
        given.pids() < UNLIMITED,
        "pids limit `" + given.pids() + "`",
        "must be above 0, or -1 for none");
    list("cpuset cpus", given.cpu().cpus(), processors.cpus());
    list("cpuset mems", given.cpu().nodes(), processors.nodes());
    ResourceSettings complete = given;
    MemorySettings memory = given.memory();
    if (memory.limit() > 0 && memory.swap() == 0) {
      complete = complete.withMemory(memory.withSwap(twice(memory.limit())));
    }
    if (given.cpu().shares() != 0) {
      complete = complete.withCpu(given.cpu().withShares(shares(given.cpu().shares())));
    }
    return complete;
  }

  /**
   * What the limits of a container become: fields of the change that are not zero count, all others
   * stay. So does a limit of memory and swap when the memory changes, as with docker, also where it
   * was the default once: nobody can tell whether it was meant. Memory above it is refused.
   *
   * @param host what the host has
   * @param warnings takes a line for each wish that this host cannot grant
   */
  public static ResourceSettings update(
      ResourceSettings now, ResourceSettings change, HostFacts host, List<String> warnings) {
    ResourceSettings granted = ControllerRules.granted(change, host.cgroups(), warnings);
    CpuSettings cpu = now.cpu();
    ResourceSettings next = now;
    if (granted.cpu().nanos() != 0) {
      next = now.withCpu(cpu.withTimes(cpu.nanos(), 0, 0));
    } else if (granted.cpu().period() != 0 || granted.cpu().quota() != 0) {
      next = now.withCpu(cpu.withTimes(0, cpu.quota(), cpu.period()));
    }
    return complete(next.overlaidBy(granted), host.processors());
  }

  private static void memory(MemorySettings given) {
    long memory = given.limit();
    long swap = given.swap();
    refuse(
        memory < 0 || (memory > 0 && memory < LEAST_MEMORY),
        "memory limit `" + memory + "`",
        "below the least, 6 MiB");
    refuse(
        given.reservation() < 0 || (given.reservation() > 0 && given.reservation() < LEAST_MEMORY),
        "memory reservation `" + given.reservation() + "`",
        "below the least, 6 MiB");
    refuse(
        memory > 0 && given.reservation() > memory,
        "memory reservation `" + given.reservation() + "`",
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
    Integer swappiness = given.swappiness();
    refuse(
        swappiness != null && (swappiness < 0 || swappiness > 100),
        "memory swappiness `"
            + (swappiness == null ? 0 : Integer.toUnsignedString(swappiness))
            + "`",
        "must be from 0 to 100");
  }

  private static void cpu(CpuSettings given, Processors processors) {
    long nanos = given.nanos();
    boolean quota = given.period() != 0 || given.quota() != 0;
    refuse(nanos != 0 && quota, "cpus", "and cpu period or quota exclude each other; give one");
    refuse(
        nanos < 0 || (nanos > 0 && nanos < NANOS / 100) || nanos > processors.count() * NANOS,
        "cpus `" + BigDecimal.valueOf(nanos, 9).stripTrailingZeros().toPlainString() + "`",
        "must be from 0.01 to " + processors.count() + ", for there are no more");
    long period = given.period();
    refuse(
        period != 0 && (period < 1_000 || period > 1_000_000),
        "cpu period `" + Long.toUnsignedString(period) + "`",
        "must be from 1000 to 1000000 microseconds");
    refuse(
        given.quota() > 0 && given.quota() < 1_000,
        "cpu quota `" + given.quota() + "`",
        "must be 1000 microseconds or more");
    refuse(
        given.realtimePeriod() < 0 || given.realtimeRuntime() < 0,
        "cpu real-time period or runtime",
        "must not be negative");
    refuse(
        given.realtimePeriod() != 0 && given.realtimeRuntime() > given.realtimePeriod(),
        "cpu real-time runtime `" + given.realtimeRuntime() + "`",
        "above the period " + given.realtimePeriod());
  }

  private static void disks(BlockIoSettings given) {
    weight("blkio weight", given.weight());
    for (BlockIoSettings.DeviceWeight one : given.weights()) {
      weight("blkio weight of `" + one.path() + "`", one.weight());
    }
  }

  private static void weight(String what, int weight) {
    refuse(
        weight != 0 && (weight < 10 || weight > 1000),
        what + " `" + Integer.toUnsignedString(weight) + "`",
        "must be from 10 to 1000");
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

  /**
   * The limits as a runtime takes them, without rules for devices.
   *
   * @param devices where the numbers of disks are found
   */
  public static Resources runtime(ResourceSettings complete, DeviceSource devices) {
    return runtime(complete, devices, List.of(), /* oomKillDisable= */ false);
  }

  static Resources runtime(
      ResourceSettings complete,
      DeviceSource devices,
      List<DeviceRule> rules,
      boolean oomKillDisable) {
    MemorySettings memory = complete.memory();
    CpuSettings cpu = complete.cpu();
    Integer swappiness = memory.swappiness();
    // The division comes first, so that no number of processors overflows.
    boolean nanos = cpu.nanos() > 0;
    Long quota = nanos ? Long.valueOf(cpu.nanos() / (NANOS / PERIOD)) : given(cpu.quota());
    Long period = nanos ? Long.valueOf(PERIOD) : given(cpu.period());
    return new Resources(
        rules,
        new Memory(
            given(memory.limit()),
            given(memory.reservation()),
            given(memory.swap()),
            null,
            swappiness == null ? null : Long.valueOf(swappiness),
            oomKillDisable),
        new Cpu(
            given(cpu.shares()),
            quota,
            null,
            period,
            given(cpu.realtimeRuntime()),
            given(cpu.realtimePeriod()),
            cpu.cpus(),
            cpu.nodes(),
            null),
        complete.pids() == 0 ? null : new Pids(complete.pids()),
        blockIo(complete.blockIo(), devices),
        List.of(),
        Resources.NONE.network(),
        Map.of(),
        Map.of());
  }

  private static BlockIo blockIo(BlockIoSettings complete, DeviceSource devices) {
    return new BlockIo(
        complete.weight() == 0 ? null : Integer.valueOf(complete.weight()),
        null,
        complete.weights().stream()
            .map(one -> {
              Linux.Device disk = disk(one.path(), devices);
              return new Resources.WeightDevice(disk.major(), disk.minor(), one.weight(), null);
            })
            .toList(),
        rates(complete.readBps(), devices),
        rates(complete.writeBps(), devices),
        rates(complete.readIops(), devices),
        rates(complete.writeIops(), devices));
  }

  private static List<Resources.ThrottleDevice> rates(
      List<BlockIoSettings.DeviceRate> given, DeviceSource devices) {
    return given.stream()
        .map(one -> {
          Linux.Device disk = disk(one.path(), devices);
          return new Resources.ThrottleDevice(disk.major(), disk.minor(), one.rate());
        })
        .toList();
  }

  private static Linux.Device disk(String path, DeviceSource devices) {
    List<Linux.Device> found = devices.at(Texts.absolute("device", path));
    if (found.size() != 1 || !found.getFirst().type().equals("b")) {
      throw new BerthException.InvalidArgument(
          "limit of device `" + path + "`: is no disk; name the node of one, such as /dev/sda");
    }
    return found.getFirst();
  }

  private static @Nullable Long given(long value) {
    return value == 0 ? null : Long.valueOf(value);
  }
}
