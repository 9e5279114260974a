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
   * A part of the current file's content comes; all parts together are as long as the entry's size
   * says. The memory is valid only during the call.
   */
  void content(MemorySegment part) throws IOException;

  /** The current entry is complete. */
  void endOfEntry() throws IOException;
}
