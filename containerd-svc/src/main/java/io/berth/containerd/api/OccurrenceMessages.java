package io.berth.containerd.api;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.berth.api.berth.container.v1.HealthStatus;
import io.berth.api.containerd.events.ContainerCreate;
import io.berth.api.containerd.events.ContainerDelete;
import io.berth.api.containerd.events.ContainerUpdate;
import io.berth.api.containerd.events.ContentCreate;
import io.berth.api.containerd.events.ContentDelete;
import io.berth.api.containerd.events.NamespaceCreate;
import io.berth.api.containerd.events.NamespaceDelete;
import io.berth.api.containerd.events.NamespaceUpdate;
import io.berth.api.containerd.events.SnapshotCommit;
import io.berth.api.containerd.events.SnapshotPrepare;
import io.berth.api.containerd.events.SnapshotRemove;
import io.berth.api.containerd.events.TaskCheckpointed;
import io.berth.api.containerd.events.TaskCreate;
import io.berth.api.containerd.events.TaskDelete;
import io.berth.api.containerd.events.TaskExecAdded;
import io.berth.api.containerd.events.TaskExecStarted;
import io.berth.api.containerd.events.TaskExit;
import io.berth.api.containerd.events.TaskIO;
import io.berth.api.containerd.events.TaskOOM;
import io.berth.api.containerd.events.TaskPaused;
import io.berth.api.containerd.events.TaskResumed;
import io.berth.api.containerd.events.TaskStart;
import io.berth.api.containerd.services.images.v1.ImageCreate;
import io.berth.api.containerd.services.images.v1.ImageDelete;
import io.berth.api.containerd.services.images.v1.ImageUpdate;
import io.berth.api.containerd.types.Envelope;
import io.berth.api.containerd.types.Mount;
import io.berth.base.layout.RootfsMount;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.event.Occurrence;
import io.berth.containerd.event.PayloadCodec;
import io.berth.containerd.event.PublishedEvent;
import jakarta.inject.Inject;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Events and their payloads as messages of the wire. */
public final class OccurrenceMessages implements PayloadCodec {
  private static final Map<String, Message> KNOWN =
      Stream.<Message>of(
              ContainerCreate.getDefaultInstance(),
              ContainerUpdate.getDefaultInstance(),
              ContainerDelete.getDefaultInstance(),
              HealthStatus.getDefaultInstance(),
              ContentCreate.getDefaultInstance(),
              ContentDelete.getDefaultInstance(),
              ImageCreate.getDefaultInstance(),
              ImageUpdate.getDefaultInstance(),
              ImageDelete.getDefaultInstance(),
              NamespaceCreate.getDefaultInstance(),
              NamespaceUpdate.getDefaultInstance(),
              NamespaceDelete.getDefaultInstance(),
              SnapshotPrepare.getDefaultInstance(),
              SnapshotCommit.getDefaultInstance(),
              SnapshotRemove.getDefaultInstance(),
              TaskCreate.getDefaultInstance(),
              TaskStart.getDefaultInstance(),
              TaskDelete.getDefaultInstance(),
              TaskExit.getDefaultInstance(),
              TaskOOM.getDefaultInstance(),
              TaskExecAdded.getDefaultInstance(),
              TaskExecStarted.getDefaultInstance(),
              TaskPaused.getDefaultInstance(),
              TaskResumed.getDefaultInstance(),
              TaskCheckpointed.getDefaultInstance())
          .collect(
              Collectors.toUnmodifiableMap(
                  message -> message.getDescriptorForType().getFullName(), Function.identity()));

  @Inject
  public OccurrenceMessages() {}

  /** For a subscriber, and for whoever forwards. */
  static Envelope envelope(PublishedEvent event) {
    return Envelope.newBuilder()
        .setTimestamp(Timestamps.of(event.time()))
        .setNamespace(event.namespace())
        .setTopic(event.topic())
        .setEvent(event.payload())
        .build();
  }

  @Override
  public Any encode(Occurrence what) {
    return Anys.pack(message(what));
  }

