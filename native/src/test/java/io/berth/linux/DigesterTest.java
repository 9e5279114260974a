package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.berth.linux.Digester.Algorithm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class DigesterTest {
  @ParameterizedTest
  @EnumSource
  void bothKindsAgreeWithTheJdk_inPiecesFromHeapAndNativeMemory(Algorithm algorithm)
      throws Exception {
    byte[] content = new byte[300_001];
    new Random(5).nextBytes(content);
    String expected =
        HexFormat.of().formatHex(MessageDigest.getInstance(algorithm.jdkName()).digest(content));
    assumeTrue(CryptoDigester.isAvailable(), "libcrypto is not installed");
    try (Arena arena = Arena.ofConfined();
        Digester library = CryptoDigester.of(algorithm);
        Digester jdk = JdkDigester.of(algorithm)) {
      MemorySegment copy = arena.allocateFrom(ValueLayout.JAVA_BYTE, content);
      for (Digester digester : new Digester[] {library, jdk}) {
        for (int round = 0; round < 2; round++) {
          digester.update(copy.asSlice(0, 1000));
          digester.update(content, 1000, 100_000);
          digester.update(copy.asSlice(101_000));
          assertEquals(expected, digester.hexDigest());
        }
      }
    }
  }

  @Test
  void ofNothing_isTheKnownDigest() {
    try (Digester digester = Digester.sha256()) {
      assertEquals(
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", digester.hexDigest());
    }
  }

  @Test
  void closed_isRefused() {
    assumeTrue(CryptoDigester.isAvailable(), "libcrypto is not installed");
    Digester digester = CryptoDigester.of(Algorithm.SHA256);
    digester.close();
    digester.close();
    assertThrows(IllegalStateException.class, digester::digest);
  }
}
