package io.berth.linux.supervisor;

import io.berth.linux.FileNames;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Writes little-endian numbers and NUL-terminated strings into a buffer that grows. */
final class WireWriter {
  private ByteBuffer buffer = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);

  WireWriter u16(int value) {
    room(2).putShort((short) value);
    return this;
  }

  WireWriter u32(int value) {
    room(4).putInt(value);
    return this;
  }

  WireWriter u64(long value) {
    room(8).putLong(value);
    return this;
  }

  WireWriter bytes(byte[] bytes) {
    room(bytes.length).put(bytes);
    return this;
  }

  /**
   * A string and its NUL.
   *
   * @throws IllegalArgumentException if the string holds a NUL
   */
  WireWriter text(String text) {
    bytes(FileNames.encode(text));
    room(1).put((byte) 0);
    return this;
  }

  WireWriter texts(Iterable<String> texts) {
    texts.forEach(this::text);
    return this;
  }

  /** Writes zeros up to the next multiple. */
  WireWriter align(int multiple) {
    while (buffer.position() % multiple != 0) {
      room(1).put((byte) 0);
    }
    return this;
  }

  /** Overwrites four bytes that were written before. */
  void putU32(int at, int value) {
    buffer.putInt(at, value);
  }

  int length() {
    return buffer.position();
  }

  byte[] toBytes() {
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  private ByteBuffer room(int bytes) {
    if (buffer.remaining() < bytes) {
      int size = Math.max(buffer.capacity() * 2, buffer.position() + bytes);
      buffer.flip();
      buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN).put(buffer);
    }
    return buffer;
  }
}
