package io.berth.image.api;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.containerd.events.ContentCreate;
import io.berth.api.containerd.events.ContentDelete;
import io.berth.api.containerd.events.SnapshotCommit;
import io.berth.api.containerd.events.SnapshotPrepare;
import io.berth.api.containerd.events.SnapshotRemove;
import io.berth.api.containerd.services.images.v1.ImageCreate;
import io.berth.api.containerd.services.images.v1.ImageDelete;
import io.berth.api.containerd.services.images.v1.ImageUpdate;
import io.berth.base.rpc.Anys;
import io.berth.image.event.EventCodec;
import io.berth.image.event.StoreEvent;
import jakarta.inject.Inject;

/** Translates events to messages: those that containerd's clients know, and our own. */
public final class StoreEventMessages implements EventCodec {
  @Inject
  public StoreEventMessages() {}

  @Override
  public Encoded encode(StoreEvent event) {
    Any any = Anys.pack(message(event));
    return new Encoded(any.getTypeUrl(), any.getValue().toByteArray());
  }

  private static Message message(StoreEvent event) {
    return switch (event) {
      case StoreEvent.Told e ->
          EngineEvent.newBuilder()
              .setType(e.type())
              .setAction(e.action())
              .setActorId(e.actor())
              .putAllAttributes(e.attributes())
              .build();
      case StoreEvent.ImageCreated e ->
          ImageCreate.newBuilder().setName(e.name()).putAllLabels(e.labels()).build();
      case StoreEvent.ImageUpdated e ->
          ImageUpdate.newBuilder().setName(e.name()).putAllLabels(e.labels()).build();
      case StoreEvent.ImageDeleted e -> ImageDelete.newBuilder().setName(e.name()).build();
      case StoreEvent.ContentCreated e ->
          ContentCreate.newBuilder().setDigest(e.digest()).setSize(e.size()).build();
      case StoreEvent.ContentDeleted e -> ContentDelete.newBuilder().setDigest(e.digest()).build();
      case StoreEvent.SnapshotPrepared e ->
          SnapshotPrepare.newBuilder()
              .setKey(e.key())
              .setParent(e.parent())
              .setSnapshotter(e.snapshotter())
              .build();
      case StoreEvent.SnapshotCommitted e ->
          SnapshotCommit.newBuilder()
              .setKey(e.key())
              .setName(e.name())
              .setSnapshotter(e.snapshotter())
              .build();
      case StoreEvent.SnapshotRemoved e ->
          SnapshotRemove.newBuilder().setKey(e.key()).setSnapshotter(e.snapshotter()).build();
    };
  }
}
