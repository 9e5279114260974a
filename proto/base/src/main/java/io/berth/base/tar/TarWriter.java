package io.berth.base.tar;

import io.berth.linux.FileNames;
import io.berth.linux.FileTimestamp;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes an archive: ustar headers, and pax records before those that need them (long or non-ASCII
 * names, attributes, large numbers, fractions of a second). The same entries give the same bytes.
 * Belongs to one thread.
 */
public final class TarWriter {
  private static final long MAX_OCTAL_11 = 077777777777L;
  private static final int MAX_OCTAL_7 = 07777777;

  private final OutputStream out;
  private long size;
  private long expected;

  /** Writes to a stream, which stays open. */
  public TarWriter(OutputStream out) {
    this.out = out;
  }

  /**
   * Writes the header of an entry; for a file, as many bytes as its size says must follow through
   * {@link #content}.
   */
  public void entry(TarEntry entry) throws IOException {
    if (expected != 0) {
      throw new IllegalStateException(expected + " bytes of the entry before are missing");
    }
    Map<String, byte[]> records = records(entry);
    if (!records.isEmpty()) {
      byte[] text = paxText(records);
      out.write(
          header(
              TarEntry.file("PaxHeaders.0/entry", 0644, text.length, new FileTimestamp(0, 0)),
              'x'));
      out.write(text);
      pad(text.length);
    }
    out.write(header(entry, entry.type().flag()));
    expected = entry.size();
    size = entry.size();
  }

  /** Writes a part of the current file's content. */
  public void content(byte[] bytes, int offset, int length) throws IOException {
    if (length > expected) {
      throw new IllegalStateException("content of more than the entry's size");
    }
    out.write(bytes, offset, length);
    expected -= length;
    if (expected == 0) {
      pad(size);
    }
  }

  /** Writes a file with its content. */
  public void file(TarEntry entry, byte[] content) throws IOException {
    entry(entry);
    if (content.length > 0) {
      content(content, 0, content.length);
    }
  }

  /** Writes the end mark; the stream stays open. */
  public void finish() throws IOException {
    out.write(new byte[2 * TarParser.BLOCK]);
    out.flush();
  }

  private void pad(long size) throws IOException {
    out.write(new byte[(int) (-size & (TarParser.BLOCK - 1))]);
  }

  private static Map<String, byte[]> records(TarEntry entry) {
    Map<String, byte[]> records = new TreeMap<>();
    byte[] name = FileNames.encode(entry.name());
    if (name.length > 100 || !isAscii(name)) {
      records.put("path", name);
    }
    byte[] link = FileNames.encode(entry.linkName());
    if (link.length > 100 || !isAscii(link)) {
      records.put("linkpath", link);
    }
    if (entry.size() > MAX_OCTAL_11) {
      records.put("size", ascii(Long.toString(entry.size())));
    }
    if (Integer.compareUnsigned(entry.uid(), MAX_OCTAL_7) > 0) {
      records.put("uid", ascii(Integer.toUnsignedString(entry.uid())));
    }
    if (Integer.compareUnsigned(entry.gid(), MAX_OCTAL_7) > 0) {
      records.put("gid", ascii(Integer.toUnsignedString(entry.gid())));
    }
    FileTimestamp time = entry.modified();
    if (time.nanos() != 0 || time.seconds() < 0 || time.seconds() > MAX_OCTAL_11) {
      records.put("mtime", ascii(decimal(time)));
    }
    entry.attributes().forEach((key, value) -> records.put("SCHILY.xattr." + key, value));
    return records;
  }

  private static String decimal(FileTimestamp time) {
    if (time.nanos() == 0) {
      return Long.toString(time.seconds());
    }
    boolean negative = time.seconds() < 0;
    long seconds = negative ? -(time.seconds() + 1) : time.seconds();
    int nanos = negative ? 1_000_000_000 - time.nanos() : time.nanos();
    String fraction = Integer.toString(1_000_000_000 + nanos).substring(1);
    return (negative ? "-" : "") + seconds + "." + fraction.replaceAll("0+$", "");
  }

  private static byte[] paxText(Map<String, byte[]> records) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    records.forEach((key, value) -> {
      byte[] name = FileNames.encode(key);
      int rest = name.length + value.length + 3;
      int length = rest + Integer.toString(rest).length();
      // The length of a record counts its own digits (pax, Extended Header).
      length = rest + Integer.toString(length).length();
      text.writeBytes(ascii(length + " "));
      text.writeBytes(name);
      text.write('=');
      text.writeBytes(value);
      text.write('\n');
    });
    return text.toByteArray();
  }

  private static byte[] header(TarEntry entry, char type) {
    byte[] block = new byte[TarParser.BLOCK];
    bytes(block, 0, 100, FileNames.encode(entry.name()));
    octal(block, 100, 7, entry.mode());
    octal(block, 108, 7, fitting(entry.uid()));
    octal(block, 116, 7, fitting(entry.gid()));
    octal(block, 124, 11, entry.size() > MAX_OCTAL_11 ? 0 : entry.size());
    long seconds = entry.modified().seconds();
    octal(block, 136, 11, seconds < 0 || seconds > MAX_OCTAL_11 ? 0 : seconds);
    block[156] = (byte) type;
    bytes(block, 157, 100, FileNames.encode(entry.linkName()));
    bytes(block, 257, 8, new byte[] {'u', 's', 't', 'a', 'r', 0, '0', '0'});
    octal(block, 329, 7, entry.deviceMajor());
    octal(block, 337, 7, entry.deviceMinor());
    Arrays.fill(block, 148, 156, (byte) ' ');
    long sum = 0;
    for (byte b : block) {
      sum += b & 0xff;
    }
    octal(block, 148, 6, sum);
    block[154] = 0;
    block[155] = ' ';
    return block;
  }

  private static long fitting(int id) {
    return Integer.compareUnsigned(id, MAX_OCTAL_7) > 0 ? 0 : id;
  }

  private static void bytes(byte[] block, int offset, int length, byte[] value) {
    System.arraycopy(value, 0, block, offset, Math.min(length, value.length));
  }

  private static void octal(byte[] block, int offset, int digits, long value) {
    for (int i = digits - 1; i >= 0; i--) {
      block[offset + i] = (byte) ('0' + (value & 7));
      value >>>= 3;
    }
  }

  private static boolean isAscii(byte[] text) {
    for (byte b : text) {
      if (b < 0) {
        return false;
      }
    }
    return true;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
