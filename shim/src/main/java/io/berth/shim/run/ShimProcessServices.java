package io.berth.shim.run;

import io.berth.base.config.Config;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.Overlays;
import io.berth.linux.Poller;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.shim.cgroup.CgroupLayout;
import io.berth.shim.cgroup.SupervisorLeaf;
import io.berth.shim.plan.MachineFacts;
import io.berth.shim.stdio.LogPrograms;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the shims of a process share: nothing that one could change for another, but the threads
 * that wait, and compiled filters.
 */
public final class HostServices implements AutoCloseable {
  private static final Logger LOG = System.getLogger(HostServices.class.getName());
  private static final String PROGRAM_PROPERTY = "berth.supervisor";

  private final Config config;
  private final CgroupLayout cgroups;
  private final MachineFacts facts;
  private final Poller poller;
  private final SupervisorClient supervisors;
  private final LogPrograms logPrograms;
  private final Filters filters;
  private final Overlays overlays;
  private final Happenings happenings;
  private final @Nullable Fd program;
  private final boolean unwatched;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable SupervisorLeaf leaf;

  private HostServices(
      Config config,
      CgroupLayout cgroups,
      MachineFacts facts,
      Poller poller,
      Filters filters,
      Overlays overlays,
      @Nullable Fd program,
      boolean unwatched) {
    this.unwatched = unwatched;
    this.filters = filters;
    this.overlays = overlays;
    this.happenings = new Happenings();
    this.program = program;
    this.config = config;
    this.cgroups = cgroups;
    this.facts = facts;
    this.poller = poller;
    this.supervisors = new SupervisorClient(poller);
    this.logPrograms = new LogPrograms(poller);
  }

  /** Looks at the host and starts the thread that waits. */
  public static HostServices open(Config config) throws IOException {
    return open(config, CgroupLayout.ofHost());
  }

  /** The same with some of the host's hierarchies only. */
  public static HostServices open(Config config, CgroupLayout cgroups) throws IOException {
    return new HostServices(
        config,
        cgroups,
        facts(),
        Poller.start("supervisors"),
        new Filters(),
        probed(config),
        readOnly(binary(config)),
        /* unwatched= */ false);
  }

  /** So that no container waits for it; where there are no layers yet, the first one does. */
  private static Overlays probed(Config config) {
    Overlays overlays = config.overlays();
    if (Files.isDirectory(config.root()) && !overlays.answer().problem().isEmpty()) {
      LOG.log(Level.WARNING, "no overlay can be mounted: {0}", overlays.answer().problem());
    }
    return overlays;
  }

  /** The same for containers that nobody is to be told of. Goes with this one. */
  public HostServices unwatched() {
    return new HostServices(
        config, cgroups, facts, poller, filters, overlays, program, /* unwatched= */ true);
  }

  /** Whether its containers have nobody but this process: they end with it. */
  boolean isUnwatched() {
    return unwatched;
  }

  /**
   * A mount of the supervisor's binary alone, that nobody can write through: by /proc/PID/exe of a
   * half-made process a container could otherwise reach the host's file.
   */
  private static @Nullable Fd readOnly(Path binary) {
    try {
      Fd mount = Mounts.cloneTree(binary, /* recursive= */ false);
      Mounts.setAttributes(
          mount,
          /* recursive= */ false,
          new Mounts.Attributes(
              MountFlags.MOUNT_ATTR_RDONLY, 0, MountFlags.MS_PRIVATE, /* userNamespace= */ null));
      return mount;
    } catch (SyscallException e) {
      LOG.log(Level.WARNING, "read-only mount of `{0}`: {1}", binary, e.getMessage());
      return null;
    }
  }

  private static Path binary(Config config) {
    String property = System.getProperty(PROGRAM_PROPERTY);
    return property != null
        ? Path.of(property)
        : config.libexec().resolve("bin").resolve("berth-supervisor");
  }

  /** What plans depend on. */
  public static MachineFacts facts() throws IOException {
    return new MachineFacts(
        enabled("/sys/module/apparmor/parameters/enabled", "Y"),
        Files.exists(Path.of("/sys/fs/selinux/enforce")),
        ownCapabilities(),
        HostServices::kindOf);
  }

  private static boolean enabled(String file, String value) throws IOException {
    Path path = Path.of(file);
    return Files.exists(path) && Files.readString(path).startsWith(value);
  }

  private static long ownCapabilities() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("CapPrm:")) {
        return Long.parseUnsignedLong(line.substring("CapPrm:".length()).strip(), 16);
      }
    }
    throw new IOException("/proc/self/status: no CapPrm");
  }

  private static MachineFacts.Kind kindOf(String path) {
    try {
      return FileStatus.of(Path.of(path)).isDirectory()
          ? MachineFacts.Kind.FOLDER
          : MachineFacts.Kind.FILE;
    } catch (SyscallException e) {
      return MachineFacts.Kind.ABSENT;
    }
  }

  Config config() {
    return config;
  }

  CgroupLayout cgroups() {
    return cgroups;
  }

  MachineFacts hostFacts() {
    return facts;
  }

  Poller poller() {
    return poller;
  }

  SupervisorClient supervisors() {
    return supervisors;
  }

  LogPrograms logPrograms() {
    return logPrograms;
  }

  Filters filters() {
    return filters;
  }

  /** How overlays are mounted here. */
  Overlays overlays() {
    return overlays;
  }

  /** What happens to tasks of this process. */
  public Happenings happenings() {
    return happenings;
  }

  /** The supervisor's binary. */
  public Path supervisorBinary() {
    return binary(config);
  }

  /** By what path it is started: as long as this process lives. */
  String supervisorProgram() {
    return program == null
        ? binary(config).toString()
        : "/proc/" + ProcessHandle.current().pid() + "/fd/" + program.number();
  }

  /** Where supervisors live; opened once, and again if it was removed meanwhile. */
  SupervisorLeaf supervisorLeaf() throws IOException {
    lock.lock();
    try {
      SupervisorLeaf known = leaf;
      if (known != null && known.exists()) {
        return known;
      }
      // The old one may be in use at this moment; its descriptors end with the process.
      SupervisorLeaf opened = SupervisorLeaf.open(cgroups, config.cgroupParent());
      leaf = opened;
      return opened;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    if (leaf != null) {
      leaf.close();
    }
    if (program != null) {
      program.close();
    }
    poller.close();
  }
}
