package io.berth.network.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.DetachRequest;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.ExplainRequest;
import io.berth.api.berth.network.v1.ExplainResponse;
import io.berth.api.berth.network.v1.GetEndpointRequest;
import io.berth.api.berth.network.v1.InfoResponse;
import io.berth.api.berth.network.v1.ListEndpointsRequest;
import io.berth.api.berth.network.v1.ListEndpointsResponse;
import io.berth.api.berth.network.v1.StatsResponse;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.linux.net.Link;
import io.berth.network.endpoint.AttachCall;
import io.berth.network.endpoint.EndpointKey;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.endpoint.NetworkRecord;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** {@code berth.network.v1.Endpoints}. */
final class EndpointsEndpoint extends EndpointsGrpc.EndpointsImplBase {
  private final NetworkEngine engine;
  private final AttachThreads threads;
  private final Nameservers nameservers = Nameservers.ofHost();

  @Inject
  EndpointsEndpoint(NetworkEngine engine, AttachThreads threads) {
    this.engine = engine;
    this.threads = threads;
  }

  @Override
  public void attach(AttachRequest request, StreamObserver<Endpoint> responses) {
    Calls.answer(
        responses,
        () -> {
          AttachCall call = NetworkMessages.attach(CallContext.namespace(), request);
          return message(threads.run(() -> engine.attachments().attach(call)));
        });
  }

  @Override
  public void detach(DetachRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          EndpointKey key = new EndpointKey(CallContext.namespace(), request.getContainer());
          return threads.run(() -> {
            engine.attachments().detach(key);
            return Empty.getDefaultInstance();
          });
        });
  }

  @Override
  public void get(GetEndpointRequest request, StreamObserver<Endpoint> responses) {
    Calls.answer(
        responses,
        () ->
            message(
                engine
                    .attachments()
                    .get(new EndpointKey(CallContext.namespace(), request.getContainer()))));
  }

  @Override
  public void list(ListEndpointsRequest request, StreamObserver<ListEndpointsResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = request.getAllNamespaces() ? "" : CallContext.namespace();
          Predicate<String> wanted = networks(request.getNetwork());
          List<Endpoint> endpoints =
              engine.attachments().list().stream()
                  .filter(e -> namespace.isEmpty() || e.key().namespace().equals(namespace))
                  .filter(e -> wanted.test(e.place().network()))
                  .map(this::message)
                  .toList();
          return ListEndpointsResponse.newBuilder().addAllEndpoints(endpoints).build();
        });
  }

  /** Ids of the networks that a name, or nothing, stands for. */
  private Predicate<String> networks(String named) {
    return switch (named) {
      case "" -> _ -> true;
      case NetworkRecord.NONE -> String::isEmpty;
      // They are always there, also before the first is made and though the second never is.
      case NetworkRecord.DEFAULT, NetworkRecord.HOST ->
          id ->
              engine.networks().list().stream()
                  .anyMatch(network -> network.name().equals(named) && network.id().equals(id));
      default -> engine.networks().get(named).id()::equals;
    };
  }

  /** Counters from the side of the container: it received what the host sent. */
  @Override
  public void stats(GetEndpointRequest request, StreamObserver<StatsResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          EndpointKey key = new EndpointKey(CallContext.namespace(), request.getContainer());
          Link.Counters host = threads.run(() -> engine.attachments().counters(key));
          return StatsResponse.newBuilder()
              .setRxBytes(host.txBytes())
              .setRxPackets(host.txPackets())
              .setRxErrors(host.txErrors())
              .setRxDropped(host.txDropped())
              .setTxBytes(host.rxBytes())
              .setTxPackets(host.rxPackets())
              .setTxErrors(host.rxErrors())
              .setTxDropped(host.rxDropped())
              .build();
        });
  }

  @Override
  public void explain(ExplainRequest request, StreamObserver<ExplainResponse> responses) {
    Calls.answer(
        responses,
        () ->
            ExplainResponse.newBuilder()
                .addAllFindings(
                    threads.run(() ->
                        engine.attachments().explain(NetworkMessages.port(request.getPort()))))
                .build());
  }

  @Override
  public void info(Empty request, StreamObserver<InfoResponse> responses) {
    Calls.answer(
        responses,
        () ->
            InfoResponse.newBuilder()
                .setNetworks(engine.networks().list().size())
                .setEndpoints(engine.attachments().list().size())
                .setPorts(engine.publishedPorts())
                .setTable(engine.settings().names().table())
                .setDefaultSubnet(
                    engine.networks().list().stream()
                        .filter(n -> n.name().equals(NetworkRecord.DEFAULT))
                        .map(n -> n.subnet().toString())
                        .findFirst()
                        .orElse(""))
                .addAllWarnings(engine.warnings())
                .build());
  }

  private Endpoint message(EndpointRecord endpoint) {
    Optional<NetworkRecord> network =
        engine.networks().list().stream()
            .filter(n -> n.id().equals(endpoint.place().network()))
            .findFirst();
    return NetworkMessages.endpoint(endpoint, network, nameservers.list());
  }
}
