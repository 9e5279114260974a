package io.berth.image.tar;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * What an archive is taken apart into. Calls come on the thread that pushes; what one throws ends
 * the parse.
 */
public interface TarSink {
  /** A new member; the one before is complete. */
  void entry(TarEntry entry) throws IOException;

  /**
   * More of the current file's content, together as much as its size. Valid only during the call.
   */
  void content(MemorySegment part) throws IOException;

  /** The current member is complete. */
  void endOfEntry() throws IOException;
}
