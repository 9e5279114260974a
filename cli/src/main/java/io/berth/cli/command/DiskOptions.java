package io.berth.cli.command;

import io.berth.api.berth.container.v1.DeviceRate;
import io.berth.api.berth.container.v1.DeviceWeight;
import io.berth.api.berth.container.v1.Resources;
import io.berth.base.error.BerthException;
import io.berth.base.text.ByteSize;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Limits that a container is made with and that {@code update} cannot change. */
final class DiskOptions {
  @Option(
      names = "--memory-swappiness",
      paramLabel = "N",
      description = "How readily it is swapped, 0-100 (cgroup v1); -1: the host's")
  int swappiness = -1;

  @Option(
      names = "--blkio-weight-device",
      paramLabel = "DEVICE:N",
      description = "Weight on one disk, 10-1000")
  List<String> weights = new ArrayList<>();

  @Option(
      names = "--device-read-bps",
      paramLabel = "DEVICE:BYTES",
      description = "Read at most so much of a disk in a second")
  List<String> readBps = new ArrayList<>();

  @Option(
      names = "--device-write-bps",
      paramLabel = "DEVICE:BYTES",
      description = "Write at most so much to a disk in a second")
  List<String> writeBps = new ArrayList<>();

  @Option(
      names = "--device-read-iops",
      paramLabel = "DEVICE:N",
      description = "Read at most so often in a second")
  List<String> readIops = new ArrayList<>();

  @Option(
      names = "--device-write-iops",
      paramLabel = "DEVICE:N",
      description = "Write at most so often in a second")
  List<String> writeIops = new ArrayList<>();

  /** Adds them to the limits that can be changed later. */
  void add(Resources.Builder limits) {
    if (swappiness < -1) {
      throw new BerthException.InvalidArgument(
          "--memory-swappiness `" + swappiness + "`: write 0 to 100, or -1 for the host's");
    }
    if (swappiness >= 0) {
      limits.setMemorySwappiness(swappiness);
    }
    for (String text : weights) {
      Part part = Part.of("--blkio-weight-device", text);
      limits.addBlkioWeightDevice(
          DeviceWeight.newBuilder().setPath(part.device()).setWeight((int) part.number(1000)));
    }
    rates("--device-read-bps", readBps, true, limits::addDeviceReadBps);
    rates("--device-write-bps", writeBps, true, limits::addDeviceWriteBps);
    rates("--device-read-iops", readIops, false, limits::addDeviceReadIops);
    rates("--device-write-iops", writeIops, false, limits::addDeviceWriteIops);
  }

  private static void rates(
      String option, List<String> texts, boolean bytes, Consumer<DeviceRate> taken) {
    for (String text : texts) {
      Part part = Part.of(option, text);
      taken.accept(
          DeviceRate.newBuilder()
              .setPath(part.device())
              .setRate(bytes ? part.bytes() : part.number(Long.MAX_VALUE))
              .build());
    }
  }

  /** A disk and what is said of it. */
  private record Part(String option, String text, String device, String value) {
    static Part of(String option, String text) {
      int colon = text.lastIndexOf(':');
      if (colon < 1 || !text.startsWith("/dev/")) {
        throw refused(option, text, null);
      }
      return new Part(option, text, text.substring(0, colon), text.substring(colon + 1));
    }

    long bytes() {
      return ByteSize.parse(option + " " + device, value);
    }

    long number(long most) {
      try {
        long number = Long.parseLong(value);
        if (number >= 0 && number <= most) {
          return number;
        }
        throw refused(option, text, null);
      } catch (NumberFormatException e) {
        throw refused(option, text, e);
      }
    }

    private static BerthException refused(
        String option, String text, @Nullable NumberFormatException e) {
      return new BerthException.InvalidArgument(
          option + " `" + text + "`: write the path of a disk and a number, as /dev/sda:100", e);
    }
  }
}
