package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Device;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.User;
import io.berth.base.error.BerthException;
import io.berth.base.id.UnixId;
import io.berth.base.layout.TaskFolder;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.Resources;
import io.berth.oci.runtime.RuntimeSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes runtime specifications. Thread-safe; reads nothing of the host but through its {@link
 * HostFacts}, changes nothing.
 */
public final class SpecGenerator {
  /** Where the program that reaps is seen inside: in a tmpfs, so no image need have a place. */
  static final String INIT = "/dev/init";

  private static final String VERSION = "1.1.0";

  /** What tells of the host or steers it, and is not separated by any namespace. */
  private static final List<String> MASKED =
      List.of(
          "/proc/acpi",
          "/proc/asound",
          "/proc/interrupts",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/sched_debug",
          "/proc/scsi",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/sys/devices/virtual/powercap",
          "/sys/firmware");

  private static final List<String> READ_ONLY =
      List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

  private final HostFacts facts;
  private final SeccompProfiles profiles;

  public SpecGenerator(HostFacts facts) {
    this.facts = facts;
    this.profiles = new SeccompProfiles(facts.architecture());
  }

  /**
   * The specification of a container. INVALID_ARGUMENT, FAILED_PRECONDITION or UNIMPLEMENTED, one
   * line each, for what cannot be.
   */
  public GeneratedSpec generate(SpecRequest request, ContainerFacts container) {
    MountTable mounts = MountTable.of(request, container, facts);
    HostConfig host = request.host();
    List<String> capabilities =
        CapabilityRules.of(
            host.getCapAddList(),
            host.getCapDropList(),
            host.getPrivileged(),
            facts.capabilities());
    boolean ownName = !NamespaceMode.parse("uts", host.getUtsMode()).isHost();
    RuntimeSpec spec =
        new RuntimeSpec(
            VERSION,
            process(request, container, capabilities),
            new RuntimeSpec.Root("rootfs", host.getReadOnlyRootfs()),
            ownName ? hostname(request, container) : "",
            ownName ? request.config().getDomainname() : "",
            mounts.mounts(),
            RuntimeSpec.Hooks.NONE,
            host.getAnnotationsMap(),
            linux(request, container, capabilities, mounts.rootPropagation()));
    return new GeneratedSpec(spec, mounts.foldersToMake(), List.of());
  }

  /** The name that the container has: its own, the host's, or the first digits of its id. */
  public String hostname(SpecRequest request, ContainerFacts container) {
    Config config = request.config();
    if (!config.getHostname().isEmpty()) {
      return Texts.hostName("hostname", config.getHostname());
    }
    boolean hostsName =
        request.network().getMode().equals("host")
            || NamespaceMode.parse("uts", request.host().getUtsMode()).isHost();
    return hostsName ? facts.hostname() : container.shortId();
  }

  // --- the process

  private ProcessSpec process(
      SpecRequest request, ContainerFacts container, List<String> capabilities) {
    Config config = request.config();
    HostConfig host = request.host();
    User user = request.user();
    List<String> environment =
        environment(config, hostname(request, container), user.getHome()).list();
    return new ProcessSpec(
        config.getTty(),
        null,
        user(user, host.getGroupAddList()),
        commandLine(request),
        environment,
        workingFolder(config.getWorkingDir()),
        CapabilityRules.sets(capabilities, Integer.toUnsignedLong(user.getUid())),
        LimitRules.of(host.getRlimitsList(), facts.hardLimits()),
        host.getNoNewPrivileges(),
        "",
        host.getOomScoreAdj(),
        null,
        "",
        null,
        null);
  }

  private List<String> commandLine(SpecRequest request) {
    List<String> line = ConfigMerge.commandLine(request.config());
    if (!request.host().getInit()) {
      return line;
    }
    if (facts.init() == null) {
      throw new BerthException.FailedPrecondition(
          "init: this installation has no program that reaps inside; leave --init out");
    }
    List<String> reaped = new ArrayList<>(List.of(INIT, "--"));
    reaped.addAll(line);
    return reaped;
  }

  /** Rows D01-56, RK-36: defaults below, the merged configuration above, nothing of the host's. */
  static Environment environment(Config config, String hostname, String home) {
    Environment environment = new Environment();
    environment.set(Environment.PATH).set("HOSTNAME=" + hostname);
    if (config.getTty()) {
      environment.set("TERM=xterm");
    }
    environment.set("HOME=" + (home.isEmpty() ? "/" : home));
    return environment.setAll(config.getEnvList());
  }

  static String workingFolder(String given) {
    return given.isEmpty() ? "/" : Texts.absolute("working directory", given);
  }

  /**
   * Who a process is: the first one of a container, an exec and a health check alike. The primary
   * group is among the supplementary ones. Names among the further groups were resolved with the
   * user; here are numbers only.
   */
  static ProcessSpec.User user(User user, List<String> more) {
    Set<Long> groups = new LinkedHashSet<>();
    groups.add(Integer.toUnsignedLong(user.getGid()));
    user.getGroupsList().forEach(group -> groups.add(Integer.toUnsignedLong(group)));
    for (String group : more) {
      if (UnixId.isNumber(group)) {
        groups.add((long) UnixId.parse("group", group));
      }
    }
    return new ProcessSpec.User(
        Integer.toUnsignedLong(user.getUid()),
        Integer.toUnsignedLong(user.getGid()),
        null,
        List.copyOf(groups));
  }

  // --- what is Linux's own

