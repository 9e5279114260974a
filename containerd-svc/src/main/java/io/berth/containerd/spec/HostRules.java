package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.log.LogDrivers;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.NamespaceModes;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.Privileges;
import io.berth.containerd.settings.ProcessLimits;
import io.berth.containerd.settings.ResourceSettings;
import io.berth.containerd.settings.StorageSettings;
import java.util.ArrayList;
import java.util.List;

/**
 * Rules for the host's side of a request: what must not be asked for, and what holds where nothing
 * was said.
 */
public final class HostRules {
  private static final long SHM_SIZE = 64L << 20;

  private HostRules() {}

  /**
   * A checked request with its defaults.
   *
   * @param host the request's side of the host
   * @param warnings what the person should know, one line each
   */
  public record Completed(HostSettings host, List<String> warnings) {
    public Completed {
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * Checks a request and fills in its defaults, so that what is stored and shown is what holds.
   * INVALID_ARGUMENT or UNIMPLEMENTED, one line, for what cannot be.
   *
   * @param config with or without the image's: only host name and domain name are looked at, which
   *     the person alone can give
   */
  public static Completed complete(
      ContainerConfig config, HostSettings given, NetworkWish network, HostFacts facts) {
    List<String> warnings = new ArrayList<>();
    ResourceSettings resources =
        ControllerRules.granted(
            ResourceRules.complete(given.resources(), facts.processors()),
            facts.cgroups(),
            warnings);
    var _ = given.lifecycle().rule();
    LogDrivers.check(given.log());
    unsupported(given.storage());
    StorageSettings storage = storage(given.storage());
    ProcessLimits limits = given.limits();
    if (limits.oomScoreAdjust() < -1000 || limits.oomScoreAdjust() > 1000) {
      throw new BerthException.InvalidArgument(
          "oom score `" + limits.oomScoreAdjust() + "`: must be from -1000 to 1000");
    }
    HostSettings host =
        given
            .withResources(resources)
            .withPrivileges(
                given
                    .privileges()
                    .withApparmor(AppArmorRules.effective(given.privileges(), facts.appArmor())))
            .withStorage(storage)
            .withNamespaces(namespaces(given.namespaces(), facts))
            .withLimits(oomKill(given, facts, warnings));
    checkNamespaces(config, given, network, warnings);
    Privileges privileges = given.privileges();
    CapabilityRules.of(
        privileges.capAdd(), privileges.capDrop(), privileges.privileged(), facts.capabilities());
    DeviceRules.parse(privileges.deviceRules());
    LimitRules.of(limits.ulimits(), facts.hardLimits());
    if (!config.hostname().isEmpty()) {
      Texts.hostName("hostname", config.hostname());
    }
    if (!config.domainname().isEmpty()) {
      Texts.hostName("domain name", config.domainname());
    }
    return new Completed(host, warnings);
  }

  private static StorageSettings storage(StorageSettings given) {
    if (given.sharedMemory() < 0) {
      throw new BerthException.InvalidArgument(
          "shm size `" + given.sharedMemory() + "`: must not be negative");
    }
    return given.sharedMemory() == 0 ? given.withSharedMemory(SHM_SIZE) : given;
  }

  private static void unsupported(StorageSettings given) {
    if (!List.of("", "local").contains(given.volumeDriver())) {
      throw new BerthException.InvalidArgument(
          "volume driver `" + given.volumeDriver() + "`: there is local only");
    }
    if (!given.driverOptions().isEmpty()) {
      throw new BerthException.NotImplemented(
          "storage option `"
              + given.driverOptions().keySet().iterator().next()
              + "`: root file systems have no options and no size limit here; leave it out");
    }
  }

  private static ProcessLimits oomKill(HostSettings given, HostFacts facts, List<String> warnings) {
    ProcessLimits limits = given.limits();
    if (!limits.oomKillDisable()) {
      return limits;
    }
    if (facts.cgroups().unified()) {
      warnings.add("oom kill disable: cgroup v2 has no such switch; discarded");
      return limits.withOomKillDisable(false);
    }
    if (given.resources().memory().limit() == 0) {
      warnings.add(
          "oom kill disable without a memory limit is dangerous: the host may run out of memory");
    }
    return limits;
  }

  private static NamespaceModes namespaces(NamespaceModes given, HostFacts facts) {
    NamespaceModes modes = given.ipc().isEmpty() ? given.withIpc("private") : given;
    // Of version 1 every controller's folder is shown under its path on the host, as docker has it.
    return modes.cgroup().isEmpty()
        ? modes.withCgroup(facts.cgroups().unified() ? "private" : "host")
        : modes;
  }

  private static void checkNamespaces(
      ContainerConfig config, HostSettings given, NetworkWish network, List<String> warnings) {
    NamespaceMode.parse("pid", given.namespaces().pid());
    NamespaceMode ipc = NamespaceMode.parse("ipc", given.namespaces().ipc());
    NamespaceMode uts = NamespaceMode.parse("uts", given.namespaces().uts());
    boolean hostNetwork = network.isHost();
    NamespaceMode cgroup = NamespaceMode.parse("cgroup", given.namespaces().cgroup());
    if (uts.kind() == NamespaceMode.Kind.CONTAINER
        || cgroup.kind() == NamespaceMode.Kind.CONTAINER) {
      throw new BerthException.NotImplemented(
          "container:NAME is built for the network, pid and ipc modes only; write host or private");
    }
    if (uts.isHost() && !(config.hostname() + config.domainname()).isEmpty()) {
      throw new BerthException.InvalidArgument(
          "hostname `"
              + config.hostname()
              + "`: the container shares the host's name (uts mode host); leave one of the two"
              + " out");
    }
    if (network.sharedWith() != null) {
      NamespaceMode.parse("network", network.mode());
      if (!config.hostname().isEmpty()) {
        throw new BerthException.InvalidArgument(
            "hostname `"
                + config.hostname()
                + "`: the container shares the network of another; leave one of the two out");
      }
    }
    NetworkRules.check(network, given.names(), warnings);
    SysctlRules.check(given.runtime().sysctls(), hostNetwork, ipc.isHost(), uts.isHost());
  }
}
