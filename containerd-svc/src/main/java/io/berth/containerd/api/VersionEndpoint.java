package io.berth.containerd.api;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.api.containerd.services.version.v1.VersionResponse;
import io.berth.base.daemon.Program;
import io.berth.base.rpc.Calls;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;

/**
 * {@code containerd.services.version.v1.Version}. Below 2.0.0 as long as there is no transfer
 * service: nerdctl decides by it.
 */
public final class VersionEndpoint extends VersionGrpc.VersionImplBase {
  @Inject
  VersionEndpoint() {}

  @Override
  public void version(Empty request, StreamObserver<VersionResponse> responses) {
    Calls.answer(
        responses,
        () ->
            VersionResponse.newBuilder().setVersion(Program.VERSION).setRevision("berth").build());
  }
}
