package io.berth.linux.net;

import java.util.Arrays;
import java.util.HexFormat;

/** Bytes with value semantics: the key or value of a map's entry. */
public final class Bytes {
  private final byte[] content;

  private Bytes(byte[] content) {
    this.content = content;
  }

  static Bytes of(byte[] content) {
    return new Bytes(content.clone());
  }

  /** Fields of a key, each on four bytes. */
  public static Bytes fields(byte[]... fields) {
    int length = 0;
    for (byte[] field : fields) {
      length += (field.length + 3) & ~3;
    }
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] field : fields) {
      System.arraycopy(field, 0, all, at, field.length);
      at += (field.length + 3) & ~3;
    }
    return new Bytes(all);
  }

  /** A field that holds a protocol's number. */
  public static byte[] protocol(int number) {
    return new byte[] {(byte) number};
  }

  /** A field that holds a port. */
  public static byte[] port(int number) {
    return new byte[] {(byte) (number >>> 8), (byte) number};
  }

  /** A field that holds an address. */
  public static byte[] address(Ipv4 address) {
    return address.bytes();
  }

  byte[] toArray() {
    return content.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes bytes && Arrays.equals(content, bytes.content);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(content);
  }

  @Override
  public String toString() {
    return HexFormat.of().formatHex(content);
  }
}
