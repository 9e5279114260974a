package io.berth.containerd.api;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecord.Rootfs;
import io.berth.containerd.metadata.ContainerRecord.Runtime;
import io.berth.containerd.metadata.ContainerRecord.Times;
import io.berth.containerd.metadata.RecordCodec;
import jakarta.inject.Inject;

/**
 * A container's record as a message of the wire. The database keeps records as such messages too,
 * which old and new builds can read alike.
 */
public final class ContainerMessages implements RecordCodec {
  @Inject
  ContainerMessages() {}

  @Override
  public byte[] encode(ContainerRecord container) {
    return message(container).toByteArray();
  }

  @Override
  public ContainerRecord decode(byte[] stored) {
    try {
      return record(Container.parseFrom(stored));
    } catch (InvalidProtocolBufferException e) {
      throw new BerthException.DataLoss("read a stored container: " + e.getMessage(), e);
    }
  }

  /** For a client, or for the database. */
  static Container message(ContainerRecord record) {
    Container.Runtime.Builder runtime =
        Container.Runtime.newBuilder().setName(record.runtime().name());
    if (!record.runtime().options().equals(Any.getDefaultInstance())) {
      runtime.setOptions(record.runtime().options());
    }
    Container.Builder result =
        Container.newBuilder()
            .setId(record.id())
            .putAllLabels(record.labels())
            .setImage(record.image())
            .setRuntime(runtime)
            .setSnapshotter(record.rootfs().snapshotter())
            .setSnapshotKey(record.rootfs().key())
            .setCreatedAt(Timestamps.of(record.times().created()))
            .setUpdatedAt(Timestamps.of(record.times().updated()))
            .putAllExtensions(record.extensions())
            .setSandbox(record.sandbox());
    if (record.hasSpec()) {
      result.setSpec(record.spec());
    }
    return result.build();
  }

  /** As a client sent it, or as it was stored. */
  static ContainerRecord record(Container message) {
    return new ContainerRecord(
        message.getId(),
        message.getLabelsMap(),
        message.getImage(),
        new Runtime(message.getRuntime().getName(), message.getRuntime().getOptions()),
        message.getSpec(),
        new Rootfs(message.getSnapshotter(), message.getSnapshotKey()),
        message.getExtensionsMap(),
        message.getSandbox(),
        new Times(
            Timestamps.instant(message.getCreatedAt()),
            Timestamps.instant(message.getUpdatedAt())));
  }
}
