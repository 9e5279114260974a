package io.berth.linux;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Inflates a gzip stream piece by piece, from native memory to native memory, checksums verified.
 * Members that follow one another are one stream, as are zeros behind the last. Belongs to one
 * thread at a time. Inflating 256 KiB takes half a millisecond to a whole one: platform threads
 * only.
 */
public interface GzipDecoder extends AutoCloseable {
  /**
   * How far one step came.
   *
   * @param consumed the number of bytes of the input that are done with
   * @param produced the number of bytes of the output that are filled
   */
  record Progress(long consumed, long produced) {}

  /** A decoder by ISA-L, or by the JDK where that is not installed. */
  static GzipDecoder create() {
    return IsalGzipDecoder.isUsable() ? new IsalGzipDecoder() : new JdkGzipDecoder();
  }

  /**
   * Goes on until the input is used up or the output is full. With output left over, all input has
   * been used.
   *
   * @throws IOException if it is no gzip, or damaged; nothing more can be decoded then
   */
  Progress decode(MemorySegment input, MemorySegment output) throws IOException;

  /**
   * Whether the stream may end here: at least one member, and none begun. Asked once all output has
   * been taken.
   */
  boolean isComplete();

  /** Gives its memory back. */
  @Override
  void close();
}
