package io.berth.image;

import io.berth.base.config.Config;
import io.berth.base.daemon.Daemon;
import io.berth.base.io.SharedCounter;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.ClientBounds;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.ServiceHealth;
import io.berth.base.rpc.UnixServer;
import io.berth.image.api.ContainersOfNamespaces;
import io.berth.image.content.ContentStore;
import io.berth.image.content.IngestStore;
import io.berth.image.disk.TrashBin;
import io.berth.image.gc.Schedule;
import io.berth.image.library.Unpacker;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Settlement;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.volume.VolumeFilling;
import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/** The service between start and stop. */
@Singleton
public final class ImageDaemon implements Daemon {
  private static final Logger LOG = System.getLogger(ImageDaemon.class.getName());

  /**
   * The calls that read one record by its key. They are answered on the thread that reads the
   * socket.
   */
  private static final Set<String> QUICK =
      Set.of(
          "containerd.services.content.v1.Content/Info",
          "containerd.services.content.v1.Content/Read",
          "containerd.services.images.v1.Images/Get",
          "containerd.services.snapshots.v1.Snapshots/Mounts",
          "containerd.services.snapshots.v1.Snapshots/Stat",
          "grpc.health.v1.Health/Check");

  private final Config config;
  private final Metadata metadata;
  private final Stores stores;
  private final Schedule schedule;
  private final ContainersOfNamespaces containers;
  private final Set<BindableService> services;
  private final ServiceHealth health = new ServiceHealth();
  private final Deque<AutoCloseable> started = new ArrayDeque<>();

  /** What has to be started, in this order. */
  static final class Stores {
    private final TrashBin trash;
    private final ContentStore content;
    private final IngestStore ingests;
    private final Snapshots snapshots;
    private final Unpacker unpacker;
    private final VolumeFilling filling;
    private final Settlement settlement;

    @Inject
    Stores(
        TrashBin trash,
        ContentStore content,
        IngestStore ingests,
        Snapshots snapshots,
        Unpacker unpacker,
        VolumeFilling filling,
        Settlement settlement) {
      this.trash = trash;
      this.content = content;
      this.ingests = ingests;
      this.snapshots = snapshots;
      this.unpacker = unpacker;
      this.filling = filling;
      this.settlement = settlement;
    }
  }

  @Inject
  ImageDaemon(
      Config config,
      Metadata metadata,
      Stores stores,
      Schedule schedule,
      ContainersOfNamespaces containers,
      Set<BindableService> services) {
    this.schedule = schedule;
    this.containers = containers;
    this.config = config;
    this.metadata = metadata;
    this.stores = stores;
    this.services = services;
  }

  @Override
  public void start() throws IOException {
    boolean done = false;
    try {
      tellOfOverlays();
      openStores();
      serve();
      done = true;
    } finally {
      if (!done) {
        stop();
      }
    }
    health.warmed();
  }

  // Said before anything is unpacked: the first run would fail, or copy where nobody expects it.
  private void tellOfOverlays() {
    String problem = config.overlays().answer().problem();
    if (!problem.isEmpty()) {
      LOG.log(
          Level.WARNING,
          "`{0}` cannot hold overlays ({1}): new root file systems are those of the snapshotter"
              + " `{2}` (key `image.snapshotter`); choose a `root` on ext4, xfs or btrfs for"
              + " overlays",
          config.root(),
          problem,
          config.snapshotter());
    }
  }

  private void openStores() throws IOException {
    metadata.start();
    started.push(metadata);
    for (Metadata.Subject subject : Metadata.Subject.values()) {
      SharedCounter changes = SharedCounter.open(counter(subject));
      // What others remember of an earlier process of this service may be wrong by now.
      changes.increase();
      metadata.onChange(subject, changes::increase);
    }
    stores.trash.start();
    started.push(stores.trash);
    stores.content.start();
    stores.ingests.start();
    stores.snapshots.start();
    stores.unpacker.start();
    stores.filling.start();
    stores.settlement.start();
    started.push(stores.settlement);
    started.push(containers);
    schedule.start();
    started.push(schedule);
  }

  private Path counter(Metadata.Subject subject) {
    StateFolders state = new StateFolders(config.state());
    return switch (subject) {
      case NAMES -> state.imageChanges();
      case SNAPSHOTS -> state.snapshotChanges();
      case LAYERS -> state.layerChanges();
    };
  }

  private void serve() throws IOException {
    EventLoops loops = new EventLoops(1);
    started.push(loops);
    List<ServerServiceDefinition> definitions = new ArrayList<>();
    services.forEach(service -> definitions.add(service.bindService()));
    health.services().forEach(service -> definitions.add(service.bindService()));
    started.push(
        UnixServer.start(
            loops,
            UnixServer.Options.of(config.socket("image"), definitions)
                .withQuick(QUICK)
                .withBounds(ClientBounds.of(config).forServices()),
            List.of()));
  }

  @Override
  public void stop() {
    health.stopping();
    while (!started.isEmpty()) {
      AutoCloseable last = started.pop();
      try {
        last.close();
      } catch (Exception e) {
        LOG.log(Level.WARNING, "stop " + last.getClass().getSimpleName(), e);
      }
    }
  }
}
