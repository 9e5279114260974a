package io.berth.network.api;

import io.grpc.BindableService;
import jakarta.inject.Inject;
import java.util.List;

/** The services on the socket of this program, beside health and reflection. */
public final class NetworkServices {
  private final List<BindableService> services;

  @Inject
  NetworkServices(NetworksEndpoint networks, EndpointsEndpoint endpoints, NetworkOutbox outbox) {
    this.services = List.of(networks, endpoints, outbox);
  }

  public List<BindableService> list() {
    return services;
  }
}
