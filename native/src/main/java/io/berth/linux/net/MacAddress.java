package io.berth.linux.net;

import java.util.Locale;
import java.util.Optional;

/**
 * A hardware address of six bytes.
 *
 * @param bits 48 of them, the first byte in the highest place
 */
public record MacAddress(long bits) {
  public MacAddress {
    if (bits >>> 48 != 0) {
      throw new IllegalArgumentException("more than 48 bits: " + Long.toHexString(bits));
    }
  }

  /** Six pairs of hex digits with colons or with dashes; empty for any other text. */
  public static Optional<MacAddress> parse(String text) {
    if (!text.matches("[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(\\1[0-9A-Fa-f]{2}){4}")) {
      return Optional.empty();
    }
    return Optional.of(new MacAddress(Long.parseLong(text.replaceAll("[:-]", ""), 16)));
  }

  /** Made from any 46 bits: marked as given locally, for one station. */
  public static MacAddress local(long seed) {
    return new MacAddress((seed & 0xfcff_ffff_ffffL) | 0x0200_0000_0000L);
  }

  /** Whether one station alone can have it: neither zero nor a group address. */
  public boolean isUnicast() {
    return bits != 0 && (bits & 0x0100_0000_0000L) == 0;
  }

  static MacAddress of(byte[] bytes) {
    long bits = 0;
    for (int i = 0; i < Math.min(bytes.length, 6); i++) {
      bits = (bits << 8) | (bytes[i] & 0xff);
    }
    return new MacAddress(bits);
  }

  byte[] bytes() {
    byte[] bytes = new byte[6];
    for (int i = 0; i < 6; i++) {
      bytes[i] = (byte) (bits >>> (8 * (5 - i)));
    }
    return bytes;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(17);
    for (int i = 5; i >= 0; i--) {
      text.append(String.format(Locale.ROOT, i == 0 ? "%02x" : "%02x:", (bits >>> (8 * i)) & 0xff));
    }
    return text.toString();
  }
}
