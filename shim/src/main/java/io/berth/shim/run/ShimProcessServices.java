package io.berth.shim.run;

import io.berth.base.config.Config;
import io.berth.linux.Overlays;
import io.berth.linux.Poller;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.shim.cgroup.CgroupLayout;
import io.berth.shim.plan.MachineFacts;
import io.berth.shim.stdio.LogPrograms;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the shims of a process share: the configuration, what was learned of the machine, the thread
 * that waits, compiled filters. No shim can change anything here for another. Safe for use by
 * several threads.
 */
public final class ShimProcessServices implements AutoCloseable {
  private static final Logger LOG = System.getLogger(ShimProcessServices.class.getName());

  private final Config config;
  private final CgroupLayout cgroups;
  private final MachineFacts machine;
  private final Poller poller;
  private final SupervisorClient supervisors;
  private final SupervisorSpawner spawner;
  private final LogPrograms logPrograms;
  private final Filters filters;
  private final Overlays overlays;
  private final Happenings happenings = new Happenings();
  private final boolean unwatched;

  private ShimProcessServices(
      Config config, CgroupLayout cgroups, MachineFacts machine, Poller poller) {
    this.config = config;
    this.cgroups = cgroups;
    this.machine = machine;
    this.poller = poller;
    this.supervisors = new SupervisorClient(poller);
    this.spawner = new SupervisorSpawner(config, cgroups, supervisors);
    this.logPrograms = new LogPrograms(poller);
    this.filters = new Filters();
    this.overlays = probed(config);
    this.unwatched = false;
  }

  private ShimProcessServices(ShimProcessServices watched) {
    this.config = watched.config;
    this.cgroups = watched.cgroups;
    this.machine = watched.machine;
    this.poller = watched.poller;
    this.supervisors = watched.supervisors;
    this.spawner = watched.spawner;
    this.logPrograms = watched.logPrograms;
    this.filters = watched.filters;
    this.overlays = watched.overlays;
    this.unwatched = true;
  }

  /** Looks at the machine and starts the thread that waits. */
  public static ShimProcessServices open(Config config) throws IOException {
    return open(config, CgroupLayout.ofHost());
  }

  /** The same with some of the machine's hierarchies of cgroups only. */
  public static ShimProcessServices open(Config config, CgroupLayout cgroups) throws IOException {
    return new ShimProcessServices(
        config, cgroups, MachineProbe.read(), Poller.start("supervisors"));
  }

  /**
   * Probes how overlays are mounted, so that no container waits for it. An instance without a root
   * folder has no layers yet; its first container probes.
   */
  private static Overlays probed(Config config) {
    Overlays overlays = config.overlays();
    if (Files.isDirectory(config.root()) && !overlays.answer().problem().isEmpty()) {
      LOG.log(Level.WARNING, "no overlay can be mounted: {0}", overlays.answer().problem());
    }
    return overlays;
  }

  /**
   * The same for containers of which nobody is told, and which end with this process. It need not
   * be closed, and is of no use once this one is.
   */
  public ShimProcessServices unwatched() {
    return new ShimProcessServices(this);
  }

  /** Whether its containers have nobody but this process: they end with it. */
  boolean isUnwatched() {
    return unwatched;
  }

  /** The configuration of the instance. */
  public Config config() {
    return config;
  }

  CgroupLayout cgroups() {
    return cgroups;
  }

  MachineFacts machine() {
    return machine;
  }

  Poller poller() {
    return poller;
  }

  SupervisorClient supervisors() {
    return supervisors;
  }

  SupervisorSpawner spawner() {
    return spawner;
  }

  LogPrograms logPrograms() {
    return logPrograms;
  }

  Filters filters() {
    return filters;
  }

  MappedMounts mappings() {
    return new MappedMounts(spawner.binary(), poller);
  }

  Overlays overlays() {
    return overlays;
  }

  /** What happens to tasks of this process. */
  public Happenings happenings() {
    return happenings;
  }

  /** The supervisor's binary. */
  public Path supervisorBinary() {
    return spawner.binary();
  }

  @Override
  public void close() {
    spawner.close();
    poller.close();
  }
}