  private static Message message(Occurrence what) {
    return switch (what) {
      case Occurrence.ContainerCreated it -> created(it);
      case Occurrence.ContainerUpdated it -> updated(it);
      case Occurrence.ContainerDeleted(String id) -> ContainerDelete.newBuilder().setId(id).build();
      case Occurrence.HealthChanged(String container, String name, String status) ->
          HealthStatus.newBuilder()
              .setContainerId(container)
              .setName(name)
              .setStatus(status)
              .build();
      case Occurrence.NamespaceCreated(String name, Map<String, String> labels) ->
          NamespaceCreate.newBuilder().setName(name).putAllLabels(labels).build();
      case Occurrence.NamespaceUpdated(String name, Map<String, String> labels) ->
          NamespaceUpdate.newBuilder().setName(name).putAllLabels(labels).build();
      case Occurrence.NamespaceDeleted(String name) ->
          NamespaceDelete.newBuilder().setName(name).build();
      case Occurrence.TaskCreated it -> created(it);
      case Occurrence.TaskStarted(String container, int pid) ->
          TaskStart.newBuilder().setContainerId(container).setPid(pid).build();
      case Occurrence.TaskExited it -> exited(it);
      case Occurrence.TaskDeleted it ->
          TaskDelete.newBuilder()
              .setContainerId(it.container())
              .setPid(it.pid())
              .setExitStatus(it.status())
              .setExitedAt(Timestamps.of(it.at()))
              .build();
      case Occurrence.TaskOutOfMemory(String container) ->
          TaskOOM.newBuilder().setContainerId(container).build();
      case Occurrence.TaskPaused(String container) ->
          TaskPaused.newBuilder().setContainerId(container).build();
      case Occurrence.TaskResumed(String container) ->
          TaskResumed.newBuilder().setContainerId(container).build();
      case Occurrence.ExecAdded(String container, String exec) ->
          TaskExecAdded.newBuilder().setContainerId(container).setExecId(exec).build();
      case Occurrence.ExecStarted(String container, String exec, int pid) ->
          TaskExecStarted.newBuilder()
              .setContainerId(container)
              .setExecId(exec)
              .setPid(pid)
              .build();
    };
  }

  private static TaskExit exited(Occurrence.TaskExited what) {
    return TaskExit.newBuilder()
        .setContainerId(what.container())
        .setId(what.process())
        .setPid(what.pid())
        .setExitStatus(what.status())
        .setExitedAt(Timestamps.of(what.at()))
        .build();
  }

  private static ContainerCreate created(Occurrence.ContainerCreated what) {
    return ContainerCreate.newBuilder()
        .setId(what.id())
        .setImage(what.image())
        .setRuntime(
            ContainerCreate.Runtime.newBuilder().setName(what.runtime()).setOptions(what.options()))
        .build();
  }

  private static ContainerUpdate updated(Occurrence.ContainerUpdated what) {
    return ContainerUpdate.newBuilder()
        .setId(what.id())
        .setImage(what.image())
        .putAllLabels(what.labels())
        .setSnapshotKey(what.snapshotKey())
        .build();
  }

  private static TaskCreate created(Occurrence.TaskCreated what) {
    TaskCreate.Builder result =
        TaskCreate.newBuilder()
            .setContainerId(what.container())
            .setBundle(what.bundle())
            .setIo(
                TaskIO.newBuilder()
                    .setStdin(what.stdio().stdin())
                    .setStdout(what.stdio().stdout())
                    .setStderr(what.stdio().stderr())
                    .setTerminal(what.stdio().terminal()))
            .setPid(what.pid());
    for (RootfsMount mount : what.rootfs()) {
      result.addRootfs(
          Mount.newBuilder()
              .setType(mount.type())
              .setSource(mount.source())
              .setTarget(mount.target())
              .addAllOptions(mount.options()));
    }
    return result.build();
  }

  @Override
  public @Nullable Message decode(Any payload) {
    String url = payload.getTypeUrl();
    Message type = KNOWN.get(url.substring(url.lastIndexOf('/') + 1));
    try {
      return type == null ? null : type.getParserForType().parseFrom(payload.getValue());
    } catch (InvalidProtocolBufferException e) {
      return null;
    }
  }
}
