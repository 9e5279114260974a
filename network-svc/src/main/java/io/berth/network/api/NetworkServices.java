package io.berth.network.api;

import io.grpc.BindableService;
import jakarta.inject.Inject;
import java.util.List;

/** The services on the socket of this program, beside health and reflection. */
public final class NetworkServices {
  private final List<BindableService> services;

  @Inject
  NetworkServices(NetworksEndpoint networks, EndpointsEndpoint endpoints) {
    this.services = List.of(networks, endpoints);
  }

  public List<BindableService> list() {
    return services;
  }
}
