package io.berth.image.codec;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Gives bytes. Belongs to one thread; reading may block as long as the origin of the bytes does.
 */
public interface ByteSource {
  /** Reads at least one byte into native memory and answers how many; -1 at the end. */
  int read(MemorySegment into) throws IOException;

  /** A source of all bytes of an array. */
  static ByteSource of(byte[] bytes) {
    return new ByteSource() {
      private int at;

      @Override
      public int read(MemorySegment into) {
        int part = (int) Math.min(into.byteSize(), bytes.length - at);
        if (part == 0) {
          return -1;
        }
        MemorySegment.copy(bytes, at, into, ValueLayout.JAVA_BYTE, 0, part);
        at += part;
        return part;
      }
    };
  }

  /** A source of the bytes of a stream, which is not closed. */
  static ByteSource of(InputStream stream) {
    byte[] copy = new byte[64 << 10];
    return into -> {
      int count = stream.read(copy, 0, (int) Math.min(copy.length, into.byteSize()));
      if (count > 0) {
        MemorySegment.copy(copy, 0, into, ValueLayout.JAVA_BYTE, 0, count);
      }
      return count;
    };
  }
}
