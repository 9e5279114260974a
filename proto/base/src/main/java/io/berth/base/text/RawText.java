package io.berth.base.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Bytes that ought to be text, such as arguments and variables. UTF-8 is read as it is; a byte that
 * is none of it stays one character, a half of a pair that no text has, so that it can be told from
 * everything else and is never taken for another character.
 */
public final class RawText {
  private static final char FIRST = '\udc00';

  private RawText() {}

  /** Reads bytes. */
  public static String decode(byte[] bytes) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    while (in.hasRemaining()) {
      CoderResult result = decoder.reset().decode(in, out, /* endOfInput= */ true);
      for (int i = result.isError() ? result.length() : 0; i > 0; i--) {
        out.put((char) (FIRST | (in.get() & 0xff)));
      }
    }
    return out.flip().toString();
  }

  /** Whether all of it was text. */
  public static boolean isText(String decoded) {
    for (int i = 0; i < decoded.length(); i++) {
      char c = decoded.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < decoded.length()
          && Character.isLowSurrogate(decoded.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        return false;
      }
    }
    return true;
  }

  /** The text for people, with {@code \xff} for a byte that is none. */
  public static String shown(String decoded) {
    StringBuilder shown = new StringBuilder();
    decoded
        .codePoints()
        .forEach(c -> {
          if (c >= FIRST && c <= (FIRST | 0xff)) {
            shown.append(String.format(Locale.ROOT, "\\x%02x", c & 0xff));
          } else {
            shown.appendCodePoint(c);
          }
        });
    return shown.toString();
  }
}
