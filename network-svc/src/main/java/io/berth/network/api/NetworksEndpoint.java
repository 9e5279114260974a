package io.berth.network.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.network.v1.CreateNetworkRequest;
import io.berth.api.berth.network.v1.GetNetworkRequest;
import io.berth.api.berth.network.v1.ListNetworksRequest;
import io.berth.api.berth.network.v1.ListNetworksResponse;
import io.berth.api.berth.network.v1.Network;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.network.v1.RemoveNetworkRequest;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Calls;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.endpoint.NetworkRecord;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.List;

/** {@code berth.network.v1.Networks}. */
final class NetworksEndpoint extends NetworksGrpc.NetworksImplBase {
  private final NetworkEngine engine;
  private final AttachThreads threads;

  @Inject
  NetworksEndpoint(NetworkEngine engine, AttachThreads threads) {
    this.engine = engine;
    this.threads = threads;
  }

  @Override
  public void create(CreateNetworkRequest request, StreamObserver<Network> responses) {
    Calls.answer(
        responses,
        () ->
            NetworkMessages.network(
                threads.run(() -> engine.networks().create(NetworkMessages.wish(request))), 0));
  }

  @Override
  public void get(GetNetworkRequest request, StreamObserver<Network> responses) {
    Calls.answer(
        responses,
        () ->
            all().stream()
                .filter(n -> n.getName().equals(request.getRef()))
                .findFirst()
                .orElseGet(() -> message(engine.networks().get(request.getRef()))));
  }

  @Override
  public void list(ListNetworksRequest request, StreamObserver<ListNetworksResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          List<Network> networks = all();
          for (String filter : request.getFiltersList()) {
            int equals = filter.indexOf('=');
            String key = equals < 0 ? filter : filter.substring(0, equals);
            String value = filter.substring(equals + 1);
            networks =
                switch (key) {
                  case "name" ->
                      networks.stream().filter(n -> n.getName().contains(value)).toList();
                  case "id" -> networks.stream().filter(n -> n.getId().startsWith(value)).toList();
                  case "driver" ->
                      networks.stream().filter(n -> n.getDriver().equals(value)).toList();
                  default ->
                      throw new BerthException.InvalidArgument(
                          "list networks: unknown filter `" + filter + "`; use name, id or driver");
                };
          }
          return ListNetworksResponse.newBuilder().addAllNetworks(networks).build();
        });
  }

  @Override
  public void remove(RemoveNetworkRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          if (List.of(NetworkRecord.DEFAULT, NetworkRecord.NONE, NetworkRecord.HOST)
              .contains(request.getRef())) {
            throw new BerthException.FailedPrecondition(
                "remove network `" + request.getRef() + "`: it is always there");
          }
          return threads.run(() -> {
            engine.networks().remove(request.getRef());
            return Empty.getDefaultInstance();
          });
        });
  }

  private List<Network> all() {
    List<Network> networks = new ArrayList<>();
    engine.networks().list().forEach(n -> networks.add(message(n)));
    if (networks.stream().noneMatch(n -> n.getName().equals(NetworkRecord.DEFAULT))) {
      networks.addFirst(
          NetworkMessages.builtIn(
              NetworkRecord.DEFAULT, "bridge", engine.settings().names().bridge()));
    }
    networks.add(NetworkMessages.builtIn(NetworkRecord.HOST, "host", ""));
    networks.add(NetworkMessages.builtIn(NetworkRecord.NONE, "none", ""));
    return networks;
  }

  private Network message(NetworkRecord network) {
    long endpoints =
        engine.attachments().list().stream()
            .filter(e -> e.place().network().equals(network.id()))
            .count();
    return NetworkMessages.network(network, (int) endpoints);
  }
}
