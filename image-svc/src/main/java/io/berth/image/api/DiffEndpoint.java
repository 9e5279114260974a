package io.berth.image.api;

import io.berth.api.containerd.services.diff.v1.ApplyRequest;
import io.berth.api.containerd.services.diff.v1.ApplyResponse;
import io.berth.api.containerd.services.diff.v1.DiffGrpc;
import io.berth.api.containerd.services.diff.v1.DiffRequest;
import io.berth.api.containerd.services.diff.v1.DiffResponse;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.diff.LayerReader;
import io.berth.image.diff.LayerWriter;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** {@code containerd.services.diff.v1.Diff}. */
@Singleton
public final class DiffEndpoint extends DiffGrpc.DiffImplBase {
  private final LayerReader reader;
  private final LayerWriter writer;

  @Inject
  public DiffEndpoint(LayerReader reader, LayerWriter writer) {
    this.reader = reader;
    this.writer = writer;
  }

  @Override
  public void diff(DiffRequest request, StreamObserver<DiffResponse> responses) {
    Calls.answer(
        responses,
        () ->
            DiffResponse.newBuilder()
                .setDiff(
                    Wire.descriptor(
                        writer
                            .diff(
                                Wire.mounts(request.getLeftList()),
                                Wire.mounts(request.getRightList()),
                                new LayerWriter.Target(
                                    CallContext.namespace(),
                                    CallContext.lease(),
                                    request.getMediaType(),
                                    request.getRef(),
                                    request.getLabelsMap()))
                            .descriptor()))
                .build());
  }

  @Override
  public void apply(ApplyRequest request, StreamObserver<ApplyResponse> responses) {
    Calls.answer(
        responses,
        () ->
            ApplyResponse.newBuilder()
                .setApplied(
                    Wire.descriptor(
                        reader.apply(
                            CallContext.namespace(),
                            Wire.descriptor(request.getDiff()),
                            Wire.mounts(request.getMountsList()))))
                .build());
  }
}
