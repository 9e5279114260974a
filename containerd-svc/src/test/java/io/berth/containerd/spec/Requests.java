package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.base.error.BerthException;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.api.message.HostMessages;
import io.berth.containerd.api.message.NetworkWishMessages;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.ImageSettings;
import io.berth.containerd.settings.ResolvedUser;
import io.berth.oci.runtime.Linux;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Requests like a person's, written as messages and read as the endpoint reads them; and a host
 * that exists on paper only.
 */
final class Requests {
  static final String ID = "4f6a0c2b9d1e" + "0123456789abcdef".repeat(3) + "0123";
  static final Set<Path> PRESENT =
      Set.of(
          Path.of("/srv/data"),
          Path.of("/srv/data/conf"),
          Path.of("/dev/mqueue"),
          Path.of("/dev/shm"));
  static final Linux.Device FUSE = new Linux.Device("/dev/fuse", "c", 10, 229, 0666, 0L, 0L);
  static final Linux.Device SDA = new Linux.Device("/dev/sda", "b", 8, 0, 0660, 0L, 6L);

  private Requests() {}

  static final class FewDevices implements DeviceSource {
    @Override
    public List<Linux.Device> at(String hostPath) {
      return switch (hostPath) {
        case "/dev/fuse" -> List.of(FUSE);
        case "/dev/disks" -> List.of(new Linux.Device("/dev/disks/a", "b", 8, 16, 0660, 0L, 6L));
        default -> throw new BerthException.InvalidArgument("device `" + hostPath + "`: absent");
      };
    }

    @Override
    public List<Linux.Device> all() {
      return List.of(FUSE, SDA);
    }
  }

  static HostFacts facts(CgroupMode mode) {
    return facts(ControlGroups.complete(mode));
  }

  static HostFacts facts(ControlGroups groups) {
    return facts(groups, AppArmorFacts.OFF);
  }

  static HostFacts facts(ControlGroups groups, AppArmorFacts appArmor) {
    return new HostFacts(
        "x86_64",
        Processors.of(4),
        "theirs.example",
        groups,
        "berth-0a1b2c",
        Set.copyOf(CapabilityRules.KNOWN),
        Map.of("RLIMIT_NOFILE", 1_048_576L),
        new FewDevices(),
        PRESENT::contains,
        appArmor,
        Path.of("/usr/lib/berth/bin/berth-supervisor"));
  }

  static ContainerFacts container(Map<String, Path> volumes) {
    return new ContainerFacts(
        ID,
        Path.of("/run/berth/t/0123456789ab"),
        Path.of("/var/lib/berth/containers/default/" + ID),
        volumes,
        Map.of(),
        null);
  }

  static final ImageConfig IMAGE =
      ImageConfig.newBuilder()
          .addEnv("PATH=/usr/local/bin:/usr/bin:/bin")
          .addEnv("LANG=C.UTF-8")
          .addEntrypoint("/entry")
          .addCmd("serve")
          .setWorkingDir("/srv")
          .putLabels("maker", "us")
          .addExposedPorts("80/tcp")
          .build();

  static Config shell() {
    return Config.newBuilder().addCmd("sh").setEntrypointSet(true).build();
  }

  static HostFacts facts() {
    return facts(CgroupMode.V2);
  }

  static HostRules.Completed complete(
      Config config, HostConfig host, NetworkConfig network, HostFacts facts) {
    return HostRules.complete(
        ConfigMessages.read(config),
        HostMessages.read(host),
        NetworkWishMessages.read(network),
        facts);
  }

  static ContainerConfig merge(Config user, ImageConfig image, Predicate<String> reserved) {
    return ConfigMerge.merge(ConfigMessages.read(user), ConfigMessages.read(image), reserved);
  }

  static SpecRequest request(Config config, HostConfig host, NetworkConfig network) {
    return request(config, host, network, facts());
  }

  static SpecRequest request(
      Config config, HostConfig host, NetworkConfig network, HostFacts facts) {
    HostSettings complete = complete(config, host, network, facts).host();
    return new SpecRequest(
        ConfigMessages.read(config),
        complete,
        NetworkWishMessages.read(network),
        ImageSettings.NONE,
        user(0));
  }

  static SpecRequest request(HostConfig host) {
    return request(shell(), host, NetworkConfig.getDefaultInstance());
  }

  static ResolvedUser user(int uid) {
    return new ResolvedUser(uid, uid, List.of((long) uid), uid == 0 ? "/root" : "/home/u");
  }

  static GeneratedSpec generate(SpecRequest request) {
    return new SpecGenerator(facts()).generate(request, container(Map.of()));
  }

  static GeneratedSpec generate(HostConfig host) {
    return generate(request(host));
  }
}