  private Linux linux(
      SpecRequest request,
      ContainerFacts container,
      List<String> capabilities,
      String rootPropagation) {
    HostConfig host = request.host();
    boolean privileged = host.getPrivileged();
    Map<String, Linux.Device> devices = devices(host);
    return new Linux(
        List.of(),
        List.of(),
        host.getSysctlsMap(),
        ResourceRules.runtime(host.getResources(), rules(host), host.getOomKillDisable()),
        cgroup(host.getCgroupParent(), container.id()),
        namespaces(request, container),
        List.copyOf(devices.values()),
        privileged ? null : profiles.of(host.getSeccomp(), Set.copyOf(capabilities)),
        rootPropagation,
        privileged ? List.of() : MASKED,
        privileged ? List.of() : READ_ONLY,
        "",
        null,
        Map.of(),
        null);
  }

  /** A relative parent lies in the instance's, an absolute one is taken as it is. */
  private String cgroup(String parent, String id) {
    if (parent.isEmpty()) {
      return "/" + facts.cgroupParent() + "/" + id;
    }
    String below = parent.startsWith("/") ? "" : "/" + facts.cgroupParent();
    String clean = Texts.absolute("cgroup parent", parent.startsWith("/") ? parent : "/" + parent);
    return (clean.equals("/") ? below : below + clean) + "/" + id;
  }

  private List<Linux.Namespace> namespaces(SpecRequest request, ContainerFacts container) {
    HostConfig host = request.host();
    List<Linux.Namespace> all = new ArrayList<>();
    all.add(new Linux.Namespace("mount", ""));
    if (!request.network().getMode().equals("host")) {
      all.add(
          new Linux.Namespace(
              "network",
              new TaskFolder(container.taskFolder())
                  .link(TaskFolder.NETWORK_NAMESPACE)
                  .toString()));
    }
    if (!NamespaceMode.parse("uts", host.getUtsMode()).isHost()) {
      all.add(new Linux.Namespace("uts", ""));
    }
    NamespaceMode pid = NamespaceMode.parse("pid", host.getPidMode());
    switch (pid.kind()) {
      case HOST -> {
        // None: the host's.
      }
      case CONTAINER -> all.add(new Linux.Namespace("pid", joined(container, "pid", pid)));
      case PRIVATE, NONE, SHAREABLE -> all.add(new Linux.Namespace("pid", ""));
    }
    NamespaceMode ipc = NamespaceMode.parse("ipc", host.getIpcMode());
    if (!ipc.isHost()) {
      boolean joins = ipc.kind() == NamespaceMode.Kind.CONTAINER;
      all.add(new Linux.Namespace("ipc", joins ? joined(container, "ipc", ipc) : ""));
    }
    if (facts.cgroups() == CgroupMode.V2) {
      all.add(new Linux.Namespace("cgroup", ""));
    }
    return all;
  }

  private static String joined(ContainerFacts container, String type, NamespaceMode mode) {
    Path path = container.joined().get(type);
    if (path == null) {
      throw new BerthException.FailedPrecondition(
          type
              + " mode `container:"
              + mode.container()
              + "`: that container is not running; start it");
    }
    return path.toString();
  }

  // --- devices

  private Map<String, Linux.Device> devices(HostConfig host) {
    Map<String, Linux.Device> devices = new LinkedHashMap<>();
    if (host.getPrivileged()) {
      facts.devices().all().forEach(device -> devices.put(device.path(), device));
    }
    for (Device wish : host.getDevicesList()) {
      found(wish).forEach(device -> devices.put(device.path(), device));
    }
    return devices;
  }

  /** Nodes of the host under the paths that they have inside. */
  private List<Linux.Device> found(Device wish) {
    String hostPath = Texts.absolute("device", wish.getHostPath());
    String inside =
        wish.getContainerPath().isEmpty()
            ? hostPath
            : Texts.absolute("device", wish.getContainerPath());
    permissions(wish);
    return facts.devices().at(hostPath).stream()
        .map(device ->
            new Linux.Device(
                inside
                    + device.path().substring(Math.min(hostPath.length(), device.path().length())),
                device.type(),
                device.major(),
                device.minor(),
                device.fileMode(),
                device.uid(),
                device.gid()))
        .toList();
  }

  private static String permissions(Device wish) {
    String given = wish.getPermissions();
    if (!given.matches("[rwm]{0,3}") || given.chars().distinct().count() != given.length()) {
      throw new BerthException.InvalidArgument(
          "device `" + wish.getHostPath() + "`: permissions `" + given + "` are not of r, w and m");
    }
    return given.isEmpty() ? "rwm" : given;
  }

  private List<Resources.DeviceRule> rules(HostConfig host) {
    if (host.getPrivileged()) {
      return List.of(new Resources.DeviceRule(true, "a", null, null, "rwm"));
    }
    List<Resources.DeviceRule> rules = new ArrayList<>();
    rules.add(new Resources.DeviceRule(false, "a", null, null, "rwm"));
    // Row D01-99: null, zero, full, random, urandom, tty, console, ptmx and terminals.
    for (long minor : new long[] {3, 5, 7, 8, 9}) {
      rules.add(rule("c", 1, minor, "rwm"));
    }
    for (long minor : new long[] {0, 1, 2}) {
      rules.add(rule("c", 5, minor, "rwm"));
    }
    rules.add(rule("c", 136, null, "rwm"));
    for (Device wish : host.getDevicesList()) {
      for (Linux.Device device : found(wish)) {
        rules.add(rule(device.type(), device.major(), (long) device.minor(), permissions(wish)));
      }
    }
    return rules;
  }

  private static Resources.DeviceRule rule(
      String type, long major, @Nullable Long minor, String access) {
    return new Resources.DeviceRule(true, type, major, minor, access);
  }
}
