package io.berth.containerd.container;

import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.DetachRequest;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.GetEndpointRequest;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.UnixChannel;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;

/** What is asked of network-svc: a container's place on a network. */
public final class NetworkCalls {
  private static final String PROGRAM = "berth-network";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final PeerService service;

  public NetworkCalls(ManagedChannel channel, Path socket) {
    service = new PeerService(channel, socket, PROGRAM);
  }

  PeerService service() {
    return service;
  }

  private EndpointsGrpc.EndpointsBlockingStub stub(String namespace) {
    return UnixChannel.in(EndpointsGrpc.newBlockingStub(service.channel()), namespace, null)
        .withDeadlineAfter(PATIENCE);
  }

  /** Ready when it returns; what a client attached before, with other words, is taken as it is. */
  Endpoint attach(String namespace, AttachRequest request) {
    try {
      return service.call(() -> stub(namespace).attach(request));
    } catch (BerthException.AlreadyExists e) {
      return service.call(() ->
          stub(namespace)
              .get(GetEndpointRequest.newBuilder().setContainer(request.getContainer()).build()));
    }
  }

  /** Unknown is fine. */
  void detach(String namespace, String container) {
    DetachRequest request = DetachRequest.newBuilder().setContainer(container).build();
    var _ = service.call(() -> stub(namespace).detach(request));
  }
}
