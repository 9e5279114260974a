package io.berth.containerd.event;

import com.google.protobuf.Any;
import com.google.protobuf.Descriptors.FieldDescriptor;
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
import io.berth.api.containerd.events.TaskOOM;
import io.berth.api.containerd.events.TaskPaused;
import io.berth.api.containerd.events.TaskResumed;
import io.berth.api.containerd.events.TaskStart;
import io.berth.api.containerd.services.images.v1.ImageCreate;
import io.berth.api.containerd.services.images.v1.ImageDelete;
import io.berth.api.containerd.services.images.v1.ImageUpdate;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.filter.Filter;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a filter sees of an event: {@code namespace}, {@code topic}, and {@code event.PATH} for text
 * fields and maps of texts of the payload. The payload is decoded when the first filter asks.
 */
final class EventFields implements Filter.Fields {
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

  private final Envelope envelope;
  private volatile @Nullable Message payload;

  EventFields(Envelope envelope) {
    this.envelope = envelope;
  }

  @Override
  public @Nullable String value(List<String> path) {
    return switch (path.getFirst()) {
      case "namespace" -> envelope.getNamespace();
      case "topic" -> envelope.getTopic();
      case "event" -> path.size() == 1 ? null : field(payload(), path.subList(1, path.size()));
      default -> null;
    };
  }

  private @Nullable Message payload() {
    Message decoded = payload;
    if (decoded == null) {
      decoded = decode(envelope.getEvent());
      payload = decoded;
    }
    return decoded;
  }

  private static @Nullable Message decode(Any any) {
    String url = any.getTypeUrl();
    Message type = KNOWN.get(url.substring(url.lastIndexOf('/') + 1));
    try {
      return type == null ? null : type.getParserForType().parseFrom(any.getValue());
    } catch (InvalidProtocolBufferException e) {
      // A client may publish anything; what cannot be read has no fields.
      return null;
    }
  }

  private static @Nullable String field(@Nullable Message message, List<String> path) {
    if (message == null) {
      return null;
    }
    FieldDescriptor field = message.getDescriptorForType().findFieldByName(path.getFirst());
    if (field == null) {
      return null;
    }
    if (field.isMapField()) {
      return entry((Collection<?>) message.getField(field), Filter.key(path));
    }
    if (field.isRepeated()) {
      return null;
    }
    return switch (field.getJavaType()) {
      case STRING -> path.size() == 1 ? textOrNull((String) message.getField(field)) : null;
      case MESSAGE ->
          path.size() == 1 || !message.hasField(field)
              ? null
              : field((Message) message.getField(field), path.subList(1, path.size()));
      default -> null;
    };
  }

  // In proto3 an empty text is an absent one.
  private static @Nullable String textOrNull(String text) {
    return text.isEmpty() ? null : text;
  }

  private static @Nullable String entry(Collection<?> entries, String key) {
    for (Object each : entries) {
      Message entry = (Message) each;
      var fields = entry.getDescriptorForType().getFields();
      if (key.equals(entry.getField(fields.getFirst()))) {
        return entry.getField(fields.getLast()) instanceof String text ? text : null;
      }
    }
    return null;
  }
}
