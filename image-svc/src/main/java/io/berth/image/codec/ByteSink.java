package io.berth.image.codec;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Where bytes go. The memory is valid only during the call. */
public interface ByteSink {
  /** Takes all of it. */
  void write(MemorySegment bytes) throws IOException;
}
