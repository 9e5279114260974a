package io.berth.containerd.api.message;

import io.berth.api.berth.container.v1.DeviceRate;
import io.berth.api.berth.container.v1.DeviceWeight;
import io.berth.api.berth.container.v1.Resources;
import io.berth.containerd.settings.BlockIoSettings;
import io.berth.containerd.settings.CpuSettings;
import io.berth.containerd.settings.MemorySettings;
import io.berth.containerd.settings.ResourceSettings;
import java.util.List;

/** Limits of control groups: {@code Resources}. */
public final class LimitMessages {
  private LimitMessages() {}

  /** From the wire. */
  public static ResourceSettings read(Resources message) {
    return new ResourceSettings(
        new MemorySettings(
            message.getMemory(),
            message.getMemorySwap(),
            message.getMemoryReservation(),
            message.hasMemorySwappiness() ? Integer.valueOf(message.getMemorySwappiness()) : null),
        new CpuSettings(
            message.getNanoCpus(),
            message.getCpuShares(),
            message.getCpuQuota(),
            message.getCpuPeriod(),
            message.getCpuRealtimePeriod(),
            message.getCpuRealtimeRuntime(),
            message.getCpusetCpus(),
            message.getCpusetMems()),
        new BlockIoSettings(
            message.getBlkioWeight(),
            message.getBlkioWeightDeviceList().stream()
                .map(one -> new BlockIoSettings.DeviceWeight(one.getPath(), one.getWeight()))
                .toList(),
            rates(message.getDeviceReadBpsList()),
            rates(message.getDeviceWriteBpsList()),
            rates(message.getDeviceReadIopsList()),
            rates(message.getDeviceWriteIopsList())),
        message.getPids());
  }

  private static List<BlockIoSettings.DeviceRate> rates(List<DeviceRate> messages) {
    return messages.stream()
        .map(one -> new BlockIoSettings.DeviceRate(one.getPath(), one.getRate()))
        .toList();
  }

  /** For the wire. */
  static Resources write(ResourceSettings limits) {
    MemorySettings memory = limits.memory();
    CpuSettings cpu = limits.cpu();
    BlockIoSettings disks = limits.blockIo();
    Resources.Builder message =
        Resources.newBuilder()
            .setMemory(memory.limit())
            .setMemorySwap(memory.swap())
            .setMemoryReservation(memory.reservation())
            .setNanoCpus(cpu.nanos())
            .setCpuShares(cpu.shares())
            .setCpuQuota(cpu.quota())
            .setCpuPeriod(cpu.period())
            .setCpuRealtimePeriod(cpu.realtimePeriod())
            .setCpuRealtimeRuntime(cpu.realtimeRuntime())
            .setCpusetCpus(cpu.cpus())
            .setCpusetMems(cpu.nodes())
            .setPids(limits.pids())
            .setBlkioWeight(disks.weight())
            .addAllDeviceReadBps(messages(disks.readBps()))
            .addAllDeviceWriteBps(messages(disks.writeBps()))
            .addAllDeviceReadIops(messages(disks.readIops()))
            .addAllDeviceWriteIops(messages(disks.writeIops()));
    disks
        .weights()
        .forEach(one ->
            message.addBlkioWeightDevice(
                DeviceWeight.newBuilder().setPath(one.path()).setWeight(one.weight())));
    Integer swappiness = memory.swappiness();
    if (swappiness != null) {
      message.setMemorySwappiness(swappiness);
    }
    return message.build();
  }

  private static List<DeviceRate> messages(List<BlockIoSettings.DeviceRate> rates) {
    return rates.stream()
        .map(one -> DeviceRate.newBuilder().setPath(one.path()).setRate(one.rate()).build())
        .toList();
  }
}
