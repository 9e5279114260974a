package io.berth.image.api;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.leases.v1.AddResourceRequest;
import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.CreateResponse;
import io.berth.api.containerd.services.leases.v1.DeleteRequest;
import io.berth.api.containerd.services.leases.v1.DeleteResourceRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.leases.v1.ListRequest;
import io.berth.api.containerd.services.leases.v1.ListResourcesRequest;
import io.berth.api.containerd.services.leases.v1.ListResourcesResponse;
import io.berth.api.containerd.services.leases.v1.ListResponse;
import io.berth.api.containerd.services.leases.v1.Resource;
import io.berth.base.filter.Filter;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.image.gc.Schedule;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** {@code containerd.services.leases.v1.Leases}. */
@Singleton
public final class LeasesEndpoint extends LeasesGrpc.LeasesImplBase {
  private final Leases leases;
  private final Schedule collector;

  @Inject
  public LeasesEndpoint(Leases leases, Schedule collector) {
    this.leases = leases;
    this.collector = collector;
  }

  @Override
  public void create(CreateRequest request, StreamObserver<CreateResponse> responses) {
    Calls.answer(
        responses,
        () ->
            CreateResponse.newBuilder()
                .setLease(
                    message(
                        leases.create(
                            CallContext.namespace(), request.getId(), request.getLabelsMap())))
                .build());
  }

  @Override
  public void delete(DeleteRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          leases.delete(CallContext.namespace(), request.getId());
          collector.collect(request.getSync());
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void list(ListRequest request, StreamObserver<ListResponse> responses) {
    Calls.answer(
        responses,
        () ->
            ListResponse.newBuilder()
                .addAllLeases(
                    leases
                        .list(CallContext.namespace(), Filter.of(request.getFiltersList()))
                        .stream()
                        .map(LeasesEndpoint::message)
                        .toList())
                .build());
  }

  @Override
  public void addResource(AddResourceRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          leases.addResource(
              CallContext.namespace(), request.getId(), resource(request.getResource()));
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void deleteResource(DeleteResourceRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          leases.deleteResource(
              CallContext.namespace(), request.getId(), resource(request.getResource()));
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void listResources(
      ListResourcesRequest request, StreamObserver<ListResourcesResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ListResourcesResponse.Builder answer = ListResourcesResponse.newBuilder();
          for (Lease.Resource resource :
              leases.resources(CallContext.namespace(), request.getId())) {
            answer.addResources(
                Resource.newBuilder().setType(resource.type()).setId(resource.id()));
          }
          return answer.build();
        });
  }

  private static Lease.Resource resource(Resource resource) {
    return new Lease.Resource(resource.getType(), resource.getId());
  }

  private static io.berth.api.containerd.services.leases.v1.Lease message(Lease lease) {
    return io.berth.api.containerd.services.leases.v1.Lease.newBuilder()
        .setId(lease.id())
        .setCreatedAt(Timestamps.of(lease.created()))
        .putAllLabels(lease.labels())
        .build();
  }
}
