package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.base.error.BerthException;
import io.berth.containerd.settings.RestartRule;
import java.util.ArrayList;
import java.util.List;

/** The host's side of a request: what must not be asked for, and what stands where nothing was. */
public final class HostRules {
  private static final long SHM_SIZE = 64L << 20;

  private HostRules() {}

  /**
   * A checked request with its defaults, and what the person should know.
   *
   * @param warnings one line each
   */
  public record Completed(HostConfig host, List<String> warnings) {
    public Completed {
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * Checks and completes, so that what is stored and shown is what holds. INVALID_ARGUMENT or
   * UNIMPLEMENTED, one line, for what cannot be.
   *
   * @param config merged or not: only what the person alone can give is looked at
   */
  public static Completed complete(
      Config config, HostConfig given, NetworkConfig network, HostFacts facts) {
    List<String> warnings = new ArrayList<>();
    HostConfig.Builder host = given.toBuilder();
    host.setResources(ResourceRules.complete(given.getResources(), facts.processors()));
    RestartRule.of(
        given.getRestart().getName(),
        given.getRestart().getMaximumRetries(),
        given.getAutoRemove());
    unsupported(given);
    if (given.getShmSize() < 0) {
      throw new BerthException.InvalidArgument(
          "shm size `" + given.getShmSize() + "`: must not be negative");
    }
    if (given.getShmSize() == 0) {
      host.setShmSize(SHM_SIZE);
    }
    if (given.getIpcMode().isEmpty()) {
      host.setIpcMode("private");
    }
    if (given.getOomScoreAdj() < -1000 || given.getOomScoreAdj() > 1000) {
      throw new BerthException.InvalidArgument(
          "oom score `" + given.getOomScoreAdj() + "`: must be from -1000 to 1000");
    }
    oomKill(given, host, facts, warnings);
    namespaces(config, given, network, warnings);
    CapabilityRules.of(
        given.getCapAddList(), given.getCapDropList(), given.getPrivileged(), facts.capabilities());
    LimitRules.of(given.getRlimitsList(), facts.hardLimits());
    if (!config.getHostname().isEmpty()) {
      Texts.hostName("hostname", config.getHostname());
    }
    if (!config.getDomainname().isEmpty()) {
      Texts.hostName("domain name", config.getDomainname());
    }
    return new Completed(host.build(), warnings);
  }

  private static void unsupported(HostConfig given) {
    if (!List.of("", "local", "none").contains(given.getLogDriver())) {
      throw new BerthException.InvalidArgument(
          "log driver `" + given.getLogDriver() + "`: there are local and none");
    }
    boolean logOptions = given.getLogMaxSize() != 0 || given.getLogMaxFiles() != 0;
    if (given.getLogDriver().equals("none") && logOptions) {
      throw new BerthException.InvalidArgument(
          "log driver `none`: keeps nothing, so it takes no max-size and no max-file");
    }
    if (!List.of("", "local").contains(given.getVolumeDriver())) {
      throw new BerthException.InvalidArgument(
          "volume driver `" + given.getVolumeDriver() + "`: there is local only");
    }
    if (given.getStorageOptionsCount() > 0) {
      throw new BerthException.NotImplemented(
          "storage option `"
              + given.getStorageOptionsMap().keySet().iterator().next()
              + "`: root file systems have no options and no size limit here; leave it out");
    }
  }

  private static void oomKill(
      HostConfig given, HostConfig.Builder host, HostFacts facts, List<String> warnings) {
    if (!given.getOomKillDisable()) {
      return;
    }
    if (facts.cgroups() == CgroupMode.V2) {
      warnings.add("oom kill disable: cgroup v2 has no such switch; discarded");
      host.setOomKillDisable(false);
    } else if (given.getResources().getMemory() == 0) {
      warnings.add(
          "oom kill disable without a memory limit is dangerous: the host may run out of memory");
    }
  }

  private static void namespaces(
      Config config, HostConfig given, NetworkConfig network, List<String> warnings) {
    NamespaceMode.parse("pid", given.getPidMode());
    NamespaceMode ipc = NamespaceMode.parse("ipc", given.getIpcMode());
    NamespaceMode uts = NamespaceMode.parse("uts", given.getUtsMode());
    boolean hostNetwork = network.getMode().equals("host");
    if (uts.kind() == NamespaceMode.Kind.CONTAINER) {
      throw new BerthException.NotImplemented(
          "container:NAME is built for the network, pid and ipc modes only; write host or private");
    }
    if (uts.isHost() && !(config.getHostname() + config.getDomainname()).isEmpty()) {
      throw new BerthException.InvalidArgument(
          "hostname `"
              + config.getHostname()
              + "`: the container shares the host's name (uts mode host); leave one of the two"
              + " out");
    }
    if (network.getMode().startsWith("container:")) {
      NamespaceMode.parse("network", network.getMode());
      if (!config.getHostname().isEmpty()) {
        throw new BerthException.InvalidArgument(
            "hostname `"
                + config.getHostname()
                + "`: the container shares the network of another; leave one of the two out");
      }
    }
    if (hostNetwork && network.getPortsCount() > 0) {
      warnings.add("published ports are discarded when using host network mode");
    }
    boolean linkable = !hostNetwork && !network.getMode().equals("none");
    if (network.getLinksCount() > 0 && (!linkable || network.getMode().startsWith("container:"))) {
      throw new BerthException.InvalidArgument(
          "link `"
              + network.getLinks(0)
              + "`: a container in network mode `"
              + network.getMode()
              + "` cannot have links; leave one of the two out");
    }
    SysctlRules.check(given.getSysctlsMap(), hostNetwork, ipc.isHost(), uts.isHost());
  }
}
