package io.berth.containerd.container;

import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.image.v1.MountsRequest;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.GetRequest;
import io.berth.api.berth.volume.v1.RemoveRequest;
import io.berth.api.berth.volume.v1.Source;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.UsageRequest;
import io.berth.base.layout.RootfsMount;
import io.berth.base.rpc.UnixChannel;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** What is asked of image-svc: root file systems and volumes. */
public final class ImageCalls {
  private static final String PROGRAM = "berth-image";
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration COPY_PATIENCE = Duration.ofMinutes(15);

  private final PeerService service;

  public ImageCalls(ManagedChannel channel, Path socket) {
    service = new PeerService(channel, socket, PROGRAM);
  }

  PeerService service() {
    return service;
  }

  private RootfsGrpc.RootfsBlockingStub rootfs(String namespace) {
    return UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), namespace, null)
        .withDeadlineAfter(PATIENCE);
  }

  /** Of an active snapshot. */
  List<RootfsMount> mounts(String namespace, String snapshotter, String key) {
    MountsRequest request =
        MountsRequest.newBuilder().setSnapshotter(snapshotter).setKey(key).build();
    return service.call(() -> rootfs(namespace).mounts(request)).getMountsList().stream()
        .map(mount ->
            new RootfsMount(
                mount.getType(), mount.getSource(), mount.getTarget(), mount.getOptionsList()))
        .toList();
  }

  /** Removes the snapshot; unknown is fine. */
  void remove(String namespace, String snapshotter, String key) {
    RemoveRootfsRequest request =
        RemoveRootfsRequest.newBuilder().setSnapshotter(snapshotter).setKey(key).build();
    var _ = service.call(() -> rootfs(namespace).remove(request));
  }

  /** A user as the root file system resolves it. */
  User user(String namespace, LookUpUserRequest request) {
    return service.call(() -> rootfs(namespace).lookUpUser(request)).getUser();
  }

  /** A volume by name, made if it is not there; with an empty name a new anonymous one. */
  Volume volume(String namespace, String name) {
    CreateRequest request = CreateRequest.newBuilder().setName(name).build();
    return service.call(() ->
        UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), namespace, null)
            .withDeadlineAfter(PATIENCE)
            .create(request));
  }

  /**
   * The same; if it is empty, it gets what a root file system has there.
   *
   * @param name empty for a new anonymous one
   */
  Volume volume(String namespace, String name, Source source) {
    CreateRequest request = CreateRequest.newBuilder().setName(name).setSource(source).build();
    return service.call(() ->
        UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), namespace, null)
            .withDeadlineAfter(COPY_PATIENCE)
            .create(request));
  }

  void removeVolume(String namespace, String name) {
    RemoveRequest request = RemoveRequest.newBuilder().setName(name).build();
    var _ =
        service.call(() ->
            UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), namespace, null)
                .withDeadlineAfter(PATIENCE)
                .remove(request));
  }

  /** Removes a volume that nobody named and nobody else uses; others are left. */
  void removeAnonymous(String namespace, String name) {
    GetRequest request = GetRequest.newBuilder().setName(name).build();
    Volume volume =
        service.call(() ->
            UnixChannel.in(VolumesGrpc.newBlockingStub(service.channel()), namespace, null)
                .withDeadlineAfter(PATIENCE)
                .get(request));
    if (volume.getAnonymous()) {
      removeVolume(namespace, name);
    }
  }

  /** Bytes of one snapshot, its parents not counted. */
  long size(String namespace, String snapshotter, String key) {
    UsageRequest request =
        UsageRequest.newBuilder().setSnapshotter(snapshotter).setKey(key).build();
    return service
        .call(() ->
            UnixChannel.in(SnapshotsGrpc.newBlockingStub(service.channel()), namespace, null)
                .withDeadlineAfter(PATIENCE)
                .usage(request))
        .getSize();
  }
}
