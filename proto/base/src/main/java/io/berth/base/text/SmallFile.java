package io.berth.base.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that somebody names and that is read whole, like one of variables. The process that reads
 * it may serve others as well, so a disk or an endless device named by mistake must not fill its
 * memory.
 */
public final class SmallFile {
  /** Bytes; more than any that people write, and what fits into a message to a service. */
  static final int MOST_BYTES = 4 << 20;

  private SmallFile() {}

  /**
   * Its bytes; a pipe is read to its end. Waits for the file's other side, if it has one.
   *
   * @param what names what is read, for the refusal
   * @throws io.berth.base.error.BerthException INVALID_ARGUMENT if it is not there, cannot be read
   *     or is too large
   */
  public static byte[] read(String what, Path file) {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MOST_BYTES + 1);
    } catch (IOException e) {
      throw Refusal.of(
          what, file.toString(), Files.exists(file) ? "cannot be read" : "no such file");
    }
    if (bytes.length > MOST_BYTES) {
      throw Refusal.of(what, file.toString(), "is larger than 4 MiB; name another file");
    }
    return bytes;
  }
}
