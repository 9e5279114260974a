package io.berth.image.registry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads private keys in PEM form: of any kind (PKCS#8), and the older forms of RSA (PKCS#1) and of
 * elliptic curves (RFC 5915), which are made into the first one.
 */
final class PemKeys {
  private static final Pattern KEY =
      Pattern.compile(
          "-----BEGIN ((?:RSA |EC |ENCRYPTED )?)PRIVATE KEY-----([^-]*)-----END", Pattern.DOTALL);

  /** The identifiers of RSA with its empty parameters, and of keys on curves (RFC 3279, 2.3). */
  private static final String RSA = "300d06092a864886f70d0101010500";

  private static final String CURVES = "06072a8648ce3d0201";

  private PemKeys() {}

  /** The first private key of a file. */
  static PrivateKey read(Path file) throws IOException, GeneralSecurityException {
    Matcher key = KEY.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
    if (!key.find()) {
      throw new InvalidKeyException("it holds no private key");
    }
    byte[] der;
    try {
      der = Base64.getMimeDecoder().decode(key.group(2));
    } catch (IllegalArgumentException e) {
      throw new InvalidKeyException("its private key is damaged", e);
    }
    return switch (key.group(1)) {
      case "RSA " -> decoded(wrapped(HexFormat.of().parseHex(RSA), der));
      case "EC " -> decoded(wrapped(sequence(HexFormat.of().parseHex(CURVES), curve(der)), der));
      case "ENCRYPTED " ->
          throw new InvalidKeyException("its private key is encrypted; store it decrypted");
      default -> decoded(der);
    };
  }

  private static PrivateKey decoded(byte[] der) throws GeneralSecurityException {
    GeneralSecurityException last = new InvalidKeyException("its private key is of no known kind");
    for (String kind : List.of("RSA", "EC", "EdDSA")) {
      try {
        return KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(der));
      } catch (GeneralSecurityException e) {
        last = e;
      }
    }
    throw new InvalidKeyException("its private key is neither of RSA nor of a known curve", last);
  }

  /** PKCS#8's structure around an older one: version, algorithm, key. */
  private static byte[] wrapped(byte[] algorithm, byte[] key) {
    return sequence(new byte[] {2, 1, 0}, algorithm, element(4, key));
  }

  private static byte[] sequence(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return element(0x30, all.toByteArray());
  }

  private static byte[] element(int tag, byte[] content) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.write(tag);
    if (content.length < 0x80) {
      all.write(content.length);
    } else {
      all.write(0x82);
      all.write(content.length >> 8);
      all.write(content.length);
    }
    all.writeBytes(content);
    return all.toByteArray();
  }

  /** The curve's identifier of an RFC 5915 key: the content of the element with the tag [0]. */
  private static byte[] curve(byte[] der) throws InvalidKeyException {
    for (int i = 0; i + 3 < der.length; i++) {
      boolean found =
          (der[i] & 0xff) == 0xa0
              && der[i + 2] == 6
              && der[i + 1] == der[i + 3] + 2
              && i + 2 + der[i + 1] <= der.length;
      if (found) {
        return Arrays.copyOfRange(der, i + 2, i + 2 + der[i + 1]);
      }
    }
    throw new InvalidKeyException("its private key names no curve");
  }
}
