package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import io.berth.base.json.Json;
import io.berth.base.rpc.Timestamps;
import java.util.Base64;
import java.util.List;

/**
 * Shows a message as JSON: field names as on the wire, times as RFC 3339, bytes as base64,
 * enumerations by name.
 */
public final class Document {
  private Document() {}

  /** A document with every field of a message, also unset ones, so that programs find them. */
  public static ObjectNode of(Message message) {
    ObjectNode node = Json.mapper().createObjectNode();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      Object value = message.getField(field);
      if (field.isMapField()) {
        ObjectNode map = node.putObject(field.getName());
        for (Object entry : (List<?>) value) {
          MapEntry<?, ?> pair = (MapEntry<?, ?>) entry;
          set(map, String.valueOf(pair.getKey()), pair.getValue());
        }
      } else if (field.isRepeated()) {
        ArrayNode list = node.putArray(field.getName());
        for (Object element : (List<?>) value) {
          add(list, element);
        }
      } else if (field.hasPresence() && !message.hasField(field)) {
        node.putNull(field.getName());
      } else {
        set(node, field.getName(), value);
      }
    }
    return node;
  }

  private static void set(ObjectNode node, String name, Object value) {
    switch (value) {
      case Timestamp time -> node.put(name, Timestamps.instant(time).toString());
      case Message nested -> node.set(name, of(nested));
      case String text -> node.put(name, text);
      case Integer number -> node.put(name, number);
      case Long number -> node.put(name, number);
      case Boolean flag -> node.put(name, flag);
      case Double number -> node.put(name, number);
      case ByteString bytes ->
          node.put(name, Base64.getEncoder().encodeToString(bytes.toByteArray()));
      case EnumValueDescriptor constant -> node.put(name, constant.getName());
      default -> node.put(name, value.toString());
    }
  }

  private static void add(ArrayNode list, Object value) {
    ObjectNode one = Json.mapper().createObjectNode();
    set(one, "x", value);
    list.add(one.get("x"));
  }
}
