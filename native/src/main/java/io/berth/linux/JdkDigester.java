package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The JDK's digest: as fast as libcrypto's, but only once the compiler has had its turn. */
final class JdkDigester implements Digester {
  private final MessageDigest digest;

  private JdkDigester(MessageDigest digest) {
    this.digest = digest;
  }

  static JdkDigester of(Algorithm algorithm) {
    try {
      return new JdkDigester(MessageDigest.getInstance(algorithm.jdkName()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has " + algorithm.jdkName(), e);
    }
  }

  @Override
  public void update(MemorySegment bytes) {
    digest.update(bytes.asByteBuffer());
  }

  @Override
  public byte[] digest() {
    return digest.digest();
  }

  @Override
  public void close() {
    digest.reset();
  }
}
