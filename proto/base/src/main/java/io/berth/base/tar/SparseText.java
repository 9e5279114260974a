package io.berth.base.tar;

import io.berth.base.error.BerthException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The map that stands before a sparse file's content in format 1.0: numbers, one a line, in whole
 * blocks. The first says how many parts follow. Collected block by block.
 */
final class SparseText {
  private static final int MAX_DIGITS = 19;

  private byte[] text = new byte[TarParser.BLOCK];
  private int length;
  private int lines;
  private long wanted = 1;

  /** Takes a block; answers the map once it is complete. */
  @Nullable SparseMap take(byte[] block) {
    if (length + block.length > TarParser.MAX_HEADER_BYTES) {
      throw new BerthException.InvalidArgument(
          "the map of a sparse file has more than " + TarParser.MAX_HEADER_BYTES + " bytes");
    }
    if (length + block.length > text.length) {
      text = Arrays.copyOf(text, text.length * 2);
    }
    System.arraycopy(block, 0, text, length, block.length);
    int from = length;
    length += block.length;
    for (int i = from; i < length && lines < wanted; i++) {
      if (text[i] == '\n' && ++lines == 1) {
        long parts = number(new String(text, 0, i, StandardCharsets.ISO_8859_1));
        wanted = 1 + 2 * Math.min(parts, TarParser.MAX_HEADER_BYTES);
      }
    }
    return lines < wanted ? null : map();
  }

  private SparseMap map() {
    String numbers = new String(text, 0, length, StandardCharsets.ISO_8859_1);
    int start = numbers.indexOf('\n') + 1;
    int at = start;
    for (long i = 1; i < wanted; i++) {
      at = numbers.indexOf('\n', at) + 1;
    }
    return at > start ? map(numbers.substring(start, at - 1), '\n') : new SparseMap();
  }

  /** Reads a map of numbers with a mark between each two. */
  static SparseMap map(String text, char mark) {
    SparseMap map = new SparseMap();
    int at = 0;
    while (at < text.length()) {
      int middle = text.indexOf(mark, at);
      if (middle < 0) {
        throw new BerthException.InvalidArgument("the map of a sparse file ends in the middle");
      }
      int next = text.indexOf(mark, middle + 1);
      int end = next < 0 ? text.length() : next;
      map.add(number(text.substring(at, middle)), number(text.substring(middle + 1, end)));
      at = end + 1;
    }
    return map;
  }

  /** Reads a number of a map, which is decimal and never negative. */
  static long number(String text) {
    boolean digits =
        !text.isEmpty()
            && text.length() <= MAX_DIGITS
            && text.chars().allMatch(c -> c >= '0' && c <= '9');
    try {
      if (digits) {
        return Long.parseLong(text);
      }
    } catch (NumberFormatException e) {
      // It has as many digits as a long, and is larger than one.
    }
    String shown = text.length() <= 40 ? text : text.substring(0, 40) + "...";
    throw new BerthException.InvalidArgument(
        "the map of a sparse file has `" + shown.replace('\n', ' ') + "` where a number belongs");
  }
}
