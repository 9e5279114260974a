package io.berth.base.id;

import io.berth.base.error.BerthException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A content digest, {@code algorithm:hex}; sha256 and sha512 (OCI image-spec, descriptor.md,
 * section Digests). Safe as a file name.
 */
public record Digest(String algorithm, String hex) {
  /** Checks algorithm and length; hex digits are lower case. */
  public Digest {
    int length =
        switch (algorithm) {
          case "sha256" -> 64;
          case "sha512" -> 128;
          default ->
              throw new BerthException.InvalidArgument(
                  "unsupported digest algorithm `" + cut(algorithm) + "`");
        };
    if (hex.length() != length
        || !hex.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
      throw new BerthException.InvalidArgument(
          "invalid checksum digest `" + cut(algorithm + ":" + hex) + "`");
    }
  }

  /** Parses {@code algorithm:hex}; INVALID_ARGUMENT otherwise. */
  public static Digest of(String text) {
    int colon = text.indexOf(':');
    if (colon <= 0) {
      throw new BerthException.InvalidArgument(
          "invalid checksum digest format `" + cut(text) + "`");
    }
    return new Digest(text.substring(0, colon), text.substring(colon + 1));
  }

  /** The sha256 of some bytes. */
  public static Digest sha256(byte[] bytes) {
    return new Digest("sha256", HexFormat.of().formatHex(sha256().digest(bytes)));
  }

  /** The sha256 of a text in UTF-8. */
  public static Digest sha256(String text) {
    return sha256(text.getBytes(StandardCharsets.UTF_8));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static String cut(String text) {
    return text.length() <= 100 ? text : text.substring(0, 100) + "...";
  }

  @Override
  public String toString() {
    return algorithm + ":" + hex;
  }
}
