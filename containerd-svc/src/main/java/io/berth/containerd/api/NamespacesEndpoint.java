package io.berth.containerd.api;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.namespaces.v1.CreateNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.CreateNamespaceResponse;
import io.berth.api.containerd.services.namespaces.v1.DeleteNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.GetNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.GetNamespaceResponse;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesResponse;
import io.berth.api.containerd.services.namespaces.v1.Namespace;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.services.namespaces.v1.UpdateNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.UpdateNamespaceResponse;
import io.berth.base.id.Identifier;
import io.berth.base.rpc.Calls;
import io.berth.containerd.metadata.NamespaceTable;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.util.Map;

/** {@code containerd.services.namespaces.v1.Namespaces}. Needs no namespace header. */
public final class NamespacesEndpoint extends NamespacesGrpc.NamespacesImplBase {
  private final NamespaceTable table;

  @Inject
  NamespacesEndpoint(NamespaceTable table) {
    this.table = table;
  }

  /** Answers no labels for an unknown namespace, for clients ask before anything is made. */
  @Override
  public void get(GetNamespaceRequest request, StreamObserver<GetNamespaceResponse> responses) {
    Calls.answer(
        responses,
        () ->
            GetNamespaceResponse.newBuilder()
                .setNamespace(message(request.getName(), table.labels(request.getName())))
                .build());
  }

  /** Answers all namespaces, whatever the filter of the request; containerd ignores it too. */
  @Override
  public void list(
      ListNamespacesRequest request, StreamObserver<ListNamespacesResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ListNamespacesResponse.Builder result = ListNamespacesResponse.newBuilder();
          table.all().forEach((name, labels) -> result.addNamespaces(message(name, labels)));
          return result.build();
        });
  }

  @Override
  public void create(
      CreateNamespaceRequest request, StreamObserver<CreateNamespaceResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String name = Identifier.check(request.getNamespace().getName());
          Map<String, String> labels = table.create(name, request.getNamespace().getLabelsMap());
          return CreateNamespaceResponse.newBuilder().setNamespace(message(name, labels)).build();
        });
  }

  @Override
  public void update(
      UpdateNamespaceRequest request, StreamObserver<UpdateNamespaceResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String name = Identifier.check(request.getNamespace().getName());
          table.update(
              name, request.getNamespace().getLabelsMap(), request.getUpdateMask().getPathsList());
          return UpdateNamespaceResponse.getDefaultInstance();
        });
  }

  @Override
  public void delete(DeleteNamespaceRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          table.delete(Identifier.check(request.getName()));
          return Empty.getDefaultInstance();
        });
  }

  private static Namespace message(String name, Map<String, String> labels) {
    return Namespace.newBuilder().setName(name).putAllLabels(labels).build();
  }
}
