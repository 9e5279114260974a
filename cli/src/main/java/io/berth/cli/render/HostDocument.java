package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.Device;
import io.berth.api.berth.container.v1.DeviceRate;
import io.berth.api.berth.container.v1.DeviceWeight;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.container.v1.Rlimit;
import io.berth.base.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The parts of a container's document that docker has under HostConfig and Mounts. */
final class HostDocument {
  private static final Pattern ANONYMOUS = Pattern.compile("[0-9a-f]{64}");

  /** The profile of AppArmor of a container for which none was chosen. */
  static final String DEFAULT_PROFILE = "berth-default";

  private HostDocument() {}

  /** Adds what the container was given of the host and is restricted by, beside its limits. */
  static void add(ObjectNode node, HostConfig host) {
    ContainerDocument.texts(
        node,
        "Binds",
        host.getMountsList().stream()
            .filter(HostDocument::isBind)
            .map(HostDocument::bind)
            .toList());
    List<String> security = new ArrayList<>();
    if (host.getNoNewPrivileges()) {
      security.add("no-new-privileges");
    }
    if (!host.getSeccomp().isEmpty()) {
      security.add("seccomp=" + host.getSeccomp());
    }
    if (!List.of("", DEFAULT_PROFILE).contains(host.getApparmor())) {
      security.add("apparmor=" + host.getApparmor());
    }
    ContainerDocument.texts(node, "SecurityOpt", security);
    map(node.putObject("StorageOpt"), host.getStorageOptionsMap());
    map(node.putObject("Sysctls"), host.getSysctlsMap());
    map(node.putObject("Annotations"), host.getAnnotationsMap());
    ObjectNode tmpfs = node.putObject("Tmpfs");
    host.getMountsList().stream()
        .filter(mount -> mount.getType().equals("tmpfs"))
        .forEach(mount -> tmpfs.put(mount.getTarget(), String.join(",", mount.getOptionsList())));
    ArrayNode devices = node.putArray("Devices");
    for (Device device : host.getDevicesList()) {
      devices
          .addObject()
          .put("PathOnHost", device.getHostPath())
          .put("PathInContainer", device.getContainerPath())
          .put("CgroupPermissions", device.getPermissions());
    }
    ArrayNode limits = node.putArray("Ulimits");
    for (Rlimit limit : host.getRlimitsList()) {
      limits
          .addObject()
          .put("Name", limit.getName().toLowerCase(Locale.ROOT).replaceFirst("^rlimit_", ""))
          .put("Hard", limit.getHard())
          .put("Soft", limit.getSoft());
    }
    node.put("OomKillDisable", host.getOomKillDisable());
    ContainerDocument.texts(node, "DeviceCgroupRules", host.getDeviceCgroupRulesList());
    node.put("CgroupnsMode", host.getCgroupnsMode());
    node.put("Isolation", "");
    limits(node, host.getResources());
  }

  /** Limits of control groups. */
  private static void limits(ObjectNode node, Resources limits) {
    node.put("Memory", limits.getMemory());
    node.put("MemorySwap", limits.getMemorySwap());
    node.put("MemoryReservation", limits.getMemoryReservation());
    if (limits.hasMemorySwappiness()) {
      node.put("MemorySwappiness", limits.getMemorySwappiness());
    } else {
      node.putNull("MemorySwappiness");
    }
    node.put("NanoCpus", limits.getNanoCpus());
    node.put("CpuShares", limits.getCpuShares());
    node.put("CpuPeriod", limits.getCpuPeriod());
    node.put("CpuQuota", limits.getCpuQuota());
    node.put("CpuRealtimePeriod", limits.getCpuRealtimePeriod());
    node.put("CpuRealtimeRuntime", limits.getCpuRealtimeRuntime());
    node.put("CpusetCpus", limits.getCpusetCpus());
    node.put("CpusetMems", limits.getCpusetMems());
    if (limits.getPids() == 0) {
      node.putNull("PidsLimit");
    } else {
      node.put("PidsLimit", limits.getPids());
    }
    node.put("BlkioWeight", limits.getBlkioWeight());
    ArrayNode weights = node.putArray("BlkioWeightDevice");
    for (DeviceWeight weight : limits.getBlkioWeightDeviceList()) {
      weights.addObject().put("Path", weight.getPath()).put("Weight", weight.getWeight());
    }
    rates(node.putArray("BlkioDeviceReadBps"), limits.getDeviceReadBpsList());
    rates(node.putArray("BlkioDeviceWriteBps"), limits.getDeviceWriteBpsList());
    rates(node.putArray("BlkioDeviceReadIOps"), limits.getDeviceReadIopsList());
    rates(node.putArray("BlkioDeviceWriteIOps"), limits.getDeviceWriteIopsList());
  }

  private static void rates(ArrayNode node, List<DeviceRate> rates) {
    for (DeviceRate rate : rates) {
      node.addObject().put("Path", rate.getPath()).put("Rate", rate.getRate());
    }
  }

  private static void map(ObjectNode node, Map<String, String> entries) {
    new TreeMap<>(entries).forEach(node::put);
  }

  /** Whether a person has named what is mounted, by {@code -v} or else. */
  private static boolean isBind(Mount mount) {
    return mount.getType().equals("bind")
        || (mount.getType().equals("volume") && !ANONYMOUS.matcher(mount.getSource()).matches());
  }

  private static String bind(Mount mount) {
    return mount.getSource() + ":" + mount.getTarget() + (mount.getReadOnly() ? ":ro" : "");
  }

  /** The mounts, with the folders of the host in which volumes are. */
  static ArrayNode mounts(Container container) {
    Map<String, String> sources =
        container.getMountsList().stream()
            .collect(
                Collectors.toMap(
                    one -> one.getTarget(), one -> one.getSource(), (first, second) -> second));
    ArrayNode mounts = Json.mapper().createArrayNode();
    for (Mount mount : container.getHost().getMountsList()) {
      boolean volume = mount.getType().equals("volume");
      ObjectNode node = mounts.addObject().put("Type", mount.getType());
      if (volume) {
        node.put("Name", mount.getSource());
      }
      node.put("Source", volume ? sources.getOrDefault(mount.getTarget(), "") : mount.getSource());
      node.put("Destination", mount.getTarget());
      if (volume) {
        node.put("Driver", "local");
      }
      node.put("Mode", String.join(",", mount.getOptionsList()));
      node.put("RW", !mount.getReadOnly());
      node.put(
          "Propagation",
          mount.getType().equals("bind")
              ? mount.getOptionsList().stream()
                  .filter(one ->
                      one.endsWith("private") || one.endsWith("shared") || one.endsWith("slave"))
                  .findFirst()
                  .orElse("rprivate")
              : "");
    }
    return mounts;
  }
}
