package io.berth.containerd.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.diff.v1.DiffGrpc;
import io.berth.api.containerd.services.images.v1.ImagesGrpc;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.snapshots.v1.Kind;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotResponse;
import io.berth.containerd.front.ForwardedMessages;
import io.grpc.ServiceDescriptor;
import jakarta.inject.Inject;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What this service knows of the services of image-svc that pass through it. */
public final class ForwardedProtocol implements ForwardedMessages {
  @Inject
  ForwardedProtocol() {}

  @Override
  public List<ServiceDescriptor> services() {
    return List.of(
        ContentGrpc.getServiceDescriptor(),
        DiffGrpc.getServiceDescriptor(),
        ImagesGrpc.getServiceDescriptor(),
        LeasesGrpc.getServiceDescriptor(),
        SnapshotsGrpc.getServiceDescriptor());
  }

  @Override
  public boolean isOfLayer(byte[] statAnswer) {
    try {
      return StatSnapshotResponse.parseFrom(statAnswer).getInfo().getKind() == Kind.COMMITTED;
    } catch (InvalidProtocolBufferException e) {
      return false;
    }
  }

  @Override
  public @Nullable ByteString mountsOfPrepared(ByteString prepareRequest) {
    try {
      var request = PrepareSnapshotRequest.parseFrom(prepareRequest);
      return MountsRequest.newBuilder()
          .setSnapshotter(request.getSnapshotter())
          .setKey(request.getKey())
          .build()
          .toByteString();
    } catch (InvalidProtocolBufferException e) {
      // image-svc gets the same bytes and tells the client.
      return null;
    }
  }
}
