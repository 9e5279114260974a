package io.berth.linux.supervisor;

import io.berth.linux.FileNames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads what {@link WireWriter} writes, and believes no length. */
final class WireReader {
  private final byte[] bytes;
  private final ByteBuffer buffer;

  WireReader(byte[] bytes) {
    this.bytes = bytes;
    buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  int u16() throws IOException {
    return Short.toUnsignedInt(need(2).getShort());
  }

  int u32() throws IOException {
    return need(4).getInt();
  }

  long u64() throws IOException {
    return need(8).getLong();
  }

  String text() throws IOException {
    int from = buffer.position();
    int end = from;
    while (end < buffer.limit() && bytes[end] != 0) {
      end++;
    }
    if (end == buffer.limit()) {
      throw new IOException("supervisor: a message's string has no end");
    }
    buffer.position(end + 1);
    return FileNames.decode(bytes, from, end);
  }

  boolean hasMore() {
    return buffer.hasRemaining();
  }

  private ByteBuffer need(int count) throws IOException {
    if (buffer.remaining() < count) {
      throw new IOException(
          "supervisor: a message of " + bytes.length + " bytes is shorter than its kind");
    }
    return buffer;
  }
}
