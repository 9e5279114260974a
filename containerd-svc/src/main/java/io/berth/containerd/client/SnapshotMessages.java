package io.berth.containerd.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.containerd.services.snapshots.v1.Kind;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotResponse;
import io.berth.containerd.front.ForwardedMessages;
import jakarta.inject.Inject;
import org.jspecify.annotations.Nullable;

/** Reads the messages of image-svc's snapshots that pass through this service. */
public final class SnapshotMessages implements ForwardedMessages {
  @Inject
  SnapshotMessages() {}

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
