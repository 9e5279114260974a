package io.berth.containerd.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.berth.api.berth.image.v1.BeginRequest;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.image.v1.MountsRequest;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PrepareResponse;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.ListRequest;
import io.berth.api.berth.volume.v1.MountRequest;
import io.berth.api.berth.volume.v1.ReleaseRequest;
import io.berth.api.berth.volume.v1.Source;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.UsageRequest;
import io.berth.api.containerd.types.Mount;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootfsMount;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.api.message.HostMessages;
import io.berth.containerd.settings.FromImage;
import io.berth.containerd.settings.ImageSettings;
import io.berth.containerd.settings.ResolvedUser;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.oci.runtime.RuntimeSpec;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The calls to image-svc: root file systems and volumes. Each blocks until image-svc has answered
 * and throws {@code BerthException.Absent} where image-svc does not. Thread-safe.
 */
public final class ImageCalls {
  /** The life of this process, in which nothing goes on that another one has begun. */
  private static final String LIFE = UUID.randomUUID().toString();

  private static final String PROGRAM = "berth-image";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** What is copied into a new volume, or unpacked of an image, may be large. */
  private static final Duration COPY_PATIENCE = Duration.ofMinutes(15);

  /** A container that is run is started right after its snapshot was prepared. */
  private static final Duration FRESH = Duration.ofSeconds(10);

  private static final int MOST_FRESH = 100;

  private final PeerService service;

  /** How snapshots are mounted that were prepared just now; each is taken once. */
  private final Cache<String, List<RootfsMount>> fresh =
      Caffeine.newBuilder().maximumSize(MOST_FRESH).expireAfterWrite(FRESH).build();

  /** Calls over this channel; the socket's path is for what is told of a failure. */
  public ImageCalls(ManagedChannel channel, Path socket) {
    service = new PeerService(channel, socket, PROGRAM);
  }

  /**
   * A volume as image-svc knows it.
   *
   * @param name the volume's, also of one that nobody named
   * @param folder its files on the host
   */
  public record Volume(String name, Path folder) {}

  /** The service behind these calls, to be waited for. */
  public PeerService service() {
    return service;
  }

  private RootfsGrpc.RootfsBlockingStub rootfs(String namespace) {
    return rootfs(namespace, PATIENCE);
  }

