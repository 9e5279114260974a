package io.berth.linux.net;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of a netlink message, read. A length that cannot be ends the reading: what stood
 * before it counts. Of two with one type the last counts, except in {@link #all}.
 */
final class Attributes {
  private record Entry(int type, ByteBuffer value) {}

  private final List<Entry> entries = new ArrayList<>();

  private Attributes() {}

  /** Reads from the buffer's position to its limit; the buffer itself is not changed. */
  static Attributes of(ByteBuffer source) {
    Attributes attributes = new Attributes();
    ByteBuffer buffer = source.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.remaining() >= NetlinkWriter.ATTRIBUTE_HEADER_BYTES) {
      int start = buffer.position();
      int length = buffer.getShort(start) & 0xffff;
      if (length < NetlinkWriter.ATTRIBUTE_HEADER_BYTES || length > buffer.remaining()) {
        break;
      }
      int type = buffer.getShort(start + 2) & 0xffff & Uapi.NLA_TYPE_MASK;
      ByteBuffer value =
          buffer
              .slice(
                  start + NetlinkWriter.ATTRIBUTE_HEADER_BYTES,
                  length - NetlinkWriter.ATTRIBUTE_HEADER_BYTES)
              .order(ByteOrder.LITTLE_ENDIAN);
      attributes.entries.add(new Entry(type, value));
      buffer.position(Math.min(start + ((length + 3) & ~3), buffer.limit()));
    }
    return attributes;
  }

  /** The bytes of an attribute, little-endian; null if there is none of that type. */
  @Nullable ByteBuffer get(int type) {
    for (int i = entries.size() - 1; i >= 0; i--) {
      if (entries.get(i).type == type) {
        return entries.get(i).value.duplicate().order(ByteOrder.LITTLE_ENDIAN);
      }
    }
    return null;
  }

  /** The value of every attribute, in order. */
  List<ByteBuffer> all() {
    return entries.stream().map(e -> e.value.duplicate().order(ByteOrder.LITTLE_ENDIAN)).toList();
  }

  int u32(int type, int otherwise) {
    ByteBuffer value = get(type);
    return value == null || value.remaining() < 4 ? otherwise : value.getInt(0);
  }

  int be32(int type, int otherwise) {
    ByteBuffer value = get(type);
    return value == null || value.remaining() < 4
        ? otherwise
        : Integer.reverseBytes(value.getInt(0));
  }

  long be64(int type, long otherwise) {
    ByteBuffer value = get(type);
    return value == null || value.remaining() < 8 ? otherwise : Long.reverseBytes(value.getLong(0));
  }

  int be16(int type, int otherwise) {
    ByteBuffer value = get(type);
    return value == null || value.remaining() < 2
        ? otherwise
        : Short.reverseBytes(value.getShort(0)) & 0xffff;
  }

  int u8(int type, int otherwise) {
    ByteBuffer value = get(type);
    return value == null || !value.hasRemaining() ? otherwise : value.get(0) & 0xff;
  }

  /** The text of an attribute up to its zero byte; empty if there is none. */
  String text(int type) {
    ByteBuffer value = get(type);
    if (value == null) {
      return "";
    }
    int length = 0;
    while (length < value.remaining() && value.get(length) != 0) {
      length++;
    }
    byte[] bytes = new byte[length];
    value.get(0, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  byte[] bytes(int type) {
    ByteBuffer value = get(type);
    if (value == null) {
      return new byte[0];
    }
    byte[] bytes = new byte[value.remaining()];
    value.get(0, bytes);
    return bytes;
  }

  /** The attributes inside; empty if there is none of that type. */
  Attributes nested(int type) {
    ByteBuffer value = get(type);
    return value == null ? new Attributes() : of(value);
  }
}
