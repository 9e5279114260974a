package io.berth.image.codec;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Lends the memory that is unpacked into, so that nothing has to be copied behind it. */
public interface DecodedOutput {
  /** Native memory to fill; the same again until {@link #filled} is called. May wait for it. */
  MemorySegment room() throws IOException;

  /** Takes back the last room with so many bytes in it, at least one. */
  void filled(int bytes) throws IOException;
}
