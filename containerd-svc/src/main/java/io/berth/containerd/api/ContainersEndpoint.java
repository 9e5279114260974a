package io.berth.containerd.api;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.containers.v1.CreateContainerResponse;
import io.berth.api.containerd.services.containers.v1.DeleteContainerRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerResponse;
import io.berth.api.containerd.services.containers.v1.ListContainerMessage;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.containers.v1.ListContainersResponse;
import io.berth.api.containerd.services.containers.v1.UpdateContainerRequest;
import io.berth.api.containerd.services.containers.v1.UpdateContainerResponse;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.filter.Filter;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecords;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.util.List;

/** {@code containerd.services.containers.v1.Containers}. */
public final class ContainersEndpoint extends ContainersGrpc.ContainersImplBase {
  private final ContainerRecords records;
  private final TaskPresence tasks;

  /** What must be known of tasks before a record goes. */
  public interface TaskPresence {
    /** Whether a container has a task. */
    boolean isPresent(TaskKey key);
  }

  @Inject
  ContainersEndpoint(ContainerRecords records, TaskPresence tasks) {
    this.records = records;
    this.tasks = tasks;
  }

  @Override
  public void get(GetContainerRequest request, StreamObserver<GetContainerResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          return GetContainerResponse.newBuilder()
              .setContainer(ContainerMessages.message(records.get(key(namespace, request.getId()))))
              .build();
        });
  }

  @Override
  public void list(
      ListContainersRequest request, StreamObserver<ListContainersResponse> responses) {
    Calls.answer(
        responses,
        () ->
            ListContainersResponse.newBuilder()
                .addAllContainers(
                    matching(CallContext.namespace(), request).stream()
                        .map(ContainerMessages::message)
                        .toList())
                .build());
  }

  @Override
  public void listStream(
      ListContainersRequest request, StreamObserver<ListContainerMessage> responses) {
    String namespace = CallContext.namespace();
    BlockingSender.run(
        responses,
        sender -> {
          for (ContainerRecord container : matching(namespace, request)) {
            sender.send(
                ListContainerMessage.newBuilder()
                    .setContainer(ContainerMessages.message(container))
                    .build());
          }
        });
  }

  @Override
  public void create(
      CreateContainerRequest request, StreamObserver<CreateContainerResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          return CreateContainerResponse.newBuilder()
              .setContainer(
                  ContainerMessages.message(
                      records.create(namespace, ContainerMessages.record(request.getContainer()))))
              .build();
        });
  }

  @Override
  public void update(
      UpdateContainerRequest request, StreamObserver<UpdateContainerResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          return UpdateContainerResponse.newBuilder()
              .setContainer(
                  ContainerMessages.message(
                      records.update(
                          namespace,
                          ContainerMessages.record(request.getContainer()),
                          request.getUpdateMask().getPathsList())))
              .build();
        });
  }

  /** FAILED_PRECONDITION while a task exists, which could not be addressed without the record. */
  @Override
  public void delete(DeleteContainerRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          TaskKey key = key(CallContext.namespace(), request.getId());
          if (tasks.isPresent(key)) {
            throw new BerthException.FailedPrecondition(
                    "delete container \"" + key.id() + "\": it has a task; delete that first")
                .with(
                    Obstacle.of(
                        Obstacle.Reason.CONTAINER_RUNNING, Obstacle.Kind.CONTAINER, key.id()));
          }
          records.delete(key, /* durable= */ true);
          return Empty.getDefaultInstance();
        });
  }

  private List<ContainerRecord> matching(String namespace, ListContainersRequest request) {
    try {
      return records.list(namespace, Filter.of(request.getFiltersList()));
    } catch (BerthException.InvalidArgument e) {
      // containerd wraps its error for a bad filter twice, and clients take one of them off.
      throw new BerthException.InvalidArgument(
          e.getMessage() + ": invalid argument: invalid argument", e);
    }
  }

  // No container can have an id that breaks the rule, so it is answered as an unknown one.
  private static TaskKey key(String namespace, String id) {
    try {
      return new TaskKey(namespace, id);
    } catch (BerthException.InvalidArgument e) {
      throw new BerthException.NotFound(
          "container \"" + (id.length() > 100 ? id.substring(0, 100) : id) + "\"", e);
    }
  }
}
