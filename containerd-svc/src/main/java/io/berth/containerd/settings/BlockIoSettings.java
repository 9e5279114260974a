package io.berth.containerd.settings;

import java.util.List;

/**
 * Limits of disks.
 *
 * @param weight relative weight of all disks, 10 to 1000; zero where nothing was said
 * @param weights of single disks
 * @param readBps bytes a second that are read
 * @param writeBps bytes a second that are written
 * @param readIops reads a second
 * @param writeIops writes a second
 */
public record BlockIoSettings(
    int weight,
    List<DeviceWeight> weights,
    List<DeviceRate> readBps,
    List<DeviceRate> writeBps,
    List<DeviceRate> readIops,
    List<DeviceRate> writeIops) {
  static final BlockIoSettings NONE =
      new BlockIoSettings(0, List.of(), List.of(), List.of(), List.of(), List.of());

  /** A weight of one disk, by the path of its node on the host. */
  public record DeviceWeight(String path, int weight) {}

  /** A bound of one disk, by the path of its node on the host; unsigned, zero for none. */
  public record DeviceRate(String path, long rate) {}

  public BlockIoSettings {
    weights = List.copyOf(weights);
    readBps = List.copyOf(readBps);
    writeBps = List.copyOf(writeBps);
    readIops = List.copyOf(readIops);
    writeIops = List.copyOf(writeIops);
  }

  /** The same without any weight. */
  public BlockIoSettings withoutWeights() {
    return new BlockIoSettings(0, List.of(), readBps, writeBps, readIops, writeIops);
  }

  /** Only the weight of all disks can be changed; what is said of one disk stays. */
  BlockIoSettings overlaidBy(BlockIoSettings change) {
    return new BlockIoSettings(
        change.weight == 0 ? weight : change.weight,
        weights,
        readBps,
        writeBps,
        readIops,
        writeIops);
  }
}
