package io.berth.image.api;

import io.berth.api.containerd.services.diff.v1.ApplyRequest;
import io.berth.api.containerd.services.diff.v1.ApplyResponse;
import io.berth.api.containerd.services.diff.v1.DiffGrpc;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.image.diff.LayerReader;
import io.grpc.stub.StreamObserver;

/** {@code containerd.services.diff.v1.Diff}. */
public final class DiffEndpoint extends DiffGrpc.DiffImplBase {
  private final LayerReader reader;

  public DiffEndpoint(LayerReader reader) {
    this.reader = reader;
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
