package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.base.id.UnixId;
import io.berth.base.layout.TaskFolder;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.Device;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.ResolvedUser;
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
  /**
   * The path inside of the program that reaps orphans. It lies in a tmpfs, so that no image need
   * have a place for it.
   */
  static final String INIT = "/dev/init";

  /** As many as the kernel can be built for. */
  private static final int PROCESSORS_MAX = 8192;

  private static final String VERSION = "1.1.0";

  /** Files that tell of the host or steer it and that no namespace separates. */
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
  private final List<String> masked;

  /** Those above, and the heat of each processor, by which other containers' work shows. */
  private static List<String> masked(HostFacts facts) {
    List<String> paths = new ArrayList<>(MASKED);
    for (int i = 0; i < PROCESSORS_MAX; i++) {
      Path processor = Path.of("/sys/devices/system/cpu/cpu" + i);
      if (!facts.present().test(processor)) {
        break;
      }
      Path heat = processor.resolve("thermal_throttle");
      if (facts.present().test(heat)) {
        paths.add(heat.toString());
      }
    }
    return List.copyOf(paths);
  }

  public SpecGenerator(HostFacts facts) {
    this.facts = facts;
    this.profiles = new SeccompProfiles(facts.architecture());
    this.masked = masked(facts);
  }

  /**
   * The specification of a container. INVALID_ARGUMENT, FAILED_PRECONDITION or UNIMPLEMENTED, one
   * line each, for what cannot be.
   */
  public GeneratedSpec generate(SpecRequest request, ContainerFacts container) {
    MountTable mounts = MountTable.of(request, container, facts);
    HostSettings host = request.host();
    List<String> capabilities =
        CapabilityRules.of(
            host.privileges().capAdd(),
            host.privileges().capDrop(),
            host.privileges().privileged(),
            facts.capabilities());
    boolean ownName = !NamespaceMode.parse("uts", host.namespaces().uts()).isHost();
    RuntimeSpec spec =
        new RuntimeSpec(
            VERSION,
            process(request, container, capabilities),
            new RuntimeSpec.Root("rootfs", host.storage().readOnlyRoot()),
            ownName ? hostname(request, container) : "",
            ownName ? request.config().domainname() : "",
            mounts.mounts(),
            RuntimeSpec.Hooks.NONE,
            host.runtime().annotations(),
            linux(request, container, capabilities, mounts.rootPropagation()));
    return new GeneratedSpec(spec, mounts.foldersToMake(), List.of());
  }

  /**
   * What a container mounts over the files that list its users and groups, in the order of
   * mounting. Its user is not looked at, for these files are to tell it.
   */
  public List<RuntimeSpec.Mount> mountsOverAccounts(SpecRequest request, ContainerFacts container) {
    return MountTable.of(request, container, facts).overAccounts();
  }

  /** The name that the container has: its own, the host's, or the first digits of its id. */
  public String hostname(SpecRequest request, ContainerFacts container) {
    ContainerConfig config = request.config();
    if (!config.hostname().isEmpty()) {
      return Texts.hostName("hostname", config.hostname());
    }
    boolean hostsName =
        request.network().isHost()
            || NamespaceMode.parse("uts", request.host().namespaces().uts()).isHost();
    return hostsName ? facts.hostname() : container.shortId();
  }

  // --- the process

  private ProcessSpec process(
      SpecRequest request, ContainerFacts container, List<String> capabilities) {
    ContainerConfig config = request.config();
    HostSettings host = request.host();
    ResolvedUser user = request.user();
    List<String> environment = environment(config, hostname(request, container)).list();
    return new ProcessSpec(
        config.streams().terminal(),
        null,
        user(user, host.privileges().groupAdd()),
        commandLine(request),
        environment,
        workingFolder(config.workingDirectory()),
        CapabilityRules.sets(capabilities, user.uid()),
        LimitRules.of(host.limits().ulimits(), facts.hardLimits()),
        host.privileges().noNewPrivileges(),
        AppArmorRules.named(host.privileges().apparmor()),
        host.limits().oomScoreAdjust(),
        null,
        "",
        null,
        null);
  }

  private List<String> commandLine(SpecRequest request) {
    List<String> line = ConfigMerge.commandLine(request.config());
    if (!request.host().runtime().init()) {
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

  /**
   * The environment of the first process: defaults below, the merged configuration above, and
   * nothing of the host's own environment. HOME is not among the defaults: whoever launches the
   * process finds it in the passwd file that the container has inside, with all its mounts.
   */
  static Environment environment(ContainerConfig config, String hostname) {
    Environment environment = new Environment();
    environment.set(Environment.PATH).set("HOSTNAME=" + hostname);
    if (config.streams().terminal()) {
      environment.set("TERM=xterm");
    }
    return environment.setAll(config.environment());
  }

  static String workingFolder(String given) {
    return given.isEmpty() ? "/" : Texts.absolute("working directory", given);
  }

  /**
   * The user of a process, for the first process of a container, a further one and a health check
   * alike. The primary group is among the supplementary ones. Names among the further groups were
   * resolved with the user, so only numbers are taken from them here.
   */
  static ProcessSpec.User user(ResolvedUser user, List<String> more) {
    Set<Long> groups = new LinkedHashSet<>();
    groups.add(user.gid());
    groups.addAll(user.groups());
    for (String group : more) {
      if (UnixId.isNumber(group)) {
        groups.add((long) UnixId.parse("group", group));
      }
    }
    return new ProcessSpec.User(user.uid(), user.gid(), null, List.copyOf(groups));
  }

  // --- what is Linux's own

  private Linux linux(
      SpecRequest request,
      ContainerFacts container,
      List<String> capabilities,
      String rootPropagation) {
    HostSettings host = request.host();
    boolean privileged = host.privileges().privileged();
    Map<String, Linux.Device> devices = devices(host);
    return new Linux(
        List.of(),
        List.of(),
        host.runtime().sysctls(),
        ResourceRules.runtime(
            host.resources(), facts.devices(), rules(host), host.limits().oomKillDisable()),
        cgroup(host.runtime().cgroupParent(), container.id()),
        namespaces(request, container),
        List.copyOf(devices.values()),
        privileged ? null : profiles.of(host.privileges().seccomp(), Set.copyOf(capabilities)),
        rootPropagation,
        privileged ? List.of() : masked,
        privileged ? List.of() : READ_ONLY,
        "",
        null,
        Map.of(),
        null,
        Map.of());
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
    HostSettings host = request.host();
    List<Linux.Namespace> all = new ArrayList<>();
    all.add(new Linux.Namespace("mount", ""));
    if (!request.network().isHost()) {
      all.add(
          new Linux.Namespace(
              "network",
              request.network().isNone()
                  ? ""
                  : new TaskFolder(container.taskFolder())
                      .link(TaskFolder.NETWORK_NAMESPACE)
                      .toString()));
    }
    if (!NamespaceMode.parse("uts", host.namespaces().uts()).isHost()) {
      all.add(new Linux.Namespace("uts", ""));
    }
    NamespaceMode pid = NamespaceMode.parse("pid", host.namespaces().pid());
    switch (pid.kind()) {
      case HOST -> {
        // A namespace that is not listed is the one of the host.
      }
      case CONTAINER -> all.add(new Linux.Namespace("pid", joined(container, "pid", pid)));
      case PRIVATE, NONE, SHAREABLE -> all.add(new Linux.Namespace("pid", ""));
    }
    NamespaceMode ipc = NamespaceMode.parse("ipc", host.namespaces().ipc());
    if (!ipc.isHost()) {
      boolean joins = ipc.kind() == NamespaceMode.Kind.CONTAINER;
      all.add(new Linux.Namespace("ipc", joins ? joined(container, "ipc", ipc) : ""));
    }
    if (ownCgroups(host.namespaces().cgroup())) {
      all.add(new Linux.Namespace("cgroup", ""));
    }
    return all;
  }

  /** A record that was made before the mode was kept has none. */
  private boolean ownCgroups(String mode) {
    return mode.isEmpty()
        ? facts.cgroups().unified()
        : !NamespaceMode.parse("cgroup", mode).isHost();
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

  private Map<String, Linux.Device> devices(HostSettings host) {
    Map<String, Linux.Device> devices = new LinkedHashMap<>();
    if (host.privileges().privileged()) {
      facts.devices().all().forEach(device -> devices.put(device.path(), device));
    }
    for (Device wish : host.privileges().devices()) {
      found(wish).forEach(device -> devices.put(device.path(), device));
    }
    return devices;
  }

  /** The host's nodes that a wish means, under the paths that they have inside. */
  private List<Linux.Device> found(Device wish) {
    String hostPath = Texts.absolute("device", wish.hostPath());
    String inside =
        wish.containerPath().isEmpty() ? hostPath : Texts.absolute("device", wish.containerPath());
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
    String given = wish.permissions();
    if (!given.matches("[rwm]{0,3}") || given.chars().distinct().count() != given.length()) {
      throw new BerthException.InvalidArgument(
          "device `" + wish.hostPath() + "`: permissions `" + given + "` are not of r, w and m");
    }
    return given.isEmpty() ? "rwm" : given;
  }

  private List<Resources.DeviceRule> rules(HostSettings host) {
    if (host.privileges().privileged()) {
      return List.of(new Resources.DeviceRule(true, "a", null, null, "rwm"));
    }
    List<Resources.DeviceRule> rules = new ArrayList<>();
    rules.add(new Resources.DeviceRule(false, "a", null, null, "rwm"));
    // These are null, zero, full, random, urandom, tty, console, ptmx and terminals, by their
    // numbers in the kernel's Documentation/admin-guide/devices.txt.
    for (long minor : new long[] {3, 5, 7, 8, 9}) {
      rules.add(rule("c", 1, minor, "rwm"));
    }
    for (long minor : new long[] {0, 1, 2}) {
      rules.add(rule("c", 5, minor, "rwm"));
    }
    rules.add(rule("c", 136, null, "rwm"));
    for (Device wish : host.privileges().devices()) {
      for (Linux.Device device : found(wish)) {
        rules.add(rule(device.type(), device.major(), (long) device.minor(), permissions(wish)));
      }
    }
    rules.addAll(DeviceRules.parse(host.privileges().deviceRules()));
    return rules;
  }

  private static Resources.DeviceRule rule(
      String type, long major, @Nullable Long minor, String access) {
    return new Resources.DeviceRule(true, type, major, minor, access);
  }
}
