package io.berth.base.tar;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Receives the entries of an archive. Calls come on the thread that pushes the bytes; an exception
 * ends the parse.
 */
public interface TarSink {
  /** An entry begins; the one before is complete. */
  void entry(TarEntry entry) throws IOException;

  /**
   * A part of the current file's content comes; all parts and holes together are as long as the
   * entry's size says. The memory is valid only during the call.
   */
  void content(MemorySegment part) throws IOException;

  /**
   * So many zeros of the current file's content come, which are not stored in the archive. Unless
   * it is overridden, they are handed to {@link #content}.
   */
  default void hole(long bytes) throws IOException {
    for (long left = bytes; left > 0; left -= Zeros.SIZE) {
      content(Zeros.MEMORY.asSlice(0, Math.min(left, Zeros.SIZE)));
    }
  }

  /** The current entry is complete. */
  void endOfEntry() throws IOException;
}
