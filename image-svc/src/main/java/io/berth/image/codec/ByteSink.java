package io.berth.image.codec;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Takes bytes. */
public interface ByteSink {
  /** Takes all bytes of a segment, which is valid only during the call. */
  void write(MemorySegment bytes) throws IOException;
}
