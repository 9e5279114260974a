package io.berth.linux.net;

import java.util.Optional;

/**
 * An IPv4 address.
 *
 * @param bits the four bytes, the first in the highest place
 */
public record Ipv4(int bits) implements Comparable<Ipv4> {
  /** {@code 0.0.0.0}: any address. */
  public static final Ipv4 ANY = new Ipv4(0);

  /** {@code 127.0.0.1}. */
  public static final Ipv4 LOOPBACK = new Ipv4(0x7f000001);

  /** Four decimal numbers with dots, none of them with a leading zero; empty for any other text. */
  public static Optional<Ipv4> parse(String text) {
    int bits = 0;
    int parts = 0;
    int at = 0;
    while (parts < 4) {
      int start = at;
      int value = 0;
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        value = value * 10 + (text.charAt(at++) - '0');
        if (at - start > 3) {
          return Optional.empty();
        }
      }
      boolean leadingZero = at - start > 1 && text.charAt(start) == '0';
      if (at == start || value > 255 || leadingZero) {
        return Optional.empty();
      }
      bits = bits << 8 | value;
      parts++;
      if (parts < 4) {
        if (at >= text.length() || text.charAt(at) != '.') {
          return Optional.empty();
        }
        at++;
      }
    }
    return at == text.length() ? Optional.of(new Ipv4(bits)) : Optional.empty();
  }

  /** Four bytes in the network's order. */
  static Ipv4 of(byte[] bytes) {
    if (bytes.length != 4) {
      throw new IllegalArgumentException(bytes.length + " bytes are no IPv4 address");
    }
    return new Ipv4(
        (bytes[0] & 0xff) << 24
            | (bytes[1] & 0xff) << 16
            | (bytes[2] & 0xff) << 8
            | (bytes[3] & 0xff));
  }

  /** Four bytes in the network's order. */
  byte[] bytes() {
    return new byte[] {
      (byte) (bits >>> 24), (byte) (bits >>> 16), (byte) (bits >>> 8), (byte) bits
    };
  }

  @Override
  public int compareTo(Ipv4 other) {
    return Integer.compareUnsigned(bits, other.bits);
  }

  @Override
  public String toString() {
    return (bits >>> 24)
        + "."
        + (bits >>> 16 & 0xff)
        + "."
        + (bits >>> 8 & 0xff)
        + "."
        + (bits & 0xff);
  }
}
