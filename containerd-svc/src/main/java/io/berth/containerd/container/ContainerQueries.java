package io.berth.containerd.container;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.daemon.Program;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.time.Sleeper;
import io.berth.containerd.client.RootSizes;
import io.berth.containerd.event.RecentEvent;
import io.berth.containerd.log.LogDetails;
import io.berth.containerd.log.LogDrivers;
import io.berth.containerd.log.LogQuery;
import io.berth.containerd.log.LogReader;
import io.berth.containerd.shimprocess.CgroupProcess;
import io.berth.containerd.shimprocess.ShimProcesses;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What is asked of containers without changing them. Thread-safe. */
@Singleton
public final class ContainerQueries {
  private final NamedContainers containers;
  private final ContainerView view;
  private final Surroundings surroundings;
  private final Tasks tasks;
  private final ShimProcesses shimProcesses;
  private final InstantSource clock;

  @Inject
  ContainerQueries(
      NamedContainers containers,
      ContainerView view,
      Surroundings surroundings,
      Tasks tasks,
      ShimProcesses shimProcesses,
      InstantSource clock) {
    this.containers = containers;
    this.view = view;
    this.surroundings = surroundings;
    this.tasks = tasks;
    this.shimProcesses = shimProcesses;
    this.clock = clock;
  }

  /**
   * The container that a person means by a full id, a name, or a prefix of an id that fits one
   * container only, in this order. NOT_FOUND, or INVALID_ARGUMENT for a prefix that fits several.
   */
  public NamedContainer meant(String namespace, String ref) {
    return containers.resolve(namespace, ref);
  }

  /**
   * What another service tells, as it is told to clients: of a container, which that service knows
   * by the key of its snapshot alone, with its name, image and labels.
   */
  public RecentEvent completed(RecentEvent told) {
    if (!told.type().equals(RecentEvent.CONTAINER) || told.namespace().isEmpty()) {
      return told;
    }
    NamedContainer container = containers.find(new TaskKey(told.namespace(), told.actor()));
    return container == null
        ? told
        : ContainerChronicle.event(container, told.action(), told.attributes(), told.at());
  }

  /**
   * A container as it is at this moment.
   *
   * @param size whether the bytes of its own snapshot are asked of image-svc
   * @param mounts whether it is looked up what its start mounts
   */
  public ContainerStatus get(NamedContainer container, boolean size, boolean mounts) {
    ContainerStatus seen = view.of(container);
    ContainerStatus sized = size ? view.withSize(seen, view.sizes()) : seen;
    return mounts ? view.withMounts(sized) : sized;
  }

  /**
   * Which containers a list shows.
   *
   * @param all whether those are shown that do not run
   * @param filters {@code KEY=VALUE}
   * @param last how many of the newest, whether they run or not; 0 for no such limit
   * @param size whether the bytes of their own snapshots are asked of image-svc
   */
  public record Listing(boolean all, List<String> filters, int last, boolean size) {
    public Listing {
      filters = List.copyOf(filters);
    }
  }

  /** The containers of a namespace, the newest first. INVALID_ARGUMENT for an unknown filter. */
  public List<ContainerStatus> list(String namespace, Listing wish) {
    ContainerFilter wanted =
        ContainerFilter.listed(
            wish.filters(),
            ref -> containers.resolve(namespace, ref).described().createdAt(),
            clock.instant());
    boolean all = wish.all() || wish.last() > 0 || wanted.namesStates();
    List<ContainerStatus> result = new ArrayList<>();
    RootSizes sizes = view.sizes();
    for (NamedContainer container : containers.list(namespace)) {
      if (wish.last() > 0 && result.size() == wish.last()) {
        break;
      }
      ContainerStatus seen = view.of(container);
      if ((all || seen.state().isLively()) && wanted.matches(seen)) {
        result.add(wish.size() ? view.withSize(view.of(container), sizes) : seen);
      }
    }
    return result;
  }

  /** Which containers pruning removes. */
  ContainerFilter prunable(List<String> filters) {
    return ContainerFilter.pruned(filters, clock.instant());
  }

  /** The processes of a container that runs. */
  public List<ProcessUsage> processes(NamedContainer container) {
    Tasks.Glance glance = tasks.glance(container.key());
    if (glance == null || !glance.running()) {
      throw ContainerStops.notRunning("list processes of", container);
    }
    return tasks.pids(container.key()).stream()
        .map(ProcessUsage::of)
        .filter(Objects::nonNull)
        .toList();
  }

  /**
   * The same, as ps(1) shows them.
   *
   * @param options for ps; see {@link PsTable}
   */
  public PsTable processes(NamedContainer container, List<String> options)
      throws InterruptedException {
    Tasks.Glance glance = tasks.glance(container.key());
    if (glance == null || !glance.running()) {
      throw ContainerStops.notRunning("list processes of", container);
    }
    PsTable table =
        PsTable.of(
            options,
            tasks.pids(container.key()).stream()
                .map(CgroupProcess::pid)
                .collect(Collectors.toUnmodifiableSet()));
    surroundings.chronicle().tell(container, "top");
    return table;
  }

  /** What every line of a container's log carries besides its text. */
  public SortedMap<String, String> logDetails(NamedContainer container) {
    return LogDetails.of(container.described());
  }

  /** The kept output of a container. FAILED_PRECONDITION if its log driver keeps none. */
  public LogReader log(NamedContainer container, LogQuery query) {
    if (!LogDrivers.keepsFiles(container.described().host().log())) {
      throw new BerthException.FailedPrecondition(
          "logs of container `"
              + container.name()
              + "`: it was made with log driver none, which keeps no output; attach to it instead");
    }
    return new LogReader(
        Path.of(container.described().paths().log()), query, clock, Sleeper.SYSTEM);
  }

  /** Whether all output of the container's last run is in its log. */
  public boolean isLogComplete(NamedContainer container) {
    TaskKey key = container.key();
    Tasks.Glance glance = tasks.glance(key);
    return (glance == null || !glance.running()) && !tasks.isPresent(key);
  }

  /**
   * This service and its containers.
   *
   * @param config the instance's folders and names
   * @param running how many containers run or are about to run again
   * @param paused how many are paused
   * @param stopped how many do neither
   * @param isolation which containers share a shim process
   * @param cgroups the layout of the host's control groups: {@code v1}, {@code hybrid}, {@code v2}
   * @param shimProcesses how many processes with shims there are
   * @param overlayLayers how overlays are told their lower layers
   * @param appArmor what AppArmor does for containers
   * @param version of this program
   */
  public record Overview(
      Config config,
      int running,
      int paused,
      int stopped,
      String isolation,
      String cgroups,
      int shimProcesses,
      String overlayLayers,
      String appArmor,
      String version) {}

  /** An overview of one namespace, or of all for null. */
  public Overview overview(@Nullable String namespace) {
    int running = 0;
    int paused = 0;
    int stopped = 0;
    for (NamedContainer container : containers.list(namespace)) {
      switch (view.of(container).state()) {
        case RUNNING, RESTARTING -> running++;
        case PAUSED -> paused++;
        case CREATED, REMOVING, EXITED -> stopped++;
      }
    }
    Config config = surroundings.config();
    return new Overview(
        config,
        running,
        paused,
        stopped,
        config.text(Key.SHIM_ISOLATION),
        surroundings.hostFacts().cgroups().mode().text(),
        shimProcesses.count(),
        surroundings.overlays().answer().text(),
        surroundings.hostFacts().appArmor().text(),
        Program.VERSION);
  }
}
