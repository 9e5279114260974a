package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * File names as the kernel has them are bytes, in Java they are strings. Names are UTF-8 wherever
 * they can be read so; a byte that is no part of valid UTF-8 becomes the lone surrogate U+DC00 +
 * byte and turns back into that byte. So every name survives the way through a string, and every
 * string that {@link #decode} made names the same file again.
 */
public final class FileNames {
  private static final char ESCAPE = 0xdc00;

  private FileNames() {}

  /** The name in {@code bytes[from, to)}. */
  public static String decode(byte[] bytes, int from, int to) {
    boolean ascii = true;
    for (int i = from; i < to && ascii; i++) {
      ascii = bytes[i] >= 0;
    }
    if (ascii) {
      return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes, from, to - from))
          .toString();
    } catch (CharacterCodingException notUtf8) {
      return decodeEscaping(bytes, from, to);
    }
  }

  /** The name in the first {@code length} bytes of a segment at an offset. */
  public static String decode(MemorySegment segment, long offset, int length) {
    byte[] bytes = new byte[length];
    MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, bytes, 0, length);
    return decode(bytes, 0, length);
  }

  /**
   * The bytes of a name, without a NUL.
   *
   * @throws IllegalArgumentException if the name holds a NUL or a surrogate that {@link #decode}
   *     does not make
   */
  public static byte[] encode(String name) {
    byte[] bytes = new byte[Math.toIntExact(maxBytes(name) + 1)];
    MemorySegment written = write(name, MemorySegment.ofArray(bytes));
    return Arrays.copyOf(bytes, Math.toIntExact(written.byteSize() - 1));
  }

  static String withoutTrailingSlashes(String path) {
    int end = path.length();
    while (end > 0 && path.charAt(end - 1) == '/') {
      end--;
    }
    return path.substring(0, end);
  }

  static String lastOf(String path) {
    String trimmed = withoutTrailingSlashes(path);
    return trimmed.substring(trimmed.lastIndexOf('/') + 1);
  }

  static long maxBytes(String name) {
    return name.length() * 3L;
  }

  /** Writes the name and a NUL, and returns the part of the segment that holds both. */
  static MemorySegment write(String name, MemorySegment to) {
    int length = name.length();
    long at = 0;
    for (int i = 0; i < length; i++) {
      char c = name.charAt(i);
      if (c < 0x80 && c != 0) {
        to.set(ValueLayout.JAVA_BYTE, at++, (byte) c);
      } else if (c == 0) {
        throw new IllegalArgumentException("name `" + name.replace('\0', '?') + "`: holds a NUL");
      } else if (c > ESCAPE + 0x7f && c <= ESCAPE + 0xff) {
        to.set(ValueLayout.JAVA_BYTE, at++, (byte) (c - ESCAPE));
      } else {
        boolean pair = Character.isHighSurrogate(c) && i + 1 < length;
        byte[] utf8 = encodeOne(name, i, pair ? 2 : 1);
        i += pair ? 1 : 0;
        MemorySegment.copy(utf8, 0, to, ValueLayout.JAVA_BYTE, at, utf8.length);
        at += utf8.length;
      }
    }
    to.set(ValueLayout.JAVA_BYTE, at++, (byte) 0);
    return to.asSlice(0, at);
  }

  private static byte[] encodeOne(String name, int at, int chars) {
    try {
      ByteBuffer bytes =
          StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name, at, at + chars));
      byte[] array = new byte[bytes.remaining()];
      bytes.get(array);
      return array;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("name holds a lone surrogate at " + at, e);
    }
  }

  private static String decodeEscaping(byte[] bytes, int from, int to) {
    StringBuilder name = new StringBuilder(to - from);
    int at = from;
    while (at < to) {
      int length = Math.min(lengthOf(bytes[at]), to - at);
      String part = length == 0 ? null : valid(bytes, at, length);
      if (part == null) {
        name.append((char) (ESCAPE + (bytes[at] & 0xff)));
        at++;
      } else {
        name.append(part);
        at += length;
      }
    }
    return name.toString();
  }

  private static int lengthOf(byte first) {
    int b = first & 0xff;
    if (b < 0x80) {
      return 1;
    }
    return b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc0 ? 2 : 0;
  }

  private static @Nullable String valid(byte[] bytes, int at, int length) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes, at, length))
          .toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }
}