  private RootfsGrpc.RootfsBlockingStub rootfs(String namespace, Duration patience) {
    return UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), namespace, null)
        .withDeadlineAfter(patience);
  }

  private VolumesGrpc.VolumesBlockingStub volumes(String namespace, Duration patience) {
    return UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), namespace, null)
        .withDeadlineAfter(patience);
  }

  /**
   * A wish for a user, as people write it.
   *
   * @param user {@code USER} or {@code USER:GROUP}; empty for the image's, and where no image is
   *     asked, for the superuser
   * @param groups further groups, names or numbers
   */
  public record UserWish(String user, List<String> groups) {
    public UserWish {
      groups = List.copyOf(groups);
    }
  }

  /**
   * A root file system that was prepared on an image.
   *
   * @param image the name that was meant, or the image's first one; empty without a name
   * @param settings what the image says
   * @param root the snapshot
   * @param user who runs; null where that was not asked for
   * @param warnings for the person, a line each
   */
  public record Prepared(
      String image,
      ImageSettings settings,
      RootFilesystem root,
      @Nullable ResolvedUser user,
      List<String> warnings) {
    public Prepared {
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * Prepares a snapshot on an image, which is unpacked if need be. image-svc keeps the snapshot for
   * a while without a container, so that this service may die before it has recorded one.
   *
   * @param key the container's; its id becomes the snapshot's key
   * @param runs who runs by the image's files; null if these do not tell it
   * @param ephemeral whether the container removes itself
   * @throws BerthException.NotFound with {@code IMAGE_NOT_FOUND} if the image is not here
   */
  public Prepared prepare(
      TaskKey key, FromImage image, @Nullable UserWish runs, boolean ephemeral) {
    PrepareRequest.Builder request =
        PrepareRequest.newBuilder()
            .setRef(image.ref())
            .setPlatform(image.platform())
            .setKey(key.id())
            .setEphemeral(ephemeral)
            .setWithoutUser(runs == null)
            .setLife(LIFE);
    if (runs != null) {
      request.setUser(runs.user).addAllGroups(runs.groups);
    }
    PrepareResponse prepared =
        service.call(() -> rootfs(key.namespace(), COPY_PATIENCE).prepare(request.build()));
    if (prepared.getMountsCount() > 0) {
      fresh.put(
          place(key.namespace(), prepared.getSnapshotter(), key.id()),
          read(prepared.getMountsList()));
    }
    Image found = prepared.getImage();
    return new Prepared(
        prepared.getName(),
        ConfigMessages.read(found.getConfig().toBuilder().setId(found.getId()).build()),
        new RootFilesystem(prepared.getSnapshotter(), key.id(), ""),
        prepared.hasUser() ? ConfigMessages.read(prepared.getUser()) : null,
        prepared.getWarningsList());
  }

  /** How an active snapshot is mounted. Of one that was prepared just now it is known already. */
  public List<RootfsMount> mounts(String namespace, RootFilesystem root) {
    List<RootfsMount> known =
        fresh.asMap().remove(place(namespace, root.snapshotter(), root.snapshotKey()));
    if (known != null) {
      return known;
    }
    MountsRequest request =
        MountsRequest.newBuilder()
            .setSnapshotter(root.snapshotter())
            .setKey(root.snapshotKey())
            .build();
    return read(service.call(() -> rootfs(namespace).mounts(request)).getMountsList());
  }

  private static String place(String namespace, String snapshotter, String key) {
    return namespace + "/" + snapshotter + "/" + key;
  }

  private static List<RootfsMount> read(List<Mount> mounts) {
    return mounts.stream()
        .map(mount ->
            new RootfsMount(
                mount.getType(), mount.getSource(), mount.getTarget(), mount.getOptionsList()))
        .toList();
  }

  /**
   * Removes a snapshot; one that is unknown is as good as removed.
   *
   * @param root without the name of a snapshotter: image-svc's own
   */
  public void remove(String namespace, RootFilesystem root) {
    fresh.invalidate(place(namespace, root.snapshotter(), root.snapshotKey()));
    RemoveRootfsRequest request =
        RemoveRootfsRequest.newBuilder()
            .setSnapshotter(root.snapshotter())
            .setKey(root.snapshotKey())
            .build();
    var _ = service.call(() -> rootfs(namespace).remove(request));
  }

  /**
   * A user as a root file system resolves it (passwd(5), group(5)).
   *
   * @param mounts those that lie over the files that list users
   */
  public ResolvedUser user(
      String namespace, RootFilesystem root, List<RuntimeSpec.Mount> mounts, UserWish wish) {
    LookUpUserRequest.Builder request =
        LookUpUserRequest.newBuilder()
            .setSnapshotter(root.snapshotter())
            .setKey(root.snapshotKey())
            .setRootfs(root.folder())
            .setUser(wish.user)
            .addAllGroups(wish.groups);
    mounts.forEach(mount -> request.addMounts(HostMessages.write(mount)));
    return ConfigMessages.read(
        service.call(() -> rootfs(namespace, COPY_PATIENCE).lookUpUser(request.build())).getUser());
  }

  /** Gives up what earlier lives of this process have prepared and not recorded. */
  public void begin() {
    BeginRequest request = BeginRequest.newBuilder().setLife(LIFE).build();
    var _ =
        service.call(() ->
            RootfsGrpc.newBlockingStub(service.channel())
                .withDeadlineAfter(PATIENCE)
                .begin(request));
  }

  /**
   * A volume by its name, made if it is not there.
   *
   * @param named whether a person named it
   */
  public Volume volume(String namespace, String name, boolean named) {
    CreateRequest request = CreateRequest.newBuilder().setName(name).setAnonymous(!named).build();
    return volume(service.call(() -> volumes(namespace, PATIENCE).create(request)));
  }

  /** The same; a volume that is empty gets a copy of what a root file system has at a path. */
  public Volume volume(
      String namespace, String name, boolean named, RootFilesystem root, String path) {
    CreateRequest request =
        CreateRequest.newBuilder()
            .setName(name)
            .setAnonymous(!named)
            .setSource(
                Source.newBuilder()
                    .setSnapshotter(root.snapshotter())
                    .setSnapshotKey(root.snapshotKey())
                    .setRootfs(root.folder())
                    .setPath(path))
            .build();
    return volume(service.call(() -> volumes(namespace, COPY_PATIENCE).create(request)));
  }

  private static Volume volume(io.berth.api.berth.volume.v1.Volume message) {
    return new Volume(message.getName(), Path.of(message.getPath()));
  }

  /**
   * Mounts what a volume was made with over its folder; false for a volume that is a folder.
   * Repeating it changes nothing.
   */
  public boolean mountVolume(String name) {
    return service.call(() -> everywhere().mount(named(name))).getMounted();
  }

  /** Takes the mount of a volume away that no container uses while it runs. */
  public void unmountVolume(String name) {
    var _ = service.call(() -> everywhere().unmount(named(name)));
  }

  /** The names of the volumes over whose folders something is mounted. */
  public List<String> mountedVolumes() {
    return service
        .call(() -> everywhere().list(ListRequest.getDefaultInstance()))
        .getVolumesList()
        .stream()
        .filter(io.berth.api.berth.volume.v1.Volume::getMounted)
        .map(io.berth.api.berth.volume.v1.Volume::getName)
        .toList();
  }

  private static MountRequest named(String name) {
    return MountRequest.newBuilder().setName(name).build();
  }

  // Volumes belong to no namespace.
  private VolumesGrpc.VolumesBlockingStub everywhere() {
    return VolumesGrpc.newBlockingStub(service.channel()).withDeadlineAfter(PATIENCE);
  }

  /** A container gives up a volume: it goes if nobody named it and no other container uses it. */
  public void releaseVolume(TaskKey container, String name) {
    ReleaseRequest request =
        ReleaseRequest.newBuilder().setName(name).setContainer(container.id()).build();
    var _ = service.call(() -> volumes(container.namespace(), PATIENCE).release(request));
  }

  /**
   * The bytes of a root file system.
   *
   * @param own those of its own snapshot
   * @param whole those of the snapshots that it stands on as well
   */
  public record Sizes(long own, long whole) {
    /** Of what there is not, or was not asked for. */
    public static final Sizes NONE = new Sizes(0, 0);
  }

  /** The bytes of root file systems, for one request. */
  public RootSizes sizes() {
    return new RootSizes((namespace, snapshotter, key) ->
        new RootSizes.Layer(
            size(namespace, snapshotter, key), parent(namespace, snapshotter, key)));
  }

  /** The bytes of a root's own snapshot. */
  public long ownSize(String namespace, RootFilesystem root) {
    return size(namespace, root.snapshotter(), root.snapshotKey());
  }

  private long size(String namespace, String snapshotter, String key) {
    UsageRequest request =
        UsageRequest.newBuilder().setSnapshotter(snapshotter).setKey(key).build();
    return service.call(() -> snapshots(namespace).usage(request)).getSize();
  }

  private String parent(String namespace, String snapshotter, String key) {
    StatSnapshotRequest request =
        StatSnapshotRequest.newBuilder().setSnapshotter(snapshotter).setKey(key).build();
    return service.call(() -> snapshots(namespace).stat(request)).getInfo().getParent();
  }

  private SnapshotsGrpc.SnapshotsBlockingStub snapshots(String namespace) {
    return UnixChannel.in(SnapshotsGrpc.newBlockingStub(service.channel()), namespace, null)
        .withDeadlineAfter(PATIENCE);
  }
}
