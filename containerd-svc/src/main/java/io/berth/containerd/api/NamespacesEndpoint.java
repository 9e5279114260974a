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
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.Labels;
import io.berth.base.rpc.Calls;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence.NamespaceCreated;
import io.berth.containerd.event.Occurrence.NamespaceDeleted;
import io.berth.containerd.event.Occurrence.NamespaceUpdated;
import io.berth.containerd.metadata.Emptiness;
import io.berth.containerd.metadata.NamespaceTable;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;

/** {@code containerd.services.namespaces.v1.Namespaces}. Needs no namespace header. */
public final class NamespacesEndpoint extends NamespacesGrpc.NamespacesImplBase {
  private final NamespaceTable table;
  private final Emptiness emptiness;
  private final EventBroker events;

  @Inject
  NamespacesEndpoint(NamespaceTable table, Emptiness emptiness, EventBroker events) {
    this.table = table;
    this.emptiness = emptiness;
    this.events = events;
  }

  /** Never NOT_FOUND: clients ask before anything is made. */
  @Override
  public void get(GetNamespaceRequest request, StreamObserver<GetNamespaceResponse> responses) {
    Calls.answer(
        responses,
        () ->
            GetNamespaceResponse.newBuilder()
                .setNamespace(message(request.getName(), table.labels(request.getName())))
                .build());
  }

  /** The filter is ignored, as clients are used to. */
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
          Map<String, String> labels = Labels.stored(request.getNamespace().getLabelsMap());
          table.create(name, labels);
          events.publish(name, new NamespaceCreated(name, labels));
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
          List<String> paths = request.getUpdateMask().getPathsList();
          for (String path : paths) {
            if (!path.startsWith("labels.")) {
              throw new BerthException.InvalidArgument(
                  "cannot update `" + path + "` of namespace \"" + name + "\": only labels.KEY");
            }
          }
          Map<String, String> sent = request.getNamespace().getLabelsMap();
          Map<String, String> labels =
              table.update(
                  name,
                  old -> Labels.updated(old, sent, paths.isEmpty() ? List.of("labels") : paths));
          events.publish(name, new NamespaceUpdated(name, labels));
          return UpdateNamespaceResponse.getDefaultInstance();
        });
  }

  @Override
  public void delete(DeleteNamespaceRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          String name = Identifier.check(request.getName());
          if (!table.all().containsKey(name)) {
            throw new BerthException.NotFound("namespace \"" + name + "\"");
          }
          List<String> remaining = emptiness.remaining(name);
          if (!remaining.isEmpty()) {
            throw new BerthException.FailedPrecondition(
                "namespace \""
                    + name
                    + "\" must be empty, but it still has "
                    + String.join(", ", remaining));
          }
          table.delete(name);
          events.publish(name, new NamespaceDeleted(name));
          return Empty.getDefaultInstance();
        });
  }

  private static Namespace message(String name, Map<String, String> labels) {
    return Namespace.newBuilder().setName(name).putAllLabels(labels).build();
  }
}
