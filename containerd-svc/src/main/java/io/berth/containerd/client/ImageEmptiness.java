package io.berth.containerd.client;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.ListContentRequest;
import io.berth.api.containerd.services.images.v1.ImagesGrpc;
import io.berth.api.containerd.services.images.v1.ListImagesRequest;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.metadata.Emptiness;
import io.grpc.Channel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Asks image-svc what it has in namespaces, by the calls that every client may use. */
public final class ImageEmptiness implements Emptiness {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Who lists namespaces is not held up by a service that hangs. */
  private static final Duration LIST_PATIENCE = Duration.ofSeconds(2);

  private final Channel channel;
  private final Path socket;

  public ImageEmptiness(Channel channel, Path socket) {
    this.channel = channel;
    this.socket = socket;
  }

  @Override
  public List<String> remaining(String namespace) {
    List<String> result = new ArrayList<>();
    Calls.call(
        socket,
        "berth-image",
        () -> {
          if (UnixChannel.in(ImagesGrpc.newBlockingStub(channel), namespace, null)
                  .withDeadlineAfter(PATIENCE)
                  .list(ListImagesRequest.getDefaultInstance())
                  .getImagesCount()
              > 0) {
            result.add("images");
          }
          // A stream that lists nothing ends without a message.
          if (UnixChannel.in(ContentGrpc.newBlockingStub(channel), namespace, null)
              .withDeadlineAfter(PATIENCE)
              .list(ListContentRequest.getDefaultInstance())
              .hasNext()) {
            result.add("blobs");
          }
          for (String snapshotter : List.of("overlayfs", "native")) {
            ListSnapshotsRequest request =
                ListSnapshotsRequest.newBuilder().setSnapshotter(snapshotter).build();
            if (UnixChannel.in(SnapshotsGrpc.newBlockingStub(channel), namespace, null)
                .withDeadlineAfter(PATIENCE)
                .list(request)
                .hasNext()) {
              result.add("snapshots on \"" + snapshotter + "\" snapshotter");
            }
          }
          return result;
        });
    return result;
  }

  @Override
  public List<String> occupied() {
    return Calls.call(
        socket,
        "berth-image",
        () ->
            io.berth.api.berth.image.v1.ImagesGrpc.newBlockingStub(channel)
                .withDeadlineAfter(LIST_PATIENCE)
                .namespaces(Empty.getDefaultInstance())
                .getNamespacesList());
  }
}
