package io.berth.network.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.network.v1.CreateNetworkRequest;
import io.berth.api.berth.network.v1.GetNetworkRequest;
import io.berth.api.berth.network.v1.ListNetworksRequest;
import io.berth.api.berth.network.v1.ListNetworksResponse;
import io.berth.api.berth.network.v1.Network;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.network.v1.PruneNetworksRequest;
import io.berth.api.berth.network.v1.PruneNetworksResponse;
import io.berth.api.berth.network.v1.RemoveNetworkRequest;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Calls;
import io.berth.base.text.ListFilters;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.endpoint.NetworkRecord;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code berth.network.v1.Networks}. */
final class NetworksEndpoint extends NetworksGrpc.NetworksImplBase {
  private static final List<String> FILTERS =
      List.of(
          "name",
          "id",
          "driver",
          "scope",
          "type",
          "dangling",
          ListFilters.LABEL,
          ListFilters.NO_LABEL);

  private static final List<String> BUILT_IN =
      List.of(NetworkRecord.DEFAULT, NetworkRecord.NONE, NetworkRecord.HOST);

  private static final List<String> PRUNED =
      List.of(ListFilters.LABEL, ListFilters.NO_LABEL, ListFilters.UNTIL);

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
    Calls.answer(responses, () -> meant(request.getRef()));
  }

  private Network meant(String ref) {
    List<Network> all = all();
    return all.stream()
        .filter(network -> network.getName().equals(ref))
        .findFirst()
        .orElseGet(() -> {
          List<Network> fitting =
              ref.isEmpty()
                  ? List.of()
                  : all.stream().filter(network -> network.getId().startsWith(ref)).toList();
          // What fits none or several is refused there.
          return fitting.size() == 1 ? fitting.getFirst() : message(engine.networks().get(ref));
        });
  }

  @Override
  public void list(ListNetworksRequest request, StreamObserver<ListNetworksResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ListFilters wanted =
              ListFilters.parse("networks", request.getFiltersList(), FILTERS)
                  .known("type", List.of("custom", "builtin"))
                  .known("scope", List.of("local", "global", "swarm"));
          Boolean dangling = wanted.flag("dangling");
          return ListNetworksResponse.newBuilder()
              .addAllNetworks(
                  all().stream().filter(network -> fits(network, wanted, dangling)).toList())
              .build();
        });
  }

  private static boolean fits(Network network, ListFilters wanted, @Nullable Boolean dangling) {
    boolean builtIn = BUILT_IN.contains(network.getName());
    return wanted.anyPattern("name", network.getName())
        && wanted.any("id", network.getId()::startsWith)
        && wanted.any("driver", network.getDriver()::equals)
        && wanted.any("scope", "local"::equals)
        && wanted.any("type", (builtIn ? "builtin" : "custom")::equals)
        && wanted.fitsLabels(network.getLabelsMap())
        && (dangling == null || dangling == (!builtIn && network.getEndpoints() == 0));
  }

  @Override
  public void remove(RemoveNetworkRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          if (BUILT_IN.contains(meant(request.getRef()).getName())) {
            throw new BerthException.FailedPrecondition(
                "remove network `" + request.getRef() + "`: it is always there");
          }
          return threads.run(() -> {
            engine.removeNetwork(request.getRef());
            return Empty.getDefaultInstance();
          });
        });
  }

  @Override
  public void prune(PruneNetworksRequest request, StreamObserver<PruneNetworksResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ListFilters wanted =
              ListFilters.parse("networks to prune", request.getFiltersList(), PRUNED);
          Instant until = wanted.until(Instant.now(), ZoneOffset.UTC);
          Set<String> kept = Set.copyOf(request.getKeptList());
          List<String> gone =
              threads.run(() ->
                  engine.pruneNetworks(network ->
                      !kept.contains(network.name())
                          && !kept.contains(network.id())
                          && wanted.fitsLabels(network.labels())
                          && ListFilters.fits(until, network.createdAt())));
          return PruneNetworksResponse.newBuilder().addAllNames(gone).build();
        });
  }

  private List<Network> all() {
    List<Network> networks = new ArrayList<>();
    engine.networks().list().forEach(n -> networks.add(message(n)));
    if (networks.stream().noneMatch(n -> n.getName().equals(NetworkRecord.DEFAULT))) {
      networks.addFirst(
          builtIn(NetworkRecord.DEFAULT, "bridge", engine.settings().names().bridge()));
    }
    networks.add(builtIn(NetworkRecord.HOST, "host", ""));
    networks.add(builtIn(NetworkRecord.NONE, "null", ""));
    return networks;
  }

  private Network builtIn(String name, String driver, String bridge) {
    String id = engine.settings().names().builtInNetwork(name);
    return NetworkMessages.builtIn(id, name, driver, bridge);
  }

  private Network message(NetworkRecord network) {
    long endpoints =
        engine.attachments().list().stream()
            .filter(e -> e.place().network().equals(network.id()))
            .count();
    return NetworkMessages.network(network, (int) endpoints);
  }
}
