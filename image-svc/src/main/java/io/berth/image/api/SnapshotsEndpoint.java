package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.snapshots.v1.CleanupRequest;
import io.berth.api.containerd.services.snapshots.v1.CommitSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.Info;
import io.berth.api.containerd.services.snapshots.v1.Kind;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsResponse;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.MountsResponse;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotResponse;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotResponse;
import io.berth.api.containerd.services.snapshots.v1.UpdateSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.UpdateSnapshotResponse;
import io.berth.api.containerd.services.snapshots.v1.UsageRequest;
import io.berth.api.containerd.services.snapshots.v1.UsageResponse;
import io.berth.api.containerd.services.snapshots.v1.ViewSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.ViewSnapshotResponse;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.image.disk.DiskUsage;
import io.berth.image.gc.Schedule;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Settlement;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;

/** {@code containerd.services.snapshots.v1.Snapshots}. */
@Singleton
public final class SnapshotsEndpoint extends SnapshotsGrpc.SnapshotsImplBase {
  private static final int PAGE = 100;

  private final Snapshots snapshots;
  private final Settlement settlement;
  private final Schedule collector;

  @Inject
  public SnapshotsEndpoint(Snapshots snapshots, Settlement settlement, Schedule collector) {
    this.snapshots = snapshots;
    this.settlement = settlement;
    this.collector = collector;
  }

  private static Snapshots.Key key(String snapshotter, String key) {
    return new Snapshots.Key(CallContext.namespace(), snapshotter, key);
  }

  @Override
  public void prepare(
      PrepareSnapshotRequest request, StreamObserver<PrepareSnapshotResponse> responses) {
    Calls.answer(
        responses,
        () ->
            PrepareSnapshotResponse.newBuilder()
                .addMounts(
                    Wire.mount(
                        snapshots.prepare(
                            key(request.getSnapshotter(), request.getKey()),
                            request.getParent(),
                            request.getLabelsMap(),
                            CallContext.lease())))
                .build());
  }

  @Override
  public void view(ViewSnapshotRequest request, StreamObserver<ViewSnapshotResponse> responses) {
    Calls.answer(
        responses,
        () ->
            ViewSnapshotResponse.newBuilder()
                .addMounts(
                    Wire.mount(
                        snapshots.view(
                            key(request.getSnapshotter(), request.getKey()),
                            request.getParent(),
                            request.getLabelsMap(),
                            CallContext.lease())))
                .build());
  }

  @Override
  public void mounts(MountsRequest request, StreamObserver<MountsResponse> responses) {
    Calls.answer(
        responses,
        () ->
            MountsResponse.newBuilder()
                .addMounts(
                    Wire.mount(snapshots.mounts(key(request.getSnapshotter(), request.getKey()))))
                .build());
  }

  @Override
  public void commit(CommitSnapshotRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          // The files can be unpacked again from content that is on the disk, so the sync follows
          // behind the answer.
          snapshots.commit(
              key(request.getSnapshotter(), request.getKey()),
              request.getName(),
              request.getParent(),
              request.getLabelsMap(),
              CallContext.lease(),
              Metadata.Durability.LAZY);
          settlement.request();
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void remove(RemoveSnapshotRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          snapshots.remove(
              key(request.getSnapshotter(), request.getKey()),
              CallContext.lease(),
              Metadata.Durability.DURABLE);
          collector.collect(/* wait= */ false);
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void stat(StatSnapshotRequest request, StreamObserver<StatSnapshotResponse> responses) {
    Calls.answer(
        responses,
        () ->
            StatSnapshotResponse.newBuilder()
                .setInfo(message(snapshots.stat(key(request.getSnapshotter(), request.getKey()))))
                .build());
  }

  @Override
  public void update(
      UpdateSnapshotRequest request, StreamObserver<UpdateSnapshotResponse> responses) {
    Calls.answer(
        responses,
        () ->
            UpdateSnapshotResponse.newBuilder()
                .setInfo(
                    message(
                        snapshots.update(
                            key(request.getSnapshotter(), request.getInfo().getName()),
                            request.getInfo().getLabelsMap(),
                            request.getUpdateMask().getPathsList())))
                .build());
  }

  @Override
  public void list(ListSnapshotsRequest request, StreamObserver<ListSnapshotsResponse> responses) {
    List<SnapshotInfo> all =
        snapshots.list(
            CallContext.namespace(), request.getSnapshotter(), Filter.of(request.getFiltersList()));
    BlockingSender.run(
        responses,
        sender -> {
          for (int at = 0; at < all.size(); at += PAGE) {
            ListSnapshotsResponse.Builder page = ListSnapshotsResponse.newBuilder();
            all.subList(at, Math.min(all.size(), at + PAGE))
                .forEach(info -> page.addInfo(message(info)));
            sender.send(page.build());
          }
        });
  }

  @Override
  public void usage(UsageRequest request, StreamObserver<UsageResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          DiskUsage usage = snapshots.usage(key(request.getSnapshotter(), request.getKey()));
          return UsageResponse.newBuilder()
              .setSize(usage.bytes())
              .setInodes(usage.inodes())
              .build();
        });
  }

  @Override
  public void cleanup(CleanupRequest request, StreamObserver<Empty> responses) {
    throw new BerthException.NotImplemented("snapshotter does not implement Cleanup method");
  }

  private static Info message(SnapshotInfo info) {
    return Info.newBuilder()
        .setName(info.key())
        .setParent(info.parent())
        .setKind(
            switch (info.kind()) {
              case VIEW -> Kind.VIEW;
              case ACTIVE -> Kind.ACTIVE;
              case COMMITTED -> Kind.COMMITTED;
            })
        .setCreatedAt(Timestamps.of(info.created()))
        .setUpdatedAt(Timestamps.of(info.updated()))
        .putAllLabels(info.labels())
        .build();
  }
}
