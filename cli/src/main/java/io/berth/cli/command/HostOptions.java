package io.berth.cli.command;

import io.berth.api.berth.container.v1.Device;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.Rlimit;
import io.berth.base.error.BerthException;
import io.berth.base.text.ByteSize;
import io.berth.base.text.MountWish;
import io.berth.base.text.SmallFile;
import io.berth.base.text.Variables;
import io.berth.cli.session.Caller;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * The options that bind a container to this machine: mounts, devices, rights, namespaces, and how
 * long it lives.
 */
final class HostOptions {
  @Option(
      names = {"-v", "--volume"},
      paramLabel = "SOURCE:TARGET[:ro]",
      description = "Bind mount or named volume")
  List<String> volumes = new ArrayList<>();

  @Option(
      names = "--mount",
      paramLabel = "type=TYPE,src=SOURCE,dst=TARGET",
      description = "Bind mount, volume or tmpfs")
  List<String> mounts = new ArrayList<>();

  @Option(names = "--tmpfs", paramLabel = "TARGET[:OPTIONS]", description = "Memory file system")
  List<String> tmpfs = new ArrayList<>();

  @Option(
      names = "--restart",
      paramLabel = "POLICY",
      description = "no, always, on-failure[:N], unless-stopped")
  String restart = "";

  @Option(names = "--read-only", description = "Root file system read-only")
  boolean readOnly;

  @Option(names = "--privileged", description = "All capabilities and devices")
  boolean privileged;

  @Option(names = "--cap-add", paramLabel = "NAME", description = "One capability more")
  List<String> capAdd = new ArrayList<>();

  @Option(names = "--cap-drop", paramLabel = "NAME", description = "One capability less")
  List<String> capDrop = new ArrayList<>();

  @Option(
      names = "--security-opt",
      paramLabel = "OPTION",
      description = "seccomp=FILE, apparmor=PROFILE (or unconfined), no-new-privileges")
  List<String> security = new ArrayList<>();

  @Option(
      names = "--device",
      paramLabel = "HOST[:INSIDE[:rwm]]",
      description = "A device of the host")
  List<String> devices = new ArrayList<>();

  @Option(
      names = "--device-cgroup-rule",
      paramLabel = "RULE",
      description = "Devices it may use: 'c 42:* rmw'")
  List<String> deviceRules = new ArrayList<>();

  @Option(names = "--ulimit", paramLabel = "NAME=SOFT[:HARD]", description = "Resource limit")
  List<String> ulimits = new ArrayList<>();

  @Option(names = "--sysctl", paramLabel = "KEY=VALUE", description = "Kernel setting of its own")
  List<String> sysctls = new ArrayList<>();

  @Option(names = "--annotation", paramLabel = "KEY=VALUE", description = "OCI annotation")
  List<String> annotations = new ArrayList<>();

  @Option(names = "--pid", paramLabel = "MODE", description = "host or container:NAME")
  String pid = "";

  @Option(
      names = "--ipc",
      paramLabel = "MODE",
      description = "private (default), none, shareable, host or container:NAME")
  String ipc = "";

  @Option(names = "--uts", paramLabel = "MODE", description = "host")
  String uts = "";

  @Option(names = "--userns", paramLabel = "MODE", description = "host (the only one)")
  String userNamespace = "";

  @Option(
      names = "--cgroupns",
      paramLabel = "MODE",
      description = "private (default with cgroup v2) or host")
  String cgroupns = "";

  @Option(names = "--cgroup-parent", paramLabel = "PATH", description = "Parent of its cgroup")
  String cgroupParent = "";

  @Option(names = "--shm-size", paramLabel = "BYTES", description = "Of /dev/shm (default: 64m)")
  String shmSize = "";

  @Option(names = "--oom-score-adj", paramLabel = "N", description = "-1000 to 1000")
  int oomScore;

  @Option(names = "--oom-kill-disable", description = "Freeze instead of killing (cgroup v1)")
  boolean oomKillDisable;

  @Option(names = "--init", description = "A small init reaps inside")
  boolean init;

