package io.berth.containerd.event;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.berth.base.filter.Filter;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a filter sees of an event: {@code namespace}, {@code topic}, and {@code event.PATH} for text
 * fields and maps of texts of the payload. The payload is decoded when the first filter asks.
 */
final class EventFields implements Filter.Fields {
  private final PublishedEvent event;
  private final PayloadCodec codec;
  private volatile @Nullable Message payload;

  EventFields(PublishedEvent event, PayloadCodec codec) {
    this.event = event;
    this.codec = codec;
  }

  @Override
  public @Nullable String value(List<String> path) {
    return switch (path.getFirst()) {
      case "namespace" -> event.namespace();
      case "topic" -> event.topic();
      case "event" -> path.size() == 1 ? null : field(payload(), path.subList(1, path.size()));
      default -> null;
    };
  }

  private @Nullable Message payload() {
    Message decoded = payload;
    if (decoded == null) {
      decoded = codec.decode(event.payload());
      payload = decoded;
    }
    return decoded;
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

  // In proto3 a text that was not set reads as the empty text.
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
