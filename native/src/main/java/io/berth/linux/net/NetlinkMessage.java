package io.berth.linux.net;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A message from the kernel: its header and what follows, from position 0 to the limit.
 *
 * @param port of the socket that it answers, or whose request made the change that it tells of
 */
record NetlinkMessage(int type, int flags, int sequence, int port, ByteBuffer payload) {
  /** Splits a packet; what is cut off at its end is left out. */
  static List<NetlinkMessage> split(byte[] packet, int length) {
    List<NetlinkMessage> messages = new ArrayList<>();
    ByteBuffer buffer = ByteBuffer.wrap(packet, 0, length).slice().order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (length - at >= NetlinkWriter.HEADER_BYTES) {
      int size = buffer.getInt(at);
      if (size < NetlinkWriter.HEADER_BYTES || size > length - at) {
        break;
      }
      messages.add(
          new NetlinkMessage(
              buffer.getShort(at + 4) & 0xffff,
              buffer.getShort(at + 6) & 0xffff,
              buffer.getInt(at + 8),
              buffer.getInt(at + 12),
              buffer
                  .slice(at + NetlinkWriter.HEADER_BYTES, size - NetlinkWriter.HEADER_BYTES)
                  .order(ByteOrder.LITTLE_ENDIAN)));
      at += (size + 3) & ~3;
    }
    return messages;
  }

  /** The attributes behind a fixed part of that many bytes. */
  Attributes attributes(int fixedBytes) {
    if (payload.limit() < fixedBytes) {
      return Attributes.of(ByteBuffer.allocate(0));
    }
    return Attributes.of(payload.slice(fixedBytes, payload.limit() - fixedBytes));
  }

  boolean hasFlag(int flag) {
    return (flags & flag) != 0;
  }
}
