package io.berth.oci.runtime;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.berth.base.json.Json;
import io.berth.base.json.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Limits of a container's cgroup. Absent and (in an update) zero mean: as it is.
 *
 * @param unified files of cgroup v2 by name, with what to write
 */
public record Resources(
    List<DeviceRule> devices,
    Memory memory,
    Cpu cpu,
    @Nullable Pids pids,
    @JsonProperty("blockIO") BlockIo blockIo,
    List<HugePages> hugepageLimits,
    Network network,
    Map<String, Rdma> rdma,
    Map<String, String> unified) {
  /** No limit. */
  public static final Resources NONE =
      new Resources(
          List.of(),
          Memory.NONE,
          Cpu.NONE,
          null,
          BlockIo.NONE,
          List.of(),
          Network.NONE,
          Map.of(),
          Map.of());

  public Resources {
    devices = Values.copy(devices);
    memory = memory == null ? Memory.NONE : memory;
    cpu = cpu == null ? Cpu.NONE : cpu;
    blockIo = blockIo == null ? BlockIo.NONE : blockIo;
    hugepageLimits = Values.copy(hugepageLimits);
    network = network == null ? Network.NONE : network;
    rdma = Values.copy(rdma);
    unified = Values.copy(unified);
  }

  /** INVALID_ARGUMENT, naming `what`, when the bytes are no such document. */
  public static Resources read(byte[] bytes, String what) {
    SpecFields.check(bytes, SpecFields.RESOURCES, what);
    return Json.read(bytes, Resources.class, what);
  }

  /** A line for the device controller; absent numbers mean all, an absent type `a`. */
  public record DeviceRule(
      boolean allow, String type, @Nullable Long major, @Nullable Long minor, String access) {
    public DeviceRule {
      type = type == null || type.isEmpty() ? "a" : type;
      access = Values.text(access);
    }
  }

  /** Bytes; -1 is no limit. */
  public record Memory(
      @Nullable Long limit,
      @Nullable Long reservation,
      @Nullable Long swap,
      @JsonProperty("kernelTCP") @Nullable Long kernelTcp,
      @Nullable Long swappiness,
      @JsonProperty("disableOOMKiller") boolean disableOomKiller) {
    static final Memory NONE = new Memory(null, null, null, null, null, false);
  }

  /** Shares weigh against neighbours; quota and period are microseconds. */
  public record Cpu(
      @Nullable Long shares,
      @Nullable Long quota,
      @Nullable Long burst,
      @Nullable Long period,
      @Nullable Long realtimeRuntime,
      @Nullable Long realtimePeriod,
      String cpus,
      String mems,
      @Nullable Long idle) {
    static final Cpu NONE = new Cpu(null, null, null, null, null, null, "", "", null);

    public Cpu {
      cpus = Values.text(cpus);
      mems = Values.text(mems);
    }
  }

  /** How many tasks; below 1 is no limit, except that 0 and absence leave it. */
  public record Pids(long limit) {}

  /** Weights 10 to 1000, rates a second. */
  public record BlockIo(
      @Nullable Integer weight,
      @Nullable Integer leafWeight,
      List<WeightDevice> weightDevice,
      List<ThrottleDevice> throttleReadBpsDevice,
      List<ThrottleDevice> throttleWriteBpsDevice,
      @JsonProperty("throttleReadIOPSDevice") List<ThrottleDevice> throttleReadIopsDevice,
      @JsonProperty("throttleWriteIOPSDevice") List<ThrottleDevice> throttleWriteIopsDevice) {
    static final BlockIo NONE =
        new BlockIo(null, null, List.of(), List.of(), List.of(), List.of(), List.of());

    public BlockIo {
      weightDevice = Values.copy(weightDevice);
      throttleReadBpsDevice = Values.copy(throttleReadBpsDevice);
      throttleWriteBpsDevice = Values.copy(throttleWriteBpsDevice);
      throttleReadIopsDevice = Values.copy(throttleReadIopsDevice);
      throttleWriteIopsDevice = Values.copy(throttleWriteIopsDevice);
    }
  }

  /** A weight of one device. */
  public record WeightDevice(
      long major, long minor, @Nullable Integer weight, @Nullable Integer leafWeight) {}

  /** A rate of one device. */
  public record ThrottleDevice(
      long major, long minor, @JsonDeserialize(using = Bits64.class) long rate) {}

  /** Bytes in pages of a size like {@code 2MB}. */
  public record HugePages(String pageSize, @JsonDeserialize(using = Bits64.class) long limit) {
    public HugePages {
      pageSize = Values.text(pageSize);
    }
  }

  /** Marks on packets. */
  public record Network(
      @JsonProperty("classID") @Nullable Long classId, List<Priority> priorities) {
    static final Network NONE = new Network(null, List.of());

    public Network {
      priorities = Values.copy(priorities);
    }

    /** Of an interface. */
    public record Priority(String name, long priority) {
      public Priority {
        name = Values.text(name);
      }
    }
  }

  /** Of a device. */
  public record Rdma(@Nullable Long hcaHandles, @Nullable Long hcaObjects) {}
}
