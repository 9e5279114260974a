package io.berth.containerd.api.message;

import io.berth.api.berth.container.v1.Device;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.Rlimit;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.Lifecycle;
import io.berth.containerd.settings.LogSettings;
import io.berth.containerd.settings.NameResolution;
import io.berth.containerd.settings.NamespaceModes;
import io.berth.containerd.settings.Privileges;
import io.berth.containerd.settings.ProcessLimits;
import io.berth.containerd.settings.RuntimeSettings;
import io.berth.containerd.settings.StorageSettings;
import io.berth.containerd.settings.Ulimit;
import io.berth.oci.runtime.RuntimeSpec;

/** The host's side of a container: {@code HostConfig} and its parts. */
public final class HostMessages {
  private HostMessages() {}

  /** From the wire. */
  public static HostSettings read(HostConfig message) {
    return new HostSettings(
        new StorageSettings(
            message.getMountsList().stream().map(HostMessages::read).toList(),
            message.getVolumesFromList(),
            message.getVolumeDriver(),
            message.getStorageOptionsMap(),
            message.getShmSize(),
            message.getReadOnlyRootfs()),
        LimitMessages.read(message.getResources()),
        new ProcessLimits(
            message.getRlimitsList().stream()
                .map(limit -> new Ulimit(limit.getName(), limit.getSoft(), limit.getHard()))
                .toList(),
            message.getOomScoreAdj(),
            message.getOomKillDisable()),
        privileges(message),
        new NamespaceModes(
            message.getPidMode(),
            message.getIpcMode(),
            message.getUtsMode(),
            message.getCgroupnsMode()),
        new NameResolution(
            message.getDnsList(),
            message.getDnsSearchList(),
            message.getDnsOptionsList(),
            message.getExtraHostsList()),
        new LogSettings(
            message.getLogDriver(),
            message.getLogMaxSize(),
            message.getLogMaxFiles(),
            message.getLogOptionsMap()),
        new Lifecycle(
            read(message.getRestart()), message.getAutoRemove(), message.getContainerIdFile()),
        new RuntimeSettings(
            message.getRuntime(),
            message.getInit(),
            message.getCgroupParent(),
            message.getSysctlsMap(),
            message.getAnnotationsMap()));
  }

  /** What is mounted in a container, as containerd writes mounts. */
  public static io.berth.api.containerd.types.Mount write(RuntimeSpec.Mount mount) {
    return io.berth.api.containerd.types.Mount.newBuilder()
        .setType(mount.type())
        .setSource(mount.source())
        .setTarget(mount.destination())
        .addAllOptions(mount.options())
        .build();
  }

  private static Privileges privileges(HostConfig message) {
    return new Privileges(
        message.getPrivileged(),
        message.getCapAddList(),
        message.getCapDropList(),
        message.getSeccomp(),
        message.getNoNewPrivileges(),
        message.getGroupAddList(),
        message.getApparmor(),
        message.getDevicesList().stream()
            .map(device ->
                new io.berth.containerd.settings.Device(
                    device.getHostPath(), device.getContainerPath(), device.getPermissions()))
            .toList(),
        message.getDeviceCgroupRulesList());
  }

  /** For the wire. */
  public static HostConfig write(HostSettings host) {
    HostConfig.Builder message = HostConfig.newBuilder();
    write(host.storage(), message);
    write(host.limits(), message);
    write(host.privileges(), message);
    write(host.names(), message);
    write(host.lifecycle(), message);
    write(host.runtime(), message);
    return message
        .setResources(LimitMessages.write(host.resources()))
        .setPidMode(host.namespaces().pid())
        .setIpcMode(host.namespaces().ipc())
        .setUtsMode(host.namespaces().uts())
        .setCgroupnsMode(host.namespaces().cgroup())
        .setLogDriver(host.log().driver())
        .setLogMaxSize(host.log().maxSize())
        .setLogMaxFiles(host.log().maxFiles())
        .putAllLogOptions(host.log().options())
        .build();
  }

  private static void write(StorageSettings storage, HostConfig.Builder message) {
    storage.mounts().forEach(mount -> message.addMounts(write(mount)));
    message
        .addAllVolumesFrom(storage.volumesFrom())
        .setVolumeDriver(storage.volumeDriver())
        .putAllStorageOptions(storage.driverOptions())
        .setShmSize(storage.sharedMemory())
        .setReadOnlyRootfs(storage.readOnlyRoot());
  }

  private static void write(ProcessLimits limits, HostConfig.Builder message) {
    limits
        .ulimits()
        .forEach(limit ->
            message.addRlimits(
                Rlimit.newBuilder()
                    .setName(limit.name())
                    .setSoft(limit.soft())
                    .setHard(limit.hard())));
    message.setOomScoreAdj(limits.oomScoreAdjust()).setOomKillDisable(limits.oomKillDisable());
  }

  private static void write(Privileges privileges, HostConfig.Builder message) {
    message
        .setPrivileged(privileges.privileged())
        .addAllCapAdd(privileges.capAdd())
        .addAllCapDrop(privileges.capDrop())
        .setSeccomp(privileges.seccomp())
        .setNoNewPrivileges(privileges.noNewPrivileges())
        .addAllGroupAdd(privileges.groupAdd())
        .setApparmor(privileges.apparmor())
        .addAllDeviceCgroupRules(privileges.deviceRules());
    privileges
        .devices()
        .forEach(device ->
            message.addDevices(
                Device.newBuilder()
                    .setHostPath(device.hostPath())
                    .setContainerPath(device.containerPath())
                    .setPermissions(device.permissions())));
  }

  private static void write(NameResolution names, HostConfig.Builder message) {
    message
        .addAllDns(names.servers())
        .addAllDnsSearch(names.search())
        .addAllDnsOptions(names.options())
        .addAllExtraHosts(names.extraHosts());
  }

  private static void write(Lifecycle lifecycle, HostConfig.Builder message) {
    var policy = lifecycle.restart();
    if (!policy.equals(io.berth.containerd.settings.RestartPolicy.NONE)) {
      message.setRestart(
          RestartPolicy.newBuilder()
              .setName(policy.name())
              .setMaximumRetries(policy.maximumRetries()));
    }
    message.setAutoRemove(lifecycle.autoRemove()).setContainerIdFile(lifecycle.idFile());
  }

  private static void write(RuntimeSettings runtime, HostConfig.Builder message) {
    message
        .setRuntime(runtime.runtime())
        .setInit(runtime.init())
        .setCgroupParent(runtime.cgroupParent())
        .putAllSysctls(runtime.sysctls())
        .putAllAnnotations(runtime.annotations());
  }

  /** A restart policy, from the wire. */
  public static io.berth.containerd.settings.RestartPolicy read(RestartPolicy message) {
    return new io.berth.containerd.settings.RestartPolicy(
        message.getName(), message.getMaximumRetries());
  }

  private static io.berth.containerd.settings.Mount read(Mount message) {
    return new io.berth.containerd.settings.Mount(
        message.getType(),
        message.getSource(),
        message.getTarget(),
        message.getReadOnly(),
        message.getOptionsList());
  }

  private static Mount write(io.berth.containerd.settings.Mount mount) {
    return Mount.newBuilder()
        .setType(mount.type())
        .setSource(mount.source())
        .setTarget(mount.target())
        .setReadOnly(mount.readOnly())
        .addAllOptions(mount.options())
        .build();
  }
}
