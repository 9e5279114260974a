package io.berth.linux.net;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writes netlink messages, one behind the other, in the form in which the kernel takes them: a
 * header, a fixed part, attributes that may be nested, everything on multiples of four bytes.
 * Numbers are little-endian unless the method's name says big-endian.
 *
 * <p>Sequence numbers are filled in by {@link NetlinkSocket} when it sends. Not safe for use by
 * several threads.
 */
final class NetlinkWriter {
  static final int HEADER_BYTES = 16;
  static final int ATTRIBUTE_HEADER_BYTES = 4;

  private ByteBuffer buffer = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
  private final List<Integer> starts = new ArrayList<>();
  private final List<Integer> nests = new ArrayList<>();

  /** Ends the message before, if any, and begins one. */
  NetlinkWriter message(int type, int flags) {
    finish();
    int start = buffer.position();
    starts.add(start);
    room(HEADER_BYTES);
    buffer.putInt(0).putShort((short) type).putShort((short) flags).putInt(0).putInt(0);
    return this;
  }

  NetlinkWriter u8(int value) {
    room(1);
    buffer.put((byte) value);
    return this;
  }

  NetlinkWriter u16(int value) {
    room(2);
    buffer.putShort((short) value);
    return this;
  }

  NetlinkWriter u32(int value) {
    room(4);
    buffer.putInt(value);
    return this;
  }

  NetlinkWriter be16(int value) {
    return u16(Short.reverseBytes((short) value));
  }

  NetlinkWriter raw(byte[] bytes) {
    room(bytes.length);
    buffer.put(bytes);
    return this;
  }

  NetlinkWriter attribute(int type, byte[] value) {
    attributeHeader(type, value.length);
    return raw(value).align();
  }

  NetlinkWriter attributeU8(int type, int value) {
    attributeHeader(type, 1);
    return u8(value).align();
  }

  NetlinkWriter attributeU32(int type, int value) {
    attributeHeader(type, 4);
    return u32(value);
  }

  /** Adds a number in the order of the network, as nfnetlink wants it. */
  NetlinkWriter attributeBe32(int type, int value) {
    return attributeU32(type, Integer.reverseBytes(value));
  }

  /** Adds text with a zero byte behind it. */
  NetlinkWriter attributeBe64(int type, long value) {
    return attribute(type, ByteBuffer.allocate(Long.BYTES).putLong(value).array());
  }

  NetlinkWriter attribute(int type, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return attribute(type, Arrays.copyOf(bytes, bytes.length + 1));
  }

  /** Begins an attribute that holds attributes; {@link #end} ends it. */
  NetlinkWriter nest(int type) {
    nests.add(buffer.position());
    attributeHeader(type | Uapi.NLA_F_NESTED, 0);
    return this;
  }

  /** Ends the innermost open nest. */
  NetlinkWriter end() {
    int start = nests.removeLast();
    int length = buffer.position() - start;
    if (length > 0xffff) {
      throw new IllegalArgumentException("netlink attribute of " + length + " bytes");
    }
    buffer.putShort(start, (short) length);
    return this;
  }

  /** How many messages have been begun. */
  int messages() {
    return starts.size();
  }

  /** Adds flags to the message begun last. */
  NetlinkWriter addFlags(int flags) {
    int at = starts.getLast() + 6;
    buffer.putShort(at, (short) (buffer.getShort(at) | flags));
    return this;
  }

  /** Everything written, the messages numbered upwards from {@code firstSequence}. */
  byte[] toBytes(int firstSequence) {
    finish();
    for (int i = 0; i < starts.size(); i++) {
      buffer.putInt(starts.get(i) + 8, firstSequence + i);
    }
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  /** The type of the n-th message, counted from 0. */
  int typeOf(int n) {
    return buffer.getShort(starts.get(n) + 4) & 0xffff;
  }

  private void finish() {
    if (!nests.isEmpty()) {
      throw new IllegalStateException(nests.size() + " netlink attributes are still open");
    }
    if (!starts.isEmpty()) {
      align();
      int start = starts.getLast();
      buffer.putInt(start, buffer.position() - start);
    }
  }

  private void attributeHeader(int type, int length) {
    room(ATTRIBUTE_HEADER_BYTES);
    int size = ATTRIBUTE_HEADER_BYTES + length;
    if (size > 0xffff) {
      throw new IllegalArgumentException("netlink attribute of " + size + " bytes");
    }
    buffer.putShort((short) size).putShort((short) type);
  }

  private NetlinkWriter align() {
    while ((buffer.position() & 3) != 0) {
      u8(0);
    }
    return this;
  }

  private void room(int bytes) {
    if (buffer.remaining() < bytes) {
      ByteBuffer larger =
          ByteBuffer.allocate(Math.max(buffer.capacity() * 2, buffer.position() + bytes))
              .order(ByteOrder.LITTLE_ENDIAN);
      buffer.flip();
      larger.put(buffer);
      buffer = larger;
    }
  }
}