  @Option(names = "--runtime", paramLabel = "NAME|PATH", description = "Another OCI runtime")
  String runtime = "";

  @Option(
      names = "--log-driver",
      paramLabel = "NAME",
      description = "local (default), or none: output is kept nowhere")
  String logDriver = "";

  @Option(
      names = "--storage-opt",
      paramLabel = "KEY=VALUE",
      description = "Refused: root file systems have no options")
  List<String> storageOptions = new ArrayList<>();

  @Option(
      names = "--volumes-from",
      paramLabel = "CONTAINER[:ro]",
      description = "The volumes and bind mounts of another")
  List<String> volumesFrom = new ArrayList<>();

  @Option(names = "--volume-driver", paramLabel = "NAME", description = "local (default)")
  String volumeDriver = "";

  @Option(
      names = "--log-opt",
      paramLabel = "KEY=VALUE",
      description = "max-size=BYTES, max-file=N; tag, labels, env for `logs --details`")
  List<String> logOptions = new ArrayList<>();

  @Option(names = "--isolation", paramLabel = "default", description = "There is no other")
  String isolation = "default";

  @Mixin ContentTrust trust = new ContentTrust();

  HostConfig.Builder build(Caller caller) {
    if (!List.of("", "host").contains(userNamespace)) {
      throw new BerthException.InvalidArgument(
          "--userns `"
              + userNamespace
              + "`: containers have the users of the host; leave it out, or write host");
    }
    refuseForeign();
    HostConfig.Builder host =
        HostConfig.newBuilder()
            .setPrivileged(privileged)
            .setReadOnlyRootfs(readOnly)
            .addAllCapAdd(capAdd)
            .addAllCapDrop(capDrop)
            .setInit(init)
            .setRestart(restart(restart))
            .setPidMode(pid)
            .setIpcMode(ipc)
            .setUtsMode(uts)
            .setCgroupnsMode(cgroupns)
            .addAllDeviceCgroupRules(deviceRules)
            .setCgroupParent(cgroupParent)
            .setShmSize(shmSize.isEmpty() ? 0 : ByteSize.parse("--shm-size", shmSize))
            .setOomScoreAdj(oomScore)
            .setOomKillDisable(oomKillDisable)
            .setRuntime(runtime)
            .setLogDriver(logDriver)
            .putAllStorageOptions(Variables.pairs("--storage-opt", storageOptions))
            .addAllVolumesFrom(volumesFrom)
            .setVolumeDriver(volumeDriver)
            .putAllSysctls(Variables.pairs("--sysctl", sysctls))
            .putAllAnnotations(Variables.pairs("--annotation", annotations));
    Path here = caller.absolute("");
    volumes.forEach(text -> host.addMounts(mount(MountWish.volume(text, here))));
    mounts.forEach(text -> host.addMounts(mount(MountWish.mount(text, here))));
    tmpfs.forEach(text -> host.addMounts(mount(MountWish.tmpfs(text))));
    devices.forEach(text -> host.addDevices(device(text)));
    ulimits.forEach(text -> host.addRlimits(rlimit(text)));
    security.forEach(text -> secure(host, text, caller));
    Variables.pairs("--log-opt", logOptions).forEach((key, value) -> log(host, key, value));
    return host;
  }

  private static Mount mount(MountWish wish) {
    return Mount.newBuilder()
        .setType(wish.type())
        .setSource(wish.source())
        .setTarget(wish.target())
        .setReadOnly(wish.readOnly())
        .addAllOptions(wish.options())
        .build();
  }

  /** Words of docker that mean something on other systems and with other services alone. */
  private void refuseForeign() {
    if (!List.of("", "default").contains(isolation)) {
      throw new BerthException.InvalidArgument(
          "--isolation `" + isolation + "`: Linux has default alone; leave it out");
    }
    trust.check();
  }

