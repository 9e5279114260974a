package io.berth.containerd.client;

import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.DeleteContentRequest;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.WriteAction;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.berth.api.containerd.services.content.v1.WriteContentResponse;
import io.berth.api.containerd.services.images.v1.CreateImageRequest;
import io.berth.api.containerd.services.images.v1.DeleteImageRequest;
import io.berth.api.containerd.services.images.v1.GetImageRequest;
import io.berth.api.containerd.services.images.v1.Image;
import io.berth.api.containerd.services.namespaces.v1.GetNamespaceRequest;
import io.berth.api.containerd.services.snapshots.v1.CommitSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotRequest;
import io.berth.api.containerd.types.Descriptor;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.rpc.UnixChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The image that all containers of the warm-up are made from: it has no layers, so the snapshot
 * from which theirs are prepared is empty.
 */
final class WarmUpImage {
  static final String NAME = "warm-up";
  static final String SNAPSHOTTER = "overlayfs";

  /** The snapshot from which each container's is prepared. */
  static final String BASE = "base";

  private static final String MEDIA_TYPE = "application/vnd.oci.image.config.v1+json";

  private final WarmUpServices services;
  private final ByteString content =
      ByteString.copyFromUtf8("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}");
  private final String digest = sha256(content);

  WarmUpImage(WarmUpServices services) {
    this.services = services;
  }

  private static String sha256(ByteString bytes) {
    try {
      byte[] sum = MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
      return "sha256:" + HexFormat.of().formatHex(sum);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** Makes the image, its content and the snapshot. */
  void prepare() {
    write();
    var _ =
        services
            .images()
            .create(
                CreateImageRequest.newBuilder()
                    .setImage(
                        Image.newBuilder()
                            .setName(NAME)
                            .setTarget(
                                Descriptor.newBuilder()
                                    .setMediaType(MEDIA_TYPE)
                                    .setDigest(digest)
                                    .setSize(content.size())))
                    .build());
    Map<String, String> root = Map.of("containerd.io/gc.root", "warm-up");
    var _ =
        services
            .snapshots()
            .prepare(
                PrepareSnapshotRequest.newBuilder()
                    .setSnapshotter(SNAPSHOTTER)
                    .setKey(BASE + "-active")
                    .putAllLabels(root)
                    .build());
    var _ =
        services
            .snapshots()
            .commit(
                CommitSnapshotRequest.newBuilder()
                    .setSnapshotter(SNAPSHOTTER)
                    .setName(BASE)
                    .setKey(BASE + "-active")
                    .putAllLabels(root)
                    .build());
  }

  private void write() {
    CompletableFuture<Void> written = new CompletableFuture<>();
    StreamObserver<WriteContentRequest> requests =
        UnixChannel.in(ContentGrpc.newStub(services.channel()), Identifier.WARM_UP_NAMESPACE, null)
            .write(
                new StreamObserver<>() {
                  @Override
                  public void onNext(WriteContentResponse response) {
                    // Only the end counts.
                  }

                  @Override
                  public void onError(Throwable failure) {
                    boolean there =
                        Status.fromThrowable(failure).getCode() == Status.Code.ALREADY_EXISTS;
                    if (there) {
                      written.complete(null);
                    } else {
                      written.completeExceptionally(failure);
                    }
                  }

                  @Override
                  public void onCompleted() {
                    written.complete(null);
                  }
                });
    requests.onNext(
        WriteContentRequest.newBuilder()
            .setAction(WriteAction.COMMIT)
            .setRef("warm-up")
            .setTotal(content.size())
            .setExpected(digest)
            .setData(content)
            .putLabels("containerd.io/gc.root", "warm-up")
            .build());
    requests.onCompleted();
    try {
      written.get(WarmUpServices.PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("write: interrupted", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new BerthException.Unavailable("write `" + digest + "`: " + e.getMessage(), e);
    }
  }

  /** As clients do before they take an image. */
  void look() {
    var _ = services.images().get(GetImageRequest.newBuilder().setName(NAME).build());
    for (int i = 0; i < 4; i++) {
      var _ = services.content().info(InfoRequest.newBuilder().setDigest(digest).build());
      Iterator<?> parts =
          services
              .content()
              .read(
                  ReadContentRequest.newBuilder()
                      .setDigest(digest)
                      .setSize(content.size())
                      .build());
      while (parts.hasNext()) {
        var _ = parts.next();
      }
    }
  }

  /** As clients do before they unpack an image. */
  void lookForLayers() {
    var _ =
        services
            .namespaces()
            .get(GetNamespaceRequest.newBuilder().setName(Identifier.WARM_UP_NAMESPACE).build());
    var _ =
        services
            .snapshots()
            .stat(
                StatSnapshotRequest.newBuilder().setSnapshotter(SNAPSHOTTER).setKey(BASE).build());
  }

  /** Removes all snapshots of the namespace, and the image. */
  void clear() {
    List<String> keys = new ArrayList<>();
    services
        .snapshots()
        .list(ListSnapshotsRequest.newBuilder().setSnapshotter(SNAPSHOTTER).build())
        .forEachRemaining(page -> page.getInfoList().forEach(info -> keys.add(info.getName())));
    keys.remove(BASE);
    keys.addLast(BASE);
    for (String key : keys) {
      WarmUpServices.unlessAbsent(() ->
          services
              .snapshots()
              .remove(
                  RemoveSnapshotRequest.newBuilder()
                      .setSnapshotter(SNAPSHOTTER)
                      .setKey(key)
                      .build()));
    }
    WarmUpServices.unlessAbsent(
        () -> services.images().delete(DeleteImageRequest.newBuilder().setName(NAME).build()));
    WarmUpServices.unlessAbsent(() ->
        services.content().delete(DeleteContentRequest.newBuilder().setDigest(digest).build()));
  }
}
