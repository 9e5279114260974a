package io.berth.image.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.InvalidKeyException;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Private keys in the forms that tools write them. */
// case I13
final class PemKeysTest {
  @TempDir Path folder;

  private PrivateKey read(String kind, byte[] der) throws Exception {
    return PemKeys.read(
        Files.writeString(
            folder.resolve("key.pem"),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN "
                + kind
                + "PRIVATE KEY-----\n"
                + Base64.getMimeEncoder().encodeToString(der)
                + "\n-----END "
                + kind
                + "PRIVATE KEY-----\n"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"RSA", "EC", "Ed25519"})
  void keyOfAnyKind_isRead(String kind) throws Exception {
    PrivateKey key = KeyPairGenerator.getInstance(kind).generateKeyPair().getPrivate();
    assertEquals(key, read("", key.getEncoded()));
  }

  @Test
  void olderFormOfRsa_isRead() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    PrivateKey key = generator.generateKeyPair().getPrivate();
    // In PKCS#8 the older form stands behind 26 bytes: its length, a version, the algorithm.
    byte[] all = key.getEncoded();
    assertEquals(key, read("RSA ", Arrays.copyOfRange(all, 26, all.length)));
  }

  @Test
  void olderFormOfACurve_isRead() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    PrivateKey key = generator.generateKeyPair().getPrivate();
    String hex = HexFormat.of().formatHex(key.getEncoded());
    String secret = hex.substring(hex.indexOf("0201010420") + 10, hex.indexOf("0201010420") + 74);
    String older = "30310201010420" + secret + "a00a06082a8648ce3d030107";
    // Keys are compared by their encodings, and the older form names its curve once more.
    var read = assertInstanceOf(ECPrivateKey.class, read("EC ", HexFormat.of().parseHex(older)));
    assertEquals(((ECPrivateKey) key).getS(), read.getS());
    assertEquals(((ECPrivateKey) key).getParams().getCurve(), read.getParams().getCurve());
  }

  @Test
  void encryptedOrDamagedKey_isRefused() {
    var encrypted =
        assertThrows(InvalidKeyException.class, () -> read("ENCRYPTED ", new byte[] {1}));
    assertEquals("its private key is encrypted; store it decrypted", encrypted.getMessage());
    assertThrows(InvalidKeyException.class, () -> read("", new byte[] {1}));
    assertThrows(InvalidKeyException.class, () -> read("EC ", new byte[] {1, 2, 3}));
    assertThrows(InvalidKeyException.class, () -> read("DSA ", new byte[] {1}));
  }
}
