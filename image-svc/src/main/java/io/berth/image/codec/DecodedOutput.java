package io.berth.image.codec;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Lends the memory that is unpacked into, so that nothing has to be copied behind it. */
public interface DecodedOutput {
  /**
   * Native memory to fill; the same memory again until {@link #filled} is called. May wait until
   * there is some.
   */
  MemorySegment room() throws IOException;

  /** Takes back the memory, of which this many bytes are filled, at least one. */
  void filled(int bytes) throws IOException;
}
