package io.berth.containerd.log;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A line of a container's output, or a piece of one.
 *
 * @param at when it was written
 * @param stderr whether it was written to standard error
 * @param line the bytes without the line's end; the receiver owns them
 * @param partial whether no line's end followed
 */
@SuppressWarnings("ArrayRecordComponent") // Made once, given away at once; never compared.
public record LogEntry(Instant at, boolean stderr, byte[] line, boolean partial) {
  /** The length of "stdout F ", the text between the time and the bytes. */
  private static final int AFTER_TIME = 9;

  private static final int LONGEST_TIME = 35;

  /** The length of the longest header: time, blank, stream, tag. */
  static final int HEADER = LONGEST_TIME + 1 + AFTER_TIME;

  /** Reads an entry. Null where the bytes, without their newline, are none. */
  static @Nullable LogEntry parse(byte[] bytes, int from, int to) {
    Header header = Header.parse(bytes, from, to);
    return header == null
        ? null
        : new LogEntry(
            header.at(),
            header.stderr(),
            Arrays.copyOfRange(bytes, header.end(), to),
            header.partial());
  }

  /**
   * What stands before the bytes that the container wrote.
   *
   * @param end the index of the first byte that the container wrote
   */
  record Header(Instant at, boolean stderr, boolean partial, int end) {
    static @Nullable Header parse(byte[] bytes, int from, int to) {
      int blank = from;
      while (blank < to && blank - from <= LONGEST_TIME && bytes[blank] != ' ') {
        blank++;
      }
      int end = blank + 1 + AFTER_TIME;
      if (blank >= to || bytes[blank] != ' ' || end > to) {
        return null;
      }
      String rest = new String(bytes, blank + 1, AFTER_TIME, StandardCharsets.US_ASCII);
      boolean stderr = rest.startsWith("stderr ");
      boolean partial = rest.endsWith(" P ");
      if ((!stderr && !rest.startsWith("stdout ")) || (!partial && !rest.endsWith(" F "))) {
        return null;
      }
      try {
        String time = new String(bytes, from, blank - from, StandardCharsets.US_ASCII);
        return new Header(Instant.parse(time), stderr, partial, end);
      } catch (DateTimeException e) {
        return null;
      }
    }
  }
}
