package io.berth.image.api;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import io.berth.api.containerd.events.ContentCreate;
import io.berth.api.containerd.events.ContentDelete;
import io.berth.api.containerd.events.SnapshotCommit;
import io.berth.api.containerd.events.SnapshotPrepare;
import io.berth.api.containerd.events.SnapshotRemove;
import io.berth.api.containerd.services.images.v1.ImageCreate;
import io.berth.api.containerd.services.images.v1.ImageDelete;
import io.berth.api.containerd.services.images.v1.ImageUpdate;
import io.berth.base.rpc.Anys;
import io.berth.image.event.Event;
import io.berth.image.event.EventCodec;
import jakarta.inject.Inject;

/** Translates events to the messages that containerd's clients know. */
public final class EventMessages implements EventCodec {
  @Inject
  public EventMessages() {}

  @Override
  public Encoded encode(Event event) {
    Any any = Anys.pack(message(event));
    return new Encoded(any.getTypeUrl(), any.getValue().toByteArray());
  }

  private static Message message(Event event) {
    return switch (event) {
      case Event.ImageCreated e ->
          ImageCreate.newBuilder().setName(e.name()).putAllLabels(e.labels()).build();
      case Event.ImageUpdated e ->
          ImageUpdate.newBuilder().setName(e.name()).putAllLabels(e.labels()).build();
      case Event.ImageDeleted e -> ImageDelete.newBuilder().setName(e.name()).build();
      case Event.ContentCreated e ->
          ContentCreate.newBuilder().setDigest(e.digest()).setSize(e.size()).build();
      case Event.ContentDeleted e -> ContentDelete.newBuilder().setDigest(e.digest()).build();
      case Event.SnapshotPrepared e ->
          SnapshotPrepare.newBuilder()
              .setKey(e.key())
              .setParent(e.parent())
              .setSnapshotter(e.snapshotter())
              .build();
      case Event.SnapshotCommitted e ->
          SnapshotCommit.newBuilder()
              .setKey(e.key())
              .setName(e.name())
              .setSnapshotter(e.snapshotter())
              .build();
      case Event.SnapshotRemoved e ->
          SnapshotRemove.newBuilder().setKey(e.key()).setSnapshotter(e.snapshotter()).build();
    };
  }
}
