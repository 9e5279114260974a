package io.berth.cli.archive;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A block of 512 bytes before an entry (POSIX.1-1988 ustar), and the records of POSIX.1-2001 (pax)
 * that may stand before it.
 *
 * @param type ustar's flag: {@code 0} file, {@code 1} hard link, {@code 2} symbolic link, {@code 5}
 *     folder
 * @param link target of a link, else empty
 * @param modified seconds since the epoch
 */
record TarHeader(String name, char type, int mode, long size, String link, long modified) {
  static final int BLOCK = 512;
  private static final long MAX_SIZE = 077777777777L;
  private static final int MAX_NAME = 100;

  /** The same header with what pax records say instead. */
  TarHeader with(Map<String, String> records) {
    return new TarHeader(
        records.getOrDefault("path", name),
        type,
        mode,
        records.containsKey("size") ? Long.parseLong(records.get("size")) : size,
        records.getOrDefault("linkpath", link),
        modified);
  }

  /** Reads a block; null for a block of zeros, which ends an archive. */
  static @Nullable TarHeader read(byte[] block) throws TarException {
    boolean empty = true;
    int sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      empty &= block[i] == 0;
      sum += i >= 148 && i < 156 ? ' ' : block[i] & 0xff;
    }
    if (empty) {
      return null;
    }
    if (number(block, 148, 8) != sum) {
      throw new TarException("a header has a wrong checksum");
    }
    String prefix = text(block, 345, 155);
    String name = text(block, 0, MAX_NAME);
    return new TarHeader(
        prefix.isEmpty() ? name : prefix + "/" + name,
        block[156] == 0 ? '0' : (char) block[156],
        (int) number(block, 100, 8),
        number(block, 124, 12),
        text(block, 157, MAX_NAME),
        number(block, 136, 12));
  }

  /** Reads the records in the body of an entry of type {@code x} or {@code g}. */
  static Map<String, String> records(byte[] body) throws TarException {
    Map<String, String> records = new LinkedHashMap<>();
    int at = 0;
    while (at < body.length) {
      int space = at;
      int length = 0;
      while (space < body.length && body[space] >= '0' && body[space] <= '9' && length < 1 << 20) {
        length = length * 10 + (body[space++] - '0');
      }
      int equals = space;
      while (equals < body.length && body[equals] != '=') {
        equals++;
      }
      int end = at + length;
      if (length == 0 || end > body.length || equals >= end - 1 || body[end - 1] != '\n') {
        throw new TarException("a pax record is damaged");
      }
      records.put(
          new String(body, space + 1, equals - space - 1, StandardCharsets.UTF_8),
          new String(body, equals + 1, end - equals - 2, StandardCharsets.UTF_8));
      at = end;
    }
    return records;
  }

  /**
   * The blocks that stand for this header, with pax records before it where a value does not fit.
   */
  List<byte[]> blocks() {
    List<byte[]> blocks = new ArrayList<>();
    Map<String, String> records = new LinkedHashMap<>();
    if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME) {
      records.put("path", name);
    }
    if (link.getBytes(StandardCharsets.UTF_8).length > MAX_NAME) {
      records.put("linkpath", link);
    }
    if (size > MAX_SIZE) {
      records.put("size", Long.toString(size));
    }
    if (!records.isEmpty()) {
      byte[] body = body(records);
      blocks.add(new TarHeader("PaxHeaders/entry", 'x', 0644, body.length, "", 0).block());
      blocks.add(Arrays.copyOf(body, (body.length + BLOCK - 1) / BLOCK * BLOCK));
    }
    blocks.add(block());
    return blocks;
  }

  private static byte[] body(Map<String, String> records) {
    StringBuilder text = new StringBuilder();
    records.forEach((key, value) -> {
      String rest = " " + key + "=" + value + "\n";
      int bytes = rest.getBytes(StandardCharsets.UTF_8).length;
      int length = bytes + Integer.toString(bytes).length();
      // A record's length counts its own digits as well (POSIX.1-2001, pax).
      length = bytes + Integer.toString(length).length();
      text.append(length).append(rest);
    });
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private byte[] block() {
    byte[] block = new byte[BLOCK];
    put(block, 0, MAX_NAME, name);
    put(block, 100, 7, octal("%07o", mode));
    put(block, 108, 7, "0000000");
    put(block, 116, 7, "0000000");
    put(block, 124, 11, octal("%011o", Math.min(size, MAX_SIZE)));
    put(block, 136, 11, octal("%011o", Math.clamp(modified, 0, MAX_SIZE)));
    Arrays.fill(block, 148, 156, (byte) ' ');
    block[156] = (byte) type;
    put(block, 157, MAX_NAME, link);
    put(block, 257, 5, "ustar");
    put(block, 263, 2, "00");
    int sum = 0;
    for (byte b : block) {
      sum += b & 0xff;
    }
    put(block, 148, 6, octal("%06o", sum));
    block[154] = 0;
    return block;
  }

  private static String octal(String width, long value) {
    return String.format(Locale.ROOT, width, value);
  }

  private static void put(byte[] block, int at, int length, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(bytes, 0, block, at, Math.min(length, bytes.length));
  }

  private static String text(byte[] block, int at, int length) {
    int end = at;
    while (end < at + length && block[end] != 0) {
      end++;
    }
    return new String(block, at, end - at, StandardCharsets.UTF_8);
  }

  private static long number(byte[] block, int at, int length) throws TarException {
    long value = 0;
    if ((block[at] & 0x80) != 0) {
      // GNU tar writes large numbers in binary, with the highest bit set.
      for (int i = at + length - 8; i < at + length; i++) {
        value = (value << 8) | (block[i] & 0xff);
      }
    } else {
      for (int i = at; i < at + length && block[i] != 0; i++) {
        if (block[i] == ' ') {
          continue;
        }
        if (block[i] < '0' || block[i] > '7') {
          throw new TarException("a number in a header is none");
        }
        value = (value << 3) | (block[i] - '0');
      }
    }
    if (value < 0) {
      throw new TarException("a number in a header is too large");
    }
    return value;
  }

  /** Refuses what is no archive, or an archive that would write elsewhere. */
  static final class TarException extends IOException {
    TarException(String message) {
      super(message);
    }
  }
}