  private static void secure(HostConfig.Builder host, String option, Caller caller) {
    switch (option) {
      case "no-new-privileges", "no-new-privileges:true", "no-new-privileges=true" ->
          host.setNoNewPrivileges(true);
      case "seccomp=unconfined", "seccomp:unconfined" -> host.setSeccomp("unconfined");
      case "label=disable", "label:disable" -> {
        // No container is given a label of SELinux.
      }
      default -> {
        if (option.matches("apparmor[=:].+")) {
          host.setApparmor(option.substring("apparmor=".length()));
          return;
        }
        if (!option.startsWith("seccomp=")) {
          throw new BerthException.InvalidArgument(
              "--security-opt `"
                  + option
                  + "`: not known; write seccomp=FILE, apparmor=PROFILE or no-new-privileges");
        }
        Path file = caller.path(option.substring("seccomp=".length()));
        host.setSeccomp(
            new String(SmallFile.read("--security-opt seccomp", file), StandardCharsets.UTF_8));
      }
    }
  }

  private static void log(HostConfig.Builder host, String key, String value) {
    switch (key) {
      case "max-size" -> host.setLogMaxSize(ByteSize.parse("--log-opt max-size", value));
      case "max-file" -> {
        try {
          host.setLogMaxFiles(Integer.parseUnsignedInt(value));
        } catch (NumberFormatException e) {
          throw new BerthException.InvalidArgument(
              "--log-opt max-file `" + value + "`: no number", e);
        }
      }
      // What else there is the service knows.
      default -> host.putLogOptions(key, value);
    }
  }

  private static Device device(String text) {
    String[] parts = text.split(":", -1);
    boolean rightsOnly = parts.length == 2 && parts[1].matches("[rwm]{1,3}");
    String inside = parts.length < 2 || rightsOnly ? parts[0] : parts[1];
    String rights = rightsOnly ? parts[1] : parts.length == 3 ? parts[2] : "rwm";
    if (parts.length > 3
        || !parts[0].startsWith("/")
        || !inside.startsWith("/")
        || !rights.matches("[rwm]{1,3}")) {
      throw new BerthException.InvalidArgument(
          "--device `" + text + "`: write /dev/HOST[:/dev/INSIDE[:rwm]]");
    }
    return Device.newBuilder()
        .setHostPath(parts[0])
        .setContainerPath(inside)
        .setPermissions(rights)
        .build();
  }

  private static Rlimit rlimit(String text) {
    int equals = text.indexOf('=');
    String[] values = equals < 1 ? new String[0] : text.substring(equals + 1).split(":", -1);
    if (values.length == 0 || values.length > 2) {
      throw new BerthException.InvalidArgument("--ulimit `" + text + "`: write NAME=SOFT[:HARD]");
    }
    try {
      return Rlimit.newBuilder()
          .setName(text.substring(0, equals))
          .setSoft(limit(values[0]))
          .setHard(limit(values[values.length - 1]))
          .build();
    } catch (NumberFormatException e) {
      throw new BerthException.InvalidArgument("--ulimit `" + text + "`: a limit is no number", e);
    }
  }

  /** A limit; -1 and {@code unlimited} stand for the highest that there is. */
  private static long limit(String text) {
    return text.equals("unlimited") || text.equals("-1") ? -1 : Long.parseUnsignedLong(text);
  }

  /** Reads a restart policy, such as {@code on-failure:3}; INVALID_ARGUMENT for anything else. */
  static RestartPolicy restart(String text) {
    int colon = text.indexOf(':');
    String name = colon < 0 ? text : text.substring(0, colon);
    if (!List.of("", "no", "always", "on-failure", "unless-stopped").contains(name)
        || (colon >= 0 && !name.equals("on-failure"))) {
      throw new BerthException.InvalidArgument(
          "--restart `" + text + "`: write no, always, on-failure[:N] or unless-stopped");
    }
    try {
      return RestartPolicy.newBuilder()
          .setName(name)
          .setMaximumRetries(colon < 0 ? 0 : Integer.parseUnsignedInt(text.substring(colon + 1)))
          .build();
    } catch (NumberFormatException e) {
      throw new BerthException.InvalidArgument(
          "--restart `" + text + "`: the count is no number", e);
    }
  }
}
